"""Wall time of a run against the bare forward passes of its model on the same images, in turns. Run by hand:

    python -m tests.benchmarks.overhead                          # ours, restormer, dncnn: about four minutes
    python -m tests.benchmarks.overhead dncnn --turns 5

Start-up apart: models are loaded and warm in both. The run reads files, makes noise, scores PSNR and SSIM, and commits
rows. Beside the wall times stands the ratio of processor seconds, which other work on the machine does not move and
overlapping does not help. Wanted of the wall times: at most 1.10 for networks that need a second or more per megapixel
and core, 1.5 for the lightest.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch
from PIL import Image

from bench.engines.in_process import InProcess
from bench.runner import Execution
from bench.runs.plan import Plan, make_plan
from bench.runs.store import Store

NOISE = "gaussian(sigma=15)"


def save_images(folder: Path, count: int, side: int = 256) -> None:
    """The builtin photographs, or their corners, in files."""
    from bench.datasets import load_dataset

    folder.mkdir()
    images = load_dataset("builtin").images
    for place in range(count):
        pixels = np.rint(images[place % len(images)].read() * 255).astype(np.uint8)
        Image.fromarray(np.roll(pixels, place, 1)[:side, :side]).save(folder / f"{place:03}.png")


def bare(engine: InProcess, images: list[torch.Tensor]) -> tuple[float, float]:
    """Wall and processor seconds of the forward passes alone."""
    began = time.perf_counter(), time.process_time()
    with torch.inference_mode():
        for image in images:
            engine.networks.networks[0](image)
    return time.perf_counter() - began[0], time.process_time() - began[1]


def whole(plan: Plan, engine: InProcess) -> tuple[float, float]:
    """The same of a run into an empty store, from the first image to the last commit."""
    engine.close = lambda: None  # it is used again
    with tempfile.TemporaryDirectory() as folder, Store.create(Path(folder) / "run") as store:
        run = Execution(plan, store, engine, pictures=0)
        began = time.perf_counter(), time.process_time()
        rows = [row for step in run.steps() for row in step.rows]
        seconds = time.perf_counter() - began[0], time.process_time() - began[1]
    if any(row["status"] != "ok" for row in rows):
        raise SystemExit(rows[0]["reason"])
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=["ours", "restormer", "dncnn"])
    parser.add_argument("--images", type=int, default=14)
    parser.add_argument("--turns", type=int, default=5)
    given = parser.parse_args()
    print(f"{torch.get_num_threads()} threads, {given.images} images of 256x256, medians of {given.turns} turns")
    print(f"{'model':20} {'core s/MP':>12} {'bare s':>8} {'run s':>8} {'ratio':>6} {'cores':>6}  ratios of the turns")
    with tempfile.TemporaryDirectory() as folder:
        save_images(Path(folder) / "photos", given.images)
        for model in given.models:
            plan = make_plan(model, NOISE, None, (Path(folder) / "photos",))
            engine = InProcess(plan, "cpu")
            images = [
                torch.from_numpy(image.read()).permute(2, 0, 1)[None].contiguous() for image in plan.datasets[0].images
            ]
            bare(engine, images), whole(plan, engine)
            turns = [(bare(engine, images), whole(plan, engine)) for _ in range(given.turns)]
            alone, run = (median(seconds for seconds, _ in side) for side in zip(*turns, strict=True))
            ratios = [run[0] / alone[0] for alone, run in turns]
            processor = median(run[1] / alone[1] for alone, run in turns)
            speed = median(alone[1] for alone, _ in turns) / sum(image[0, 0].numel() for image in images) * 1e6
            print(
                f"{model:20} {speed:12.2f} {alone:8.2f} {run:8.2f} {median(ratios):6.3f} {processor:6.3f}  "
                f"{' '.join(f'{ratio:.2f}' for ratio in ratios)}",
                flush=True,
            )


if __name__ == "__main__":
    main()
