"""Progress: a bar in a terminal or notebook, a line every few seconds in a log file."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LOG_INTERVAL = 15.0  # seconds between two lines in a log file


class Progress:
    """Counts units of work and shows how many are done and the time left."""

    def __init__(self, title: str, total: int, done: int, bar: Any = None):
        self.title, self.total, self.done, self.bar = title, total, done, bar
        self.task = bar.add_task(title, total=total, completed=done, note="") if bar else None
        self.first, self.began, self.printed = done, time.monotonic(), time.monotonic()

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count units as done; `note` is shown after the counts."""
        self.done += steps
        if self.bar:
            self.bar.update(self.task, completed=self.done, note=note)
        elif time.monotonic() - self.printed > LOG_INTERVAL or self.done >= self.total:
            self.printed = time.monotonic()
            print(f"{self.title} {self.done}/{self.total}, {self._left()}{', ' + note if note else ''}", flush=True)

    def skip(self, steps: int) -> None:
        """Count units that an earlier command did: as done, but not in the speed."""
        if steps:
            self.first += steps
            self.advance(steps)

    def say(self, line: str) -> None:
        """Print a line, above the bar if there is one."""
        self.bar.console.print(line, highlight=False, markup=False) if self.bar else print(line, flush=True)

    def _left(self) -> str:
        made = self.done - self.first
        if self.done >= self.total:
            return "done"
        if not made:
            return "starting"
        seconds = (time.monotonic() - self.began) / made * (self.total - self.done)
        return f"{duration(seconds)} left"


def duration(seconds: float) -> str:
    """Seconds -> '48 s', '3 min 20 s' or '2 h 05 min'."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


@contextmanager
def progress(title: str, total: int, done: int = 0) -> Iterator[Progress]:
    """A `Progress` over `total` units, of which earlier commands did `done`."""
    if not sys.stdout.isatty():
        yield Progress(title, total, done)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    from bench.core.console import console

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Bar(*columns, console=console()) as bar:
        yield Progress(title, total, done, bar)


@contextmanager
def bar_in_sight(title: str, total: int, shown: bool = True) -> Iterator[Progress]:
    """A `Progress` that shows a bar in a terminal or notebook, and nothing anywhere else or if not `shown`."""
    if shown and _in_notebook():
        yield Progress(title, total, 0, _NotebookBar())
    elif shown and sys.stdout.isatty():
        with progress(title, total) as bar:
            yield bar
    else:
        yield Progress(title, total, 0, _NoBar())


def _in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


class _NoBar:
    """The bar where nobody would see it."""

    def add_task(self, title: str, total: int, completed: int, note: str) -> Any:
        """Start."""

    def update(self, task: Any, completed: int, note: str) -> None:
        """Show the state."""


class _NotebookBar(_NoBar):
    """A bar in the output of a notebook's cell; rich needs ipywidgets for it."""

    def add_task(self, title: str, total: int, completed: int, note: str) -> Any:
        """Show the bar."""
        from IPython.display import HTML, display

        self.title, self.total, self.shown = title, total, time.monotonic()
        self.handle = display(HTML(self._html(completed)), display_id=True)

    def update(self, task: Any, completed: int, note: str) -> None:
        """Change the bar, at most ten times a second."""
        from IPython.display import HTML

        if completed >= self.total or time.monotonic() - self.shown > 0.1:
            self.shown = time.monotonic()
            self.handle.update(HTML(self._html(completed)))

    def _html(self, completed: int) -> str:
        return (
            f'<progress value="{completed}" max="{max(self.total, 1)}"></progress> {self.title} '
            f"{completed}/{self.total}"
        )
