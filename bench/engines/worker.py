"""The parent's side of a process that runs networks: it starts it, sends jobs, and kills it if a network hangs."""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bench
from bench.core import processes
from bench.core.errors import BadInput
from bench.engines.plan_transfer import PackedPlan
from bench.evaluation.task import Cell, FinishedRow, Job, Task, remaining_tasks

MAX_JOB_SECONDS = 5.0  # a job is returned unfinished after that: a killed run loses at most this much work


@dataclass(frozen=True)
class LostCell:
    """A cell during which a process died, and how it ended.

    can_retry  whether trying again makes sense: not after a timeout
    """

    cell: Cell
    reason: str
    can_retry: bool = True


@dataclass(frozen=True)
class Reply:
    """The result of a job: its rows, its unfinished tasks, and the cell during which the process died, if it did."""

    finished: list[FinishedRow]
    left: tuple[Task, ...]
    lost: LostCell | None = None


class Worker:
    """One process; it is started for the first job, and again after it died.

    timeout      seconds that a network may take for an image; None for no limit
    job_seconds  seconds after which the process returns the rest of a job
    """

    def __init__(
        self,
        packed: PackedPlan,
        device: str,
        threads: int,
        timeout: float | None,
        job_seconds: float = MAX_JOB_SECONDS,
    ):
        self.start_message = (packed, device, threads, job_seconds)
        self.threads, self.timeout = threads, timeout
        self.process: subprocess.Popen | None = None

    def work(self, job: Job) -> Reply:
        """Compute a job, or a part of it. Raises BadInput if the process cannot load the plan."""
        if self.process is None or self.process.poll() is not None:
            self._start()
        process = self.process
        finished: list[FinishedRow] = []
        cell: Cell | None = None
        try:
            self._send(job)
            while True:
                kind, content = self._receive(self.timeout if cell else None)
                if kind == "left":
                    return Reply(finished, content)
                if kind == "done":
                    finished.append(content)
                elif kind in ("begins", "ends"):
                    cell = content
        except queue.Empty:
            lost = LostCell(cell, f"no output within {self.timeout:g} s (--timeout)", can_retry=False)
        except (EOFError, OSError):
            lost = LostCell(cell, processes.ending(process))
        self.close()
        left = remaining_tasks(job.tasks, {one.cell for one in finished})
        if lost.cell is None and left:  # it died between two networks: attributed to the next one
            lost = LostCell(left[0].cells[0], lost.reason)
        return Reply(finished, left, lost if left else None)

    def close(self) -> None:
        """Kill the process, whatever it is doing."""
        process, self.process = self.process, None
        if process is not None:
            processes.kill(process)
            self._listener.join()
            process.stdout.close()
            with suppress(BrokenPipeError):  # a job that the process had not read yet
                process.stdin.close()

    def _start(self) -> None:
        self.close()
        root = str(Path(bench.__file__).parents[1])
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
        environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": str(self.threads)}
        self.process = processes.start_python(
            "bench.engines.child", stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        self._messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, args=(self.process.stdout,), daemon=True)
        self._listener.start()
        process = self.process
        try:
            self._send(self.start_message)
            kind, content = self._receive(None)
        except (EOFError, OSError) as error:
            reason = processes.ending(process)
            self.close()
            raise BadInput(f"a worker process ended while it loaded the models: {reason}") from error
        if kind == "refused":
            self.close()
            raise BadInput(content)

    def _listen(self, stream) -> None:
        """Put messages of the process into a queue; None when it has ended."""
        while True:
            try:
                self._messages.put(pickle.load(stream))
            except (EOFError, OSError, pickle.UnpicklingError):
                self._messages.put(None)
                return

    def _send(self, message: Any) -> None:
        pickle.dump(message, self.process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
        self.process.stdin.flush()

    def _receive(self, timeout: float | None) -> tuple[str, Any]:
        message = self._messages.get(timeout=timeout)
        if message is None:
            raise EOFError
        return message


class Workers:
    """One worker per thread that calls `work`. It can be pickled, and is sent to other machines without its workers.

    devices  of the first worker, the second, ...; used in turn if there are more workers
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
        """Compute a job, or a part of it, in the process of this thread."""
        if not hasattr(self._own, "worker"):
            packed, devices, threads, timeout = self.settings
            with self._lock:
                self._own.worker = Worker(packed, devices[len(self._all) % len(devices)], threads, timeout)
                self._all.append(self._own.worker)
        return self._own.worker.work(job)

    def close(self) -> None:
        """Kill all processes."""
        for worker in self._all:
            worker.close()
