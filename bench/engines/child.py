"""A process that loads a plan's models once and then does the jobs that come in; `bench.engines.worker` starts it.

It reads pickled packed and jobs at its standard input and writes messages to its standard output:

    ("ready", device) or ("refused", words)    once
    ("begins", cell) and ("ends", None)        around a network
    ("done", FinishedRow)                         a row
    ("left", tasks)                            the end of a job: what is left of it when its time is up

It ends with its input, so that it does not outlive whoever started it.
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is its parent's business
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what networks print is no message
    jobs: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, jobs), daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="maskbench-") as folder:
        _serve(jobs, answers, Path(folder))


def _listen(questions: BinaryIO, jobs: queue.SimpleQueue) -> None:
    """Put what comes in into a queue; the end of it ends the process, whatever it does at the time."""
    while True:
        try:
            jobs.put(pickle.load(questions))
        except EOFError:
            os._exit(0)
        except Exception:  # of what cannot be read here; the process that asked is told by this one's end
            traceback.print_exc()
            os._exit(1)


def _serve(jobs: queue.SimpleQueue, answers: BinaryIO, folder: Path) -> None:
    import torch

    from bench.engines.plan_transfer import unpack_plan
    from bench.environment import device_of
    from bench.errors import BadInput
    from bench.evaluation.denoise import Networks
    from bench.evaluation.pipeline import Pipeline
    from bench.evaluation.task import remaining_tasks

    def say(kind: str, what: Any = None) -> None:
        pickle.dump((kind, what), answers)
        answers.flush()

    packed, device, threads, job_seconds = jobs.get()
    torch.set_num_threads(threads)
    until = 0.0
    try:
        plan = unpack_plan(packed, folder)
        networks = Networks.of(plan, device_of(device))
    except BadInput as error:
        say("refused", str(error))
        return
    say("ready", str(networks.device))
    watch = lambda cell: say("begins" if cell else "ends", cell)  # noqa: E731
    pipeline = Pipeline(plan, networks, watch, stop=lambda: time.monotonic() > until)
    while True:
        job = jobs.get()
        until, done = time.monotonic() + job_seconds, set()
        for finished in pipeline.results([job]):
            done.add(finished.cell)
            say("done", finished)
        say("left", remaining_tasks(job.tasks, done))


if __name__ == "__main__":
    main()
