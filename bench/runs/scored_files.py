"""Outputs of other code that were scored from files: which models of a run they are, and where the files lie."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ORIGIN = "scored from files"  # in the column `weights` of their rows


def labels(manifest: Sequence[Mapping[str, Any]]) -> set[str]:
    """The labels of models whose last command scored files, from the entries of a manifest."""
    last = {model["label"]: model for entry in manifest for model in entry.get("models", ())}
    return {label for label, model in last.items() if model["weights"] == ORIGIN}


def record(connection: sqlite3.Connection, files: Mapping[str, Path]) -> None:
    """Record the output files of rows, by the rows' keys."""
    connection.execute("CREATE TABLE IF NOT EXISTS output_files (key TEXT PRIMARY KEY, file TEXT) WITHOUT ROWID")
    connection.executemany(
        "INSERT OR REPLACE INTO output_files VALUES (?, ?)", [(key, str(path.resolve())) for key, path in files.items()]
    )


def file_of(connection: sqlite3.Connection, key: str) -> Path | None:
    """The output file of a row; None if none is recorded."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'output_files'").fetchone():
        return None
    found = connection.execute("SELECT file FROM output_files WHERE key = ?", (key,)).fetchone()
    return Path(found[0]) if found else None
