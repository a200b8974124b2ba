"""Peak memory of the analyses against the number of images: it does not grow.

    python tests/benchmarks/inside_memory.py [--images 40,160] [--analyses cka,features,brightness,detail]

Makes folders of random 256x256 images, runs each analysis on two patches of 64x64 per image in a process of its own,
and prints its peak in MB and the difference. Up to 32 noisy images are in memory together (50 MB at this size), so that
memory grows below this number. (SRGA needs all features of one noise at once: rows x features x 4
bytes, in memory up to 3.3 GB and in a file beyond that; `srga.py --memory` measures its PCA.)

Measured, 40 and 160 images: cka 573 and 575 MB, features 519 and 518, brightness 460 and 462, detail 466 and 466.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

COMMANDS = {
    "cka": ("cka", "baseline", "dncnn"),
    "features": ("features", "dncnn", "--noise", "poisson(alpha=3)"),
    "brightness": ("brightness", "dncnn"),
    "detail": ("detail", "dncnn"),
}


def pictures(folder: Path, count: int) -> Path:
    random = np.random.default_rng(0)
    folder.mkdir()
    for place in range(count):
        small = Image.fromarray(random.integers(0, 256, (32, 32, 3), dtype=np.uint8))
        small.resize((256, 256), Image.Resampling.BICUBIC).save(folder / f"{place:05}.png")
    return folder


def run(words: list[str], peaks: multiprocessing.Queue) -> None:
    """In a process of its own: a command as from a shell, and the peak of its memory in MB."""
    from bench.cli import main

    sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    main(words, standalone_mode=False)
    peaks.put(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def peak(words: list[str]) -> float:
    context = multiprocessing.get_context("spawn")
    peaks = context.Queue()
    process = context.Process(target=run, args=(words, peaks))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"bench {' '.join(words)} failed")
    return peaks.get()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", default="40,160")
    parser.add_argument("--analyses", default=",".join(COMMANDS))
    given = parser.parse_args()
    counts = [int(count) for count in given.images.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        sets = {count: pictures(Path(folder) / f"set{count}", count) for count in counts}
        for name in given.analyses.split(","):
            found = []
            for count, data in sets.items():
                where = ["--data", str(data), "--patches", str(2 * count), "--side", "64", "--out", f"{folder}/{name}"]
                found.append(peak([*COMMANDS[name], *where]))
            text = ", ".join(f"{count} images {one:.0f} MB" for count, one in zip(counts, found, strict=True))
            print(f"{name}: {text}; {found[-1] - found[0]:+.0f} MB", flush=True)


if __name__ == "__main__":
    main()
