"""Processes that the project starts: what they import, and what ends with them."""

import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from bench.core import processes

SHADOWED = ("random", "queue", "pickle", "torch", "click")


@pytest.fixture
def shadows(tmp_path, monkeypatch):
    """A current folder whose files have the names of libraries and end the process that imports them."""
    for name in SHADOWED:
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported from the current folder')")
    monkeypatch.chdir(tmp_path)


def test_a_worker_does_not_import_from_the_current_folder(shadows):
    process = processes.start_python("bench.engines.child", stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.close()  # the end of its input ends it
    with process.stderr:
        assert (process.wait(), process.stderr.read()) == (0, b"")


def test_processes_of_libraries_do_not_either(shadows):
    with processes.isolated_children(), ProcessPoolExecutor(1, get_context("spawn")) as pool:
        assert pool.submit(os.getpid).result(timeout=60) != os.getpid()
    assert processes.SAFE_PATH not in os.environ


def test_the_children_of_a_killed_process_end_with_it(tmp_path, monkeypatch):
    (tmp_path / "parent.py").write_text(
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(5); print(1)'])\n"
        "print(flush=True)\n"
        "child.wait()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    process = processes.start_python("parent", stdout=subprocess.PIPE, env=environment)
    with process.stdout:
        process.stdout.readline()
        processes.kill(process)
        assert process.stdout.read() == b"", "which ends when the child, the last that writes to it, has ended"


def test_the_ending_of_a_process_is_described():
    process = subprocess.Popen([sys.executable, "-c", "raise SystemExit(7)"])
    assert "code 7" in processes.ending(process)
