"""Peak memory of `bench run` on an image of 4000x3000, each model in a process of its own. Run by hand:

    python -m tests.benchmarks.memory                               # the shipped networks, the whole image: minutes
    python -m tests.benchmarks.memory --first 8 MODEL ...           # the network sees the first eight tiles only
    python -m tests.benchmarks.memory --first 8 --all               # every network, small and full: an hour of one core

Expected: below 4 GB for every network. Classical methods take the whole image, are not in --all, and can be named.
What is not seen by the network is passed through; everything else is done in full: noise, scores, rows, pictures.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

HEIGHT, WIDTH, LIMIT = 3000, 4000, 4e9
SHIPPED = ("dncnn", "ours", "baseline", "swinir")
NAMES = (
    "dncnn",
    "ours",
    "baseline",
    "dropout",
    "swinir",
    "ridnet",
    "rnan",
    "restormer",
    "idf",
    "ffdnet",
    "bfcnn",
    "adnet",
)
ALL = tuple(f"{name}(weights=None, size='{size}')" for size in ("small", "full") for name in NAMES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*")
    parser.add_argument("--all", action="store_true", help="every network, untrained, in both sizes; no classical one")
    parser.add_argument("--first", type=int, help="the network sees so many tiles only")
    parser.add_argument("--noise", default="gaussian(sigma=15)")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)  # of the photograph: this is a process for one
    given = parser.parse_args()
    if given.folder:
        run_one(given.models[0], given.noise, given.folder, given.first)
        return
    with tempfile.TemporaryDirectory() as folder:
        save_photograph(Path(folder) / "photos")
        print(f"{'model':42} {'tile':>5} {'peak MB':>8} {'seconds':>8}")
        for model in given.models or (ALL if given.all else SHIPPED):
            first = ["--first", str(given.first)] if given.first else []
            command = [sys.executable, __file__, model, "--noise", given.noise, "--folder", folder, *first]
            result = subprocess.run(command, capture_output=True, text=True)
            print(f"{model:42} {result.stdout.strip() or result.stderr[-500:]}", flush=True)


def save_photograph(folder: Path) -> None:
    """The builtin photographs, mirrored side by side until the picture is full."""
    from bench.datasets import load_dataset

    crops = [np.rint(image.read() * 255).astype(np.uint8) for image in load_dataset("builtin").images]
    row = np.concatenate([np.concatenate([crop, crop[:, ::-1]], 1) for crop in crops], 1)
    column = np.concatenate([row, row[::-1]], 0)
    picture = np.tile(column, (-(-HEIGHT // column.shape[0]), -(-WIDTH // column.shape[1]), 1))[:HEIGHT, :WIDTH]
    folder.mkdir()
    Image.fromarray(picture).save(folder / "picture.png")


def run_one(model: str, noise: str, folder: Path, first: int | None) -> None:
    """Run a model in this process and print its tile, peak and time."""
    from torch import nn

    import bench
    from bench.evaluation import denoise

    class First(nn.Module):
        """A network that is called so many times, and afterwards gives back what it gets."""

        def __init__(self, network: nn.Module):
            super().__init__()
            self.network, self.calls = network, 0
            self.takes_keys = getattr(network, "takes_keys", False)

        def forward(self, x, **keys):
            self.calls += 1
            return self.network(x, **keys) if self.calls <= first else x

    load = denoise.load
    if first:
        denoise.load = lambda *arguments: First(load(*arguments))
    with tempfile.TemporaryDirectory() as out:
        rows = bench.run([model], noise, data=(folder / "photos",), out=out, device="cpu").rows
    if (rows["status"] != "ok").any():
        raise SystemExit(rows["reason"].iloc[0])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    verdict = "" if peak < LIMIT else "  above 4 GB"
    print(f"{rows['tile'].max():5} {peak / 1e6:8.0f} {rows['seconds'].mean():8.1f}{verdict}")


if __name__ == "__main__":
    main()
