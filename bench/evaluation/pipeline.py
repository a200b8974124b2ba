"""The evaluation as a pipeline: while a network runs, threads make the next noisy image and score the last output.

Images are not batched: on CPUs four images at once took 1.04 to 2.3 times as long as one by one (128x128, the shipped
networks), and some kernels round differently in a batch (1 of 196,608 values of RIDNet and 3 of Restormer changed by
one 8-bit level), so that a row would depend on the other images.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import torch

from bench.core import isolation
from bench.core.errors import described
from bench.evaluation.denoise import DenoisedImage, Networks
from bench.evaluation.prepare import PreparedImage, prepare
from bench.evaluation.rows import failed, planned_row, with_smaller_tile
from bench.evaluation.score import Scorer, pictures
from bench.evaluation.task import Cell, FinishedRow, Job, Task
from bench.runs.plan import Plan
from bench.runs.schema import Row

Result = TypeVar("Result")
MAX_WAITING_OUTPUTS = 2  # outputs that wait for their scores


class Pipeline:
    """The evaluation of a plan in this process; close it when done.

    watch  called with the cell before its network runs, and with None afterwards
    stop   called before each network: whether to leave the rest of the job unfinished
    """

    def __init__(
        self,
        plan: Plan,
        networks: Networks,
        watch: Callable[[Cell | None], None] = lambda cell: None,
        stop: Callable[[], bool] = lambda: False,
    ):
        self.plan, self.networks, self.watch, self.stop = plan, networks, watch, stop
        self._noise_maker, self._scorer = _one_thread("maker"), _one_thread("scorer")
        self._scoring: deque[Future[FinishedRow]] = deque()

    def results(self, jobs: Iterable[Job]) -> Iterator[FinishedRow]:
        """One row for each model of each task, in order."""
        return _step_by_step(self._results(jobs))

    def _results(self, jobs: Iterable[Job]) -> Iterator[FinishedRow]:
        tasks = ((job, task) for job in jobs for task in job.tasks)
        for job, task, prepared in self._prepared(tasks):
            yield from self._results_of(job, task, prepared)
            if self.stop():
                break
        yield from self._remaining_results()

    def remaining_results(self) -> Iterator[FinishedRow]:
        """Rows whose outputs were finished when the iteration over `results` was left."""
        return _step_by_step(self._remaining_results())

    def _remaining_results(self) -> Iterator[FinishedRow]:
        while self._scoring:
            yield _result_of(self._scoring.popleft())

    def close(self) -> None:
        """End the threads and drop waiting work."""
        for pool in (self._noise_maker, self._scorer):
            pool.shutdown(cancel_futures=True)

    def _prepared(self, tasks: Iterator[tuple[Job, Task]]) -> Iterator[tuple[Job, Task, PreparedImage | str]]:
        """Each task with its noisy image, or the reason why it has none; made one task ahead."""
        waiting = None
        for job, task in tasks:
            upcoming = (job, task, self._noise_maker.submit(_prepare, self.plan, job, task))
            if waiting is not None:
                yield *waiting[:2], _result_of(waiting[2])
            waiting = upcoming
        if waiting is not None:
            yield *waiting[:2], _result_of(waiting[2])

    def _results_of(self, job: Job, task: Task, prepared: PreparedImage | str) -> Iterator[FinishedRow]:
        if isinstance(prepared, str):
            for cell in task.cells:
                yield FinishedRow(cell, failed(self._planned_row(job, cell), prepared))
            return
        scorer = self._scorer.submit(_scorer, self.plan, prepared, self.networks.device)
        for cell in task.cells:
            if self.stop():
                return
            row = self._planned_row(job, cell)
            self.watch(cell)
            output = self._output(job, task, cell, prepared)
            self.watch(None)
            row = with_smaller_tile(row, output.tile)
            self._scoring.append(self._scorer.submit(self._finish, cell, row, output, task, prepared, scorer))
            while self._scoring and (len(self._scoring) > MAX_WAITING_OUTPUTS or self._scoring[0].done()):
                yield _result_of(self._scoring.popleft())

    def _planned_row(self, job: Job, cell: Cell) -> Row:
        return planned_row(self.plan, job, cell, self.networks.device)

    def _output(self, job: Job, task: Task, cell: Cell, prepared: PreparedImage) -> DenoisedImage:
        """The output of a cell's model."""
        return self.networks.denoise(cell[-1], prepared, task.tile_reductions)

    def _finish(
        self, cell: Cell, row: Row, output: DenoisedImage, task: Task, prepared: PreparedImage, scorer: Future[Scorer]
    ) -> FinishedRow:
        """Score an output, in the thread of the scorer, in which the noisy input was scored before."""
        with isolation.our_code():
            return self._scored(cell, row, output, task, prepared, scorer)

    def _scored(
        self, cell: Cell, row: Row, output: DenoisedImage, task: Task, prepared: PreparedImage, scorer: Future[Scorer]
    ) -> FinishedRow:
        scores: dict[str, Any] = {}
        try:
            scores = scorer.result().noisy
            if output.pixels is None:
                row = failed(row, output.reason)
            else:
                scores |= {**scorer.result().columns(output.pixels), "seconds": output.seconds}
        except (ValueError, RuntimeError, MemoryError) as error:  # out of memory, for example
            return FinishedRow(cell, {**failed(row, described(error)), **scores})
        shown = pictures(self.plan, task, row, output.pixels, prepared) if task.pictured else {}
        return FinishedRow(cell, {**row, **scores}, shown)


def _one_thread(name: str) -> ThreadPoolExecutor:
    """A thread in which torch uses one core: the others belong to the network, whose threads would wait for them."""
    pool, threads = ThreadPoolExecutor(1, name), torch.get_num_threads()
    pool.submit(torch.get_num_threads).result()  # the first call resets the number to the process's
    pool.submit(torch.set_num_threads, 1).result()
    torch.set_num_threads(threads)  # setting it in a thread changes the process's number as well
    return pool


def _prepare(plan: Plan, job: Job, task: Task) -> PreparedImage | str:
    try:
        with isolation.our_code():
            return prepare(plan, job, task)
    except ValueError as error:
        return described(error)


def _scorer(plan: Plan, prepared: PreparedImage, device: torch.device) -> Scorer:
    with isolation.our_code():
        return Scorer(plan, prepared, device)


def _step_by_step(results: Iterator[FinishedRow]) -> Iterator[FinishedRow]:
    """The results, each computed while no user-defined code runs in another thread."""
    while True:
        with isolation.our_code():
            finished = next(results, None)
        if finished is None:
            return
        yield finished


def _result_of(future: Future[Result]) -> Result:
    """The result of a future, while other threads may run user-defined code."""
    with isolation.let_others_run():
        return future.result()
