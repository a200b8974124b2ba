"""Printing of tables: as wide as the terminal; in a file or pipe as wide as COLUMNS says."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from bench.core.output import printable, unfiltered

if TYPE_CHECKING:
    import pandas as pd

WIDTH_IN_FILES = 140  # characters, without COLUMNS
MIN_WIDTH = 40


class PlainConsole(Console):
    """A console that prints no control characters of the texts that it is given."""

    def render_str(self, text: str, **options: Any) -> Text:
        """The text as rich's Text."""
        return super().render_str(printable(text), **options)


def console() -> Console:
    """A rich console that prints square brackets as text, not as markup."""
    stated = os.environ.get("COLUMNS", "")
    width = max(int(stated), MIN_WIDTH) if stated.isascii() and stated.isdigit() else WIDTH_IN_FILES
    shown = None if sys.stdout.isatty() else width
    return PlainConsole(file=unfiltered(sys.stdout), markup=False, highlight=False, width=shown)


def print_frame(frame: pd.DataFrame) -> None:
    """Print a pandas frame as a table, numbers aligned to the right."""
    from rich.table import Table

    table = Table()
    for name in frame.columns:
        table.add_column(str(name), justify="right" if frame[name].dtype.kind in "if" else "left", overflow="fold")
    for row in frame.itertuples(index=False):
        table.add_row(*map(str, row))
    console().print(table)
