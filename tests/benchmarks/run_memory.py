"""Peak memory of a run of 10 images and of one of 1,000, each in a process of its own. Run by hand:

    python -m tests.benchmarks.run_memory                   # about five minutes
    python -m tests.benchmarks.run_memory --side 64         # half a minute
    python -m tests.benchmarks.run_memory --workers 2       # the process that writes, and the largest of its workers

Wanted: the second within 10% of the first.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import bench
from tests.benchmarks.overhead import NOISE, save_images

COUNTS = (10, 1000)


def run_one(model: str, photos: Path, workers: int | None) -> None:
    """Run on a folder and print the peaks of this process and of the largest that it started, in MB."""
    with tempfile.TemporaryDirectory() as out:
        rows = bench.run([model], NOISE, data=(photos,), out=out, device="cpu", workers=workers).rows
    if (rows["status"] != "ok").any():
        raise SystemExit(rows["reason"].iloc[0])
    peaks = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(*(f"{peak:.0f}" for peak in peaks))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="dncnn")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--side", type=int, default=256, help="of the images, in pixels")
    parser.add_argument("--photos", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.photos:
        run_one(given.model, given.photos, given.workers)
        return
    peaks = {}
    with tempfile.TemporaryDirectory() as folder:
        for count in COUNTS:
            photos = Path(folder) / f"photos-{count}"
            save_images(photos, count, given.side)
            workers = ["--workers", str(given.workers)] if given.workers else []
            command = [
                sys.executable,
                "-m",
                "tests.benchmarks.run_memory",
                given.model,
                "--photos",
                str(photos),
                *workers,
            ]
            text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            peaks[count] = [float(word) for word in text.split()[-2:]]
            print(f"{count:5} images: {peaks[count][0]:.0f} MB, largest worker {peaks[count][1]:.0f} MB", flush=True)
    ratios = [after / before for before, after in zip(*peaks.values(), strict=True) if before > 100]
    print("ratios: " + ", ".join(f"{ratio:.3f}" for ratio in ratios))


if __name__ == "__main__":
    main()
