"""Where networks run. An engine takes jobs and gives finished rows; it knows nothing of stores.

in_process     this process
local   several processes on this machine, one on each GPU where there are any
dask    the workers of a cluster, each thread of which has a process
pool    what `local` and `dask` share, `worker` and `child` a process seen from both sides, `packed` what it gets
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from bench.errors import BadInput
from bench.evaluation.task import FinishedRow, Job
from bench.runs.plan import Plan


class Engine(Protocol):
    """Open it with the plan; it loads every model once where it runs."""

    def results(self, jobs: Iterable[Job]) -> Iterator[FinishedRow]:
        """Rows as they are done; jobs are taken as they are needed."""

    def remaining_results(self) -> Iterator[FinishedRow]:
        """What was done when the results were left, by an interrupt say."""

    def describe(self) -> dict[str, Any]:
        """For the manifest: at least `device`."""

    def close(self) -> None:
        """End threads and processes."""


def start(plan: Plan, device: str = "auto", workers: int | str | None = None, dask: str | None = None,
          timeout: float | None = None) -> Engine:  # fmt: skip
    """The engine for a plan, its models loaded or about to be. Raises BadInput.

    A network that hangs cannot be stopped in this process: with a time-out, one process of its own does the work.
    """
    if workers is not None and dask is not None:
        raise BadInput("--workers and --dask were both given: processes on this machine, or a cluster")
    if dask is not None:
        from bench.engines.dask import Dask

        return Dask(plan, dask, device, timeout)
    if workers is not None or timeout is not None:
        from bench.engines.local import Local

        return Local(plan, workers or 1, device, timeout)
    from bench.engines.in_process import InProcess

    return InProcess(plan, device)
