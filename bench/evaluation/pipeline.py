"""While a network works, the next noisy image is made and the last output is scored in other threads.

Images are not batched: on processors a batch is no faster than its images one by one, and some kernels round
otherwise in it, so that a row would depend on its neighbours.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from baselines.checkpoints import first_line
from bench.evaluation.denoise import Networks, Output
from bench.evaluation.prepare import Prepared, prepare
from bench.evaluation.rows import failed, unscored
from bench.evaluation.score import pictures, score_noisy, score_output
from bench.evaluation.task import Finished, Job, Task
from bench.plan import Plan

AHEAD = 2  # outputs that wait for their scores, at most


class Pipeline:
    """The plan's networks in this process; close it when done."""

    def __init__(self, plan: Plan, networks: Networks):
        self.plan, self.networks = plan, networks
        self._maker, self._scorer = ThreadPoolExecutor(1, "maker"), ThreadPoolExecutor(1, "scorer")
        self._scoring: deque[Future[Finished]] = deque()

    def results(self, jobs: Iterable[Job]) -> Iterator[Finished]:
        """A finished row for each model of each task, in order."""
        tasks = ((job, task) for job in jobs for task in job.tasks)
        for job, task, prepared in self._prepared(tasks):
            yield from self._results_of(job, task, prepared)
        yield from self.leftover()

    def leftover(self) -> Iterator[Finished]:
        """What networks had done when the results were left."""
        while self._scoring:
            yield self._scoring.popleft().result()

    def close(self) -> None:
        for pool in (self._maker, self._scorer):
            pool.shutdown(cancel_futures=True)

    def _prepared(self, tasks: Iterator[tuple[Job, Task]]) -> Iterator[tuple[Job, Task, Prepared | str]]:
        """Each task with its pixels, or why it has none; made one ahead of use."""
        waiting = None
        for job, task in tasks:
            upcoming = (job, task, self._maker.submit(_prepare, self.plan, job, task))
            if waiting is not None:
                yield *waiting[:2], waiting[2].result()
            waiting = upcoming
        if waiting is not None:
            yield *waiting[:2], waiting[2].result()

    def _results_of(self, job: Job, task: Task, prepared: Prepared | str) -> Iterator[Finished]:
        if isinstance(prepared, str):
            for place in task.models:
                tile = self.plan.tilings[place].tile(*job.clean.shape[:2])
                yield Finished(failed(self._row(job, task, place, tile), prepared))
            return
        noisy = self._scorer.submit(score_noisy, prepared, self.plan.protocol.border)
        for place in task.models:
            row = self._row(job, task, place, self.networks.tile(place, prepared))
            output = self.networks.denoise(place, prepared)
            self._scoring.append(self._scorer.submit(self._finish, row, output, task, prepared, noisy))
            while self._scoring and (len(self._scoring) > AHEAD or self._scoring[0].done()):
                yield self._scoring.popleft().result()

    def _row(self, job: Job, task: Task, place: int, tile: int) -> dict[str, Any]:
        return unscored(self.plan, place, task.noise, task.seed, job.dataset, job.image,
                        job.hash_under(task.noise), tile,
                        self.networks.device)  # fmt: skip

    def _finish(self, row: dict[str, Any], output: Output, task: Task, prepared: Prepared, noisy: Future) -> Finished:
        """Score an output, in the scorers' thread; the noisy input was scored there before."""
        try:
            row.update(noisy.result())
            if output.pixels is None:
                row = failed(row, output.reason)
            else:
                row.update(score_output(output.pixels, prepared, self.plan.protocol.border), seconds=output.seconds)
        except ValueError as error:
            return Finished(failed(row, str(error)))
        return Finished(row, pictures(self.plan, task, row, output.pixels, prepared) if task.pictured else {})


def _prepare(plan: Plan, job: Job, task: Task) -> Prepared | str:
    try:
        return prepare(plan, job, task)
    except ValueError as error:
        return first_line(error)
