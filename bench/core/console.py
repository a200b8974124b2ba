"""Printing of tables: as wide as the terminal; in a file or pipe as wide as COLUMNS says."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    import pandas as pd

WIDTH_IN_FILES = 140  # characters, without COLUMNS
MIN_WIDTH = 40


def console() -> Console:
    """A rich console that prints square brackets as text, not as markup."""
    stated = os.environ.get("COLUMNS", "")
    width = max(int(stated), MIN_WIDTH) if stated.isascii() and stated.isdigit() else WIDTH_IN_FILES
    return Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else width)


def print_frame(frame: pd.DataFrame) -> None:
    """Print a pandas frame as a table, numbers aligned to the right."""
    from rich.table import Table

    table = Table()
    for name in frame.columns:
        table.add_column(str(name), justify="right" if frame[name].dtype.kind in "if" else "left", overflow="fold")
    for row in frame.itertuples(index=False):
        table.add_row(*map(str, row))
    console().print(table)
