"""Engines: where networks run. An engine takes jobs and returns finished rows; it does not access the store.

in_process     this process
local          several processes on this machine, one on each GPU if there are any
dask           the workers of a cluster, with one process per thread of a worker
pool           the base class of `local` and `dask`
worker, child  a process that runs networks, from the parent's and from its own side
plan_transfer  a plan as text and files, from which such a process makes it again
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from bench.core.errors import BadInput
from bench.evaluation.task import FinishedRow, Job
from bench.runs.plan import Plan


class Engine(Protocol):
    """An engine is constructed with a plan and loads every model once in each process."""

    def results(self, jobs: Iterable[Job]) -> Iterator[FinishedRow]:
        """Rows as soon as they are computed; jobs are taken from the iterable as they are needed."""

    def remaining_results(self) -> Iterator[FinishedRow]:
        """Rows that were finished when the iteration over `results` was left, for example by an interrupt."""

    def describe(self) -> dict[str, Any]:
        """The engine for the manifest: at least `device`."""

    def close(self) -> None:
        """End threads and processes."""


def start(
    plan: Plan,
    device: str = "auto",
    workers: int | str | None = None,
    dask: str | None = None,
    timeout: float | None = None,
) -> Engine:
    """The engine for a plan. Raises BadInput.

    A network that hangs cannot be stopped inside this process: with a timeout a single child process does the work.
    """
    if workers is not None and dask is not None:
        raise BadInput("expected one of --workers (processes on this machine) and --dask (a cluster), got both")
    if dask is not None:
        from bench.engines.dask import Dask

        return Dask(plan, dask, device, timeout)
    if workers is not None or timeout is not None:
        from bench.engines.local import Local

        return Local(plan, workers or 1, device, timeout)
    from bench.engines.in_process import InProcess

    return InProcess(plan, device)
