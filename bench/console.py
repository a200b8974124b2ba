"""Where tables are printed: as wide as the terminal, or wide enough to be read in a file."""

from __future__ import annotations

import sys

from rich.console import Console

WIDTH_IN_FILES = 140


def console() -> Console:
    """A rich console; square brackets are text here, not markup."""
    return Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else WIDTH_IN_FILES)
