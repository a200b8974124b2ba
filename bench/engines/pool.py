"""The engine of processes, through the interface of `concurrent.futures`: jobs out, replies in as they come.

A job that comes back in part goes out again with the rest. A cell whose process was lost is tried once more as it
was, then in smaller tiles, since processes are most often lost for their memory; then its row says what happened.
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

JOBS_PER_PROCESS = (
    2  # jobs for each process, one at work and one that waits: memory does not grow with the number of images
)
MAX_PLAIN_RETRIES, MAX_RETRIES = 1, 2  # what is tried after so many losses


class Pool:
    """An engine over an executor whose threads have a process each.

    work    what the executor runs: Job -> Reply
    fatal   what it raises where whole jobs are lost
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
        self._again: deque[Job] = deque()
        self._losses: Counter = Counter()

    def results(self, jobs: Iterable[Job]) -> Iterator[FinishedRow]:
        """Rows in the order in which they are done."""
        coming = iter(jobs)
        while True:
            self._submit(coming)
            if not self._waiting:
                return
            done, _ = wait(self._waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield from self._taken(future)

    def remaining_results(self) -> Iterator[FinishedRow]:
        """Rows of the jobs that were done when the results were left."""
        for future in [future for future in self._waiting if future.done() and not future.cancelled()]:
            if future.exception() is None:
                yield from future.result().finished
            del self._waiting[future]

    def _submit(self, coming: Iterator[Job]) -> None:
        free = JOBS_PER_PROCESS * self.slots() - len(self._waiting)
        while free > 0:
            job = self._again.popleft() if self._again else next(coming, None)
            if job is None:
                return
            self._waiting[self.executor.submit(self.work, job)] = job
            free -= 1

    def _taken(self, future: Future[Reply]) -> Iterator[FinishedRow]:
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
            self._again.append(replace(job, tasks=left))

    def _lost(self, job: Job, lost: LostCell) -> Iterator[FinishedRow]:
        """Try the cell again, by itself, or give it up."""
        (task,) = (task for task in job.tasks if lost.cell in task.cells)
        times = (job.image_hash, job.dataset, job.image, lost.cell)
        self._losses[times] += 1
        alone = replace(task, models=lost.cell[2:])
        if lost.in_time and self._losses[times] <= MAX_PLAIN_RETRIES:
            self._again.append(replace(job, tasks=(alone,)))
        elif lost.in_time and self._losses[times] <= MAX_RETRIES and self._can_shrink(job, lost):
            self._again.append(replace(job, tasks=(replace(alone, smaller=1),)))
        else:
            yield FinishedRow(lost.cell, failed(planned_row(self.plan, job, lost.cell), lost.reason))

    def _can_shrink(self, job: Job, lost: LostCell) -> bool:
        return self.plan.tilings[lost.cell[2]].smaller(*job.clean.shape[:2]) is not None

    def _whole_job_lost(self, job: Job, reason: str) -> Iterator[FinishedRow]:
        """Its cells one by one; a job of one cell is that cell's loss."""
        cells = list(chain.from_iterable(task.cells for task in job.tasks))
        if len(cells) == 1:
            yield from self._lost(job, LostCell(cells[0], reason))
            return
        for task in job.tasks:
            self._again.extend(replace(job, tasks=(replace(task, models=(model,)),)) for model in task.models)
