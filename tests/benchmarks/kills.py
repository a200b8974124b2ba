"""Kill runs (SIGKILL) at random moments, finish them, and compare with a run that was left alone. Run by hand:

    python -m tests.benchmarks.kills                 # 100 kills, about two minutes
    python -m tests.benchmarks.kills --kills 10 --seed 1

Expected: every finished store has the rows and pictures of the uninterrupted one, and no row that was there at the
kill is measured again. (tests/bench/engines/test_kills.py does ten.)
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from bench import runner
from bench.core.errors import BadInput
from bench.runs.store import Store

NETWORKS = """
import time

from torch import nn


class Blur(nn.Module):
    def forward(self, x):
        time.sleep(0.005)
        return nn.functional.avg_pool2d(nn.functional.pad(x, (1, 1, 1, 1), "reflect"), 3, 1)


class Half(Blur):
    def forward(self, x):
        return (x + super().forward(x)) / 2
"""


@dataclass(frozen=True)
class Kill:
    """What a killed run left: rows at the kill, and whether it had been alive until then."""

    moment: float
    rows: int
    alive: bool


def make_material(folder: Path) -> None:
    """Three images of noise and two networks."""
    (folder / "photos").mkdir()
    random = np.random.default_rng(3)
    for name in "abc":
        pixels = random.integers(0, 256, (24, 28, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / f"{name}.png")
    (folder / "networks.py").write_text(NETWORKS)


def run(material: Path, out: Path) -> None:
    """Two networks on three images under the mixture: 30 rows."""
    networks = material / "networks.py"
    models = f"{networks}:Blur,{networks}:Half"
    runner.run(models, "mixture", data=(material / "photos",), device="cpu", metrics="psnr,ssim", out=out)


class Nursery:
    """A process that is forked for each run, having imported everything, so that a run begins at once."""

    def __init__(self, material: Path):
        command = [sys.executable, __file__, "--nursery", str(material)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *error) -> None:
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def start(self, out: Path) -> int:
        """Begin a run into a folder; returns its process."""
        print(out, file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline())

    def end(self) -> int:
        """Wait for the last run; returns its exit code, -9 for one that was killed."""
        return int(self.process.stdout.readline())


def nurse(material: Path) -> None:
    """What the nursery does: a line in is a folder, lines out are the process and its exit code."""
    import torch

    torch.set_num_threads(1)
    run(material, material / "first")  # imports, caches
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            run(material, Path(line.strip()))
            os._exit(0)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def rows(folder: Path) -> pd.DataFrame:
    """The rows of a folder, none where no store has come to be."""
    try:
        with Store.open(folder) as store:
            return store.rows()
    except BadInput:
        return pd.DataFrame()


def kills(material: Path, count: int, seed: int = 0) -> Iterator[Kill]:
    """Kill and finish so many runs. Raises AssertionError where one does not equal the run that was left alone."""
    random = np.random.default_rng(seed)
    with Nursery(material) as nursery:
        whole, longest = material / "whole", 0.0
        for out in (whole, material / "timed"):
            longest = _finish(nursery, out)
        for number in range(count):
            out, moment = material / f"killed-{number}", random.uniform(0, longest)
            process = nursery.start(out)
            time.sleep(moment)
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            alive = nursery.end() == -signal.SIGKILL
            before = rows(out)
            _finish(nursery, out)
            _compare(out, whole, before)
            yield Kill(moment, len(before), alive)


def _finish(nursery: Nursery, out: Path) -> float:
    began = time.monotonic()
    nursery.start(out)
    code = nursery.end()
    assert code == 0, f"a run into {out} ended with {code}"
    return time.monotonic() - began


def _compare(out: Path, whole: Path, before: pd.DataFrame) -> None:
    found, wanted = rows(out), rows(whole)
    pd.testing.assert_frame_equal(found.drop(columns="seconds"), wanted.drop(columns="seconds"), check_exact=True)
    if len(before):  # seconds too: these were not measured again
        again = before.merge(found, how="left", on=list(before.columns), indicator=True)
        assert (again["_merge"] == "both").all(), f"rows of {out} were measured again"
    pictures = [{path.name: path.read_bytes() for path in (folder / "pictures").iterdir()} for folder in (out, whole)]
    assert pictures[0] == pictures[1], f"the pictures of {out} are others"
    with Store.open(out) as store:
        assert store.manifest()[-1]["event"] == "finished"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--nursery", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.nursery:
        nurse(given.nursery)
        return
    with tempfile.TemporaryDirectory() as folder:
        make_material(Path(folder))
        done = list(kills(Path(folder), given.kills, given.seed))
    alive = [kill for kill in done if kill.alive]
    counts = [kill.rows for kill in alive]
    print(f"{len(done)} kills, {len(alive)} of them before the end, with {min(counts)} to {max(counts)} rows of 30")
    print(
        f"{sum(count == 0 for count in counts)} before the first row; all finished stores equal the uninterrupted one"
    )


if __name__ == "__main__":
    main()
