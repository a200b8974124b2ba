"""A process of networks, seen from outside: it is started, given jobs, and ended when a network hangs."""

from __future__ import annotations

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bench
from bench.engines.plan_transfer import PackedPlan
from bench.errors import BadInput
from bench.evaluation.task import Cell, FinishedRow, Job, Task, remaining_tasks

MAX_JOB_SECONDS = 5.0  # so much is lost at most where a run is killed


@dataclass(frozen=True)
class LostCell:
    """A cell that a process did not live through, and how it ended."""

    cell: Cell
    reason: str
    in_time: bool = True


@dataclass(frozen=True)
class Reply:
    """What came of a job: rows, what is left of it, and the cell that the process was lost with."""

    finished: list[FinishedRow]
    left: tuple[Task, ...]
    lost: LostCell | None = None


class Worker:
    """One process; it starts with the first job, and again after it was lost.

    timeout      seconds that a network may take for an image
    job_seconds  after which a job gives back what is left of it
    """

    def __init__(
        self,
        packed: PackedPlan,
        device: str,
        threads: int,
        timeout: float | None,
        job_seconds: float = MAX_JOB_SECONDS,
    ):
        self.start_with = (packed, device, threads, job_seconds)
        self.threads, self.timeout = threads, timeout
        self.process: subprocess.Popen | None = None

    def work(self, job: Job) -> Reply:
        """Do a job, or a part of it. Raises BadInput where the process refuses the plan."""
        if self.process is None or self.process.poll() is not None:
            self._start()
        process = self.process
        finished: list[FinishedRow] = []
        cell: Cell | None = None
        try:
            self._send(job)
            while True:
                kind, what = self._receive(self.timeout if cell else None)
                if kind == "left":
                    return Reply(finished, what)
                if kind == "done":
                    finished.append(what)
                elif kind in ("begins", "ends"):
                    cell = what
        except queue.Empty:
            lost = LostCell(cell, f"no output within {self.timeout:g} s (--timeout)", in_time=False)
        except (EOFError, OSError):
            lost = LostCell(cell, _end(process))
        self.close()
        left = remaining_tasks(job.tasks, {one.cell for one in finished})
        if lost.cell is None and left:  # it was lost between networks: with the next one
            lost = LostCell(left[0].cells[0], lost.reason)
        return Reply(finished, left, lost if left else None)

    def close(self) -> None:
        """End the process, whatever it does."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()
            self._listener.join()
            process.stdout.close()
            with suppress(BrokenPipeError):  # a job that it did not live to read
                process.stdin.close()

    def _start(self) -> None:
        self.close()
        place = str(Path(bench.__file__).parents[1])
        path = os.pathsep.join(filter(None, [place, os.environ.get("PYTHONPATH")]))
        environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": str(self.threads)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.engines.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # an interrupt from the terminal is not for it
        )
        self._messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, args=(self.process.stdout,), daemon=True)
        self._listener.start()
        process = self.process
        try:
            self._send(self.start_with)
            kind, what = self._receive(None)
        except (EOFError, OSError) as error:
            reason = _end(process)
            self.close()
            raise BadInput(f"a worker process ended while it loaded the models: {reason}") from error
        if kind == "refused":
            self.close()
            raise BadInput(what)

    def _listen(self, answers) -> None:
        while True:
            try:
                self._messages.put(pickle.load(answers))
            except (EOFError, OSError, pickle.UnpicklingError):
                self._messages.put(None)
                return

    def _send(self, what: Any) -> None:
        pickle.dump(what, self.process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
        self.process.stdin.flush()

    def _receive(self, timeout: float | None) -> tuple[str, Any]:
        message = self._messages.get(timeout=timeout)
        if message is None:
            raise EOFError
        return message


class Workers:
    """A worker for each thread that asks; it can be sent to other machines while it has none.

    devices  for the first, the second, ...; from the start again where they do not suffice
    """

    def __init__(self, packed: PackedPlan, devices: tuple[str, ...], threads: int, timeout: float | None):
        self.settings = (packed, devices, threads, timeout)
        self._open()

    def _open(self) -> None:
        self._own, self._all, self._lock = threading.local(), [], threading.Lock()

    def __getstate__(self) -> tuple:
        return self.settings

    def __setstate__(self, settings: tuple) -> None:
        self.settings = settings
        self._open()

    def work(self, job: Job) -> Reply:
        """Do a job, or a part of it, in this thread's process."""
        if not hasattr(self._own, "worker"):
            packed, devices, threads, timeout = self.settings
            with self._lock:
                self._own.worker = Worker(packed, devices[len(self._all) % len(devices)], threads, timeout)
                self._all.append(self._own.worker)
        return self._own.worker.work(job)

    def close(self) -> None:
        for worker in self._all:
            worker.close()


def _end(process: subprocess.Popen) -> str:
    """How a process ended, in words."""
    code = process.wait()
    if code == -signal.SIGKILL:
        return "its process was killed, perhaps by the system for its memory"
    return f"its process ended with {signal.Signals(-code).name if code < 0 else f'code {code}'}"
