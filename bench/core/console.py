"""Printing of tables: as wide as the terminal, or of a fixed width in a file or pipe."""

from __future__ import annotations

import sys

from rich.console import Console

WIDTH_IN_FILES = 140  # characters


def console() -> Console:
    """A rich console that prints square brackets as text, not as markup."""
    return Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else WIDTH_IN_FILES)


def print_frame(frame) -> None:
    """Print a pandas frame as a table, numbers aligned to the right."""
    from rich.table import Table

    table = Table()
    for name in frame.columns:
        table.add_column(str(name), justify="right" if frame[name].dtype.kind in "if" else "left")
    for row in frame.itertuples(index=False):
        table.add_row(*map(str, row))
    console().print(table)
