"""The base of engines with processes, over an executor of `concurrent.futures`.

The rest of a partly finished job is submitted again. A cell whose process died is tried again as it was and then in
smaller tiles, since processes are most often killed for their memory; after that its row gets the reason.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import replace
from itertools import chain

from bench.engines.worker import LostCell, Reply
from bench.evaluation.rows import failed, planned_row
from bench.evaluation.task import FinishedRow, Job, remaining_tasks
from bench.runs.plan import Plan

JOBS_PER_PROCESS = 2  # one that runs and one that waits: memory does not grow with the number of images
MAX_PLAIN_RETRIES = 1  # of a cell whose process died, with the planned tile
MAX_RETRIES = 2  # in total; the last one is in smaller tiles


class Pool:
    """An engine over an executor each of whose threads has a process.

    work   the function that the executor runs: Job -> Reply
    slots  function that gives the present number of processes
    fatal  exceptions of the executor that mean that a whole job was lost
    """

    def __init__(
        self,
        plan: Plan,
        executor: Executor,
        work: Callable[[Job], Reply],
        slots: Callable[[], int],
        fatal: tuple[type[Exception], ...] = (),
    ):
        self.plan, self.executor, self.work, self.slots, self.fatal = plan, executor, work, slots, fatal
        self._waiting: dict[Future[Reply], Job] = {}
        self._retries: deque[Job] = deque()
        self._losses: Counter = Counter()

    def results(self, jobs: Iterable[Job]) -> Iterator[FinishedRow]:
        """Rows in the order in which they are finished."""
        upcoming = iter(jobs)
        while True:
            self._submit(upcoming)
            if not self._waiting:
                return
            done, _ = wait(self._waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield from self._collect(future)

    def remaining_results(self) -> Iterator[FinishedRow]:
        """Rows of jobs that were finished when the iteration over `results` was left."""
        for future in [future for future in self._waiting if future.done() and not future.cancelled()]:
            if future.exception() is None:
                yield from future.result().finished
            del self._waiting[future]

    def _submit(self, upcoming: Iterator[Job]) -> None:
        free = JOBS_PER_PROCESS * self.slots() - len(self._waiting)
        while free > 0:
            job = self._retries.popleft() if self._retries else next(upcoming, None)
            if job is None:
                return
            self._waiting[self.executor.submit(self.work, job)] = job
            free -= 1

    def _collect(self, future: Future[Reply]) -> Iterator[FinishedRow]:
        job = self._waiting.pop(future)
        try:
            reply = future.result()
        except self.fatal as error:
            yield from self._whole_job_lost(job, str(error))
            return
        yield from reply.finished
        left = reply.left
        if reply.lost is not None:
            yield from self._lost(job, reply.lost)
            left = remaining_tasks(left, {reply.lost.cell})
        if left:
            self._retries.append(replace(job, tasks=left))

    def _lost(self, job: Job, lost: LostCell) -> Iterator[FinishedRow]:
        """Submit a cell whose process died again, by itself; after the last retry its row fails."""
        (task,) = (task for task in job.tasks if lost.cell in task.cells)
        key = (job.image_hash, job.dataset, job.image, lost.cell)
        self._losses[key] += 1
        alone = replace(task, models=lost.cell[2:])
        if lost.can_retry and self._losses[key] <= MAX_PLAIN_RETRIES:
            self._retries.append(replace(job, tasks=(alone,)))
        elif lost.can_retry and self._losses[key] <= MAX_RETRIES and self._can_shrink(job, lost):
            self._retries.append(replace(job, tasks=(replace(alone, tile_reductions=1),)))
        else:
            yield FinishedRow(lost.cell, failed(planned_row(self.plan, job, lost.cell), lost.reason))

    def _can_shrink(self, job: Job, lost: LostCell) -> bool:
        return self.plan.tilings[lost.cell[2]].smaller(*job.clean.shape[:2]) is not None

    def _whole_job_lost(self, job: Job, reason: str) -> Iterator[FinishedRow]:
        """Submit the cells of a lost job one by one; a job of one cell counts as the loss of that cell."""
        cells = list(chain.from_iterable(task.cells for task in job.tasks))
        if len(cells) == 1:
            yield from self._lost(job, LostCell(cells[0], reason))
            return
        for task in job.tasks:
            self._retries.extend(replace(job, tasks=(replace(task, models=(model,)),)) for model in task.models)
