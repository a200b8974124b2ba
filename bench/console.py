"""Where tables are printed: as wide as the terminal, or wide enough to be read in a file."""

from __future__ import annotations

import sys

from rich.console import Console

WIDTH_IN_FILES = 140


def console() -> Console:
    """A rich console; square brackets are text here, not markup."""
    return Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else WIDTH_IN_FILES)


def print_frame(frame) -> None:
    """A pandas frame as a table, numbers to the right."""
    from rich.table import Table

    table = Table()
    for name in frame.columns:
        table.add_column(str(name), justify="right" if frame[name].dtype.kind in "if" else "left")
    for line in frame.itertuples(index=False):
        table.add_row(*map(str, line))
    console().print(table)
