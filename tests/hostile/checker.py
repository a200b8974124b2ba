"""Runs hostile cases: builds the sandbox, calls the command, and checks what it left."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from click.testing import CliRunner
from PIL import Image

from bench.cli import main
from tests.hostile.cases import RUN, Case

TIME_LIMIT = 60.0  # seconds of a case in a process of its own
MAX_LINES = 12  # of standard error
MAX_LINE = 6000  # characters
NETWORK = "import torch\nclass Net(torch.nn.Module):\n    def forward(self, x):\n        return 0.9 * x\n"


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int | None
    output: str
    errors: str
    traceback: str = ""


def make_template(folder: Path) -> None:
    """The sandbox before a case: photos, a finished run, its site, a file of the user's, and an empty home."""
    rng = np.random.default_rng(0)
    (folder / "photos").mkdir(parents=True)
    for name in "ab":
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(folder / "photos" / f"{name}.png")
    (folder / "mine").mkdir()
    (folder / "mine" / "index.html").write_text("my page")
    (folder / "home").mkdir()
    (folder / "net.py").write_text(NETWORK)
    for command in ((*RUN[:-1], "run", "--models", "tv, net.py:Net"), ("report", "run", "-o", "site")):
        outcome = in_this_process(command, folder)
        if outcome.code:
            raise RuntimeError(f"{' '.join(command)}: {outcome.errors} {outcome.traceback}")


def in_this_process(command: tuple[str, ...], folder: Path) -> Outcome:
    """Call a command in a folder."""
    environment = {"BENCH_HOME": str(folder / "home"), "BENCH_OFFLINE": "1"}
    with contextlib.chdir(folder):
        try:
            result = CliRunner(env=environment).invoke(main, command)
        except BaseException as error:  # would end the program with a traceback
            return Outcome(1, "", "", f"{type(error).__name__}: {error}")
    unexpected = result.exception is not None and not isinstance(result.exception, SystemExit)
    text = "".join(traceback.format_exception(result.exception)) if unexpected else ""
    return Outcome(result.exit_code, result.stdout, result.stderr, text)


def in_a_process(command: tuple[str, ...], folder: Path) -> Outcome:
    """Call a command in a process of its own."""
    environment = {**os.environ, "BENCH_HOME": str(folder / "home"), "BENCH_OFFLINE": "1"}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    arguments = [sys.executable, "-P", "-m", "bench", *command]
    try:
        done = subprocess.run(
            arguments, cwd=folder, env=environment, capture_output=True, timeout=TIME_LIMIT, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return Outcome(None, "", "")
    return Outcome(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def problem_of(case: Case, template: Path, folder: Path) -> str:
    """Run a case in a copy of the template; what is wrong with what it did, '' for nothing."""
    shutil.copytree(template, folder, symlinks=True)
    case.make(folder)
    outside = sorted(folder.parent.iterdir())
    if any("\ud800" <= letter <= "\udfff" or letter == "\x00" for word in case.command for letter in word):
        call = in_this_process  # cannot be an argument of a process
    else:
        call = in_a_process if case.process else in_this_process
    outcome = call(case.command, folder)
    return "; ".join(filter(None, _problems(case, outcome, folder, outside)))


def _problems(case: Case, outcome: Outcome, folder: Path, outside: list[Path]) -> list[str]:
    if outcome.code is None:
        return [f"did not end within {TIME_LIMIT:g} s"]
    text = outcome.output + outcome.errors
    lines = outcome.errors.splitlines()
    mine = folder / "mine" / "index.html"
    return [
        f"traceback: {outcome.traceback.strip().splitlines()[-1][:200]}" if outcome.traceback else "",
        f"traceback: {lines[-1][:200]}" if "Traceback (most recent" in text else "",
        f"exit code {outcome.code}" if outcome.code not in case.codes and not outcome.traceback else "",
        f"{len(lines)} lines of errors" if len(lines) > MAX_LINES and "Traceback" not in text else "",
        f"a line of {max(map(len, lines), default=0)} characters"
        if any(len(line) > MAX_LINE for line in lines)
        else "",
        "a control character in its output" if "\x1b" in text or "\x07" in text else "",
        "no message" if outcome.code == 2 and not text.strip() else "",
        "" if mine.is_file() and mine.read_bytes() == b"my page" else "a file of the user was changed",
        "files outside its folder" if sorted(folder.parent.iterdir()) != outside else "",
        f"expected {case.prints!r}" if case.prints not in text else "",
    ]
