"""The program of a process that loads a plan's models once and then computes jobs; `bench.engines.worker` starts it.

It reads a pickled plan and jobs from standard input and writes pickled messages to standard output:

    ("ready", device) or ("refused", message)  once
    ("begins", cell) and ("ends", None)        around each call of a network
    ("done", FinishedRow)                      one row
    ("left", tasks)                            the end of a job, with the tasks that are unfinished when time is up

It ends when its input ends, so that it does not outlive its parent.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path
from typing import Any, BinaryIO


def main() -> None:
    """Read a plan and jobs from standard input until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # its parent handles interrupts
    messages = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # output printed by networks must not mix with messages
    jobs: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, jobs), daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="maskbench-") as folder:
        _serve(jobs, messages, Path(folder))


def _listen(stream: BinaryIO, jobs: queue.SimpleQueue) -> None:
    """Put incoming jobs into a queue; the end of the stream ends the process at once."""
    while True:
        try:
            jobs.put(pickle.load(stream))
        except EOFError:
            os._exit(0)
        except Exception:  # a job that cannot be unpickled here: the parent notices that this process ends
            traceback.print_exc()
            os._exit(1)


def _serve(jobs: queue.SimpleQueue, messages: BinaryIO, folder: Path) -> None:
    import torch

    from bench.core.environment import device_of
    from bench.core.errors import BadInput
    from bench.engines.plan_transfer import unpack_plan
    from bench.evaluation.denoise import Networks
    from bench.evaluation.pipeline import Pipeline
    from bench.evaluation.task import remaining_tasks

    def send(kind: str, content: Any = None) -> None:
        pickle.dump((kind, content), messages)
        messages.flush()

    packed, device, threads, job_seconds = jobs.get()
    deadline = 0.0
    torch.set_num_threads(packed.threads)
    try:
        plan = unpack_plan(packed, folder)
        networks = Networks.of(plan, device_of(device))
    except BadInput as error:
        send("refused", str(error))
        return
    torch.set_num_threads(threads)
    send("ready", str(networks.device))
    watch = lambda cell: send("begins" if cell else "ends", cell)  # noqa: E731
    pipeline = Pipeline(plan, networks, watch, stop=lambda: time.monotonic() > deadline)
    while True:
        job = jobs.get()
        deadline, done = time.monotonic() + job_seconds, set()
        for finished in pipeline.results([job]):
            done.add(finished.cell)
            send("done", finished)
        send("left", remaining_tasks(job.tasks, done))


if __name__ == "__main__":
    main()
