"""The user's own folder: data sets that were added, weights that were imported."""

from __future__ import annotations

import os
from pathlib import Path

import click


def home() -> Path:
    """$BENCH_HOME, or the place that the system keeps for applications; it need not exist yet."""
    return expanded(Path(os.environ.get("BENCH_HOME") or click.get_app_dir("maskbench")))


def expanded(path: Path) -> Path:
    """A path with ~ and ~user as the shell reads them; as it is where there is no such user."""
    return Path(os.path.expanduser(path))
