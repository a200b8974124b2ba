"""Where networks run. An engine takes jobs and gives finished rows; it knows nothing of stores.

here   this process
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from bench.evaluation.task import Finished, Job


class Engine(Protocol):
    """Open it with the plan; it loads every model once where it runs."""

    def results(self, jobs: Iterable[Job]) -> Iterator[Finished]:
        """Rows as they are done; jobs are taken as they are needed."""

    def leftover(self) -> Iterator[Finished]:
        """What was done when the results were left, by an interrupt say."""

    def describe(self) -> dict[str, Any]:
        """For the manifest: at least `device`."""

    def close(self) -> None:
        """End threads and processes."""
