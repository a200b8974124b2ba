"""The run store: a folder with rows in SQLite, a manifest, and pictures.

    rows.sqlite     one row per model x noise x image x seed, written by one writer, committed image by image
    manifest.json   each command that wrote here, with versions, machine, specs and hashes
    pictures/       some of the images, lossless

A row's key is a hash of everything that determines its numbers, so that running again does only what is missing.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from bench.errors import BadInput

IDENTITY = {  # what determines a row's numbers
    "model": "TEXT", "size": "TEXT", "weights": "TEXT", "weights_hash": "TEXT", "dataset": "TEXT", "image": "TEXT",
    "image_hash": "TEXT", "noise": "TEXT", "noise_version": "INTEGER", "seed": "INTEGER", "protocol": "TEXT",
    "precision": "TEXT", "tile": "INTEGER",
}  # fmt: skip
MEASURED = {
    "noise_name": "TEXT", "level": "REAL", "device": "TEXT",
    "psnr": "REAL", "ssim": "REAL", "lpips": "REAL",
    "psnr_noisy": "REAL", "ssim_noisy": "REAL", "lpips_noisy": "REAL",
    "psnr_capped": "INTEGER", "seconds": "REAL", "status": "TEXT", "reason": "TEXT",
}  # fmt: skip
COLUMNS = {**IDENTITY, **MEASURED}
SCHEMA = 1
ORDER = ("model", "size", "weights", "weights_hash", "dataset", "image", "image_hash", "noise", "noise_name",
         "noise_version", "level", "seed", "protocol", "precision", "tile", "device", "psnr", "ssim", "lpips",
         "psnr_noisy", "ssim_noisy", "lpips_noisy", "psnr_capped", "seconds", "status", "reason")  # fmt: skip
# rows of an image that could not be read have no pixel hash; they give way once it can be
_NAMED = tuple(name for name in IDENTITY if name != "image_hash")
_UNREAD = "image_hash = '' AND " + " AND ".join(f"{name} IS ?" for name in _NAMED)


class StoreFull(OSError):
    """The run folder cannot be written to any more; what was committed is there."""


def row_key(row: dict[str, Any]) -> str:
    """The key of a row: SHA-256 of its identity columns."""
    return hashlib.sha256(json.dumps([row[column] for column in IDENTITY]).encode()).hexdigest()


def picture_name(*parts: Any) -> str:
    """The file of a picture: a model's output under its row's key, others by what they are (`noisy`, ...)."""
    text = "\x1f".join(map(str, parts))
    return f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.webp"


@dataclass
class Store:
    """An open run folder. Use as a context manager; a kill at any moment loses at most the image in flight."""

    folder: Path
    connection: sqlite3.Connection

    @classmethod
    def create(cls, folder: Path) -> Store:
        """Open a run folder for writing, making it if it is not there."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(folder / "rows.sqlite", check_same_thread=False)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
            connection.execute(f"CREATE TABLE IF NOT EXISTS rows (key TEXT PRIMARY KEY, {columns})")
            connection.execute("CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT)")
            connection.execute("INSERT OR IGNORE INTO about VALUES ('schema', ?)", (str(SCHEMA),))
            connection.commit()
        except (OSError, sqlite3.Error) as error:
            raise BadInput(f"the run folder {folder} cannot be written: {error}. Name another with --out") from error
        _check_schema(connection, folder)
        return cls(folder, connection)

    @classmethod
    def open(cls, folder: Path) -> Store:
        """Open an existing run folder for reading."""
        file = folder / "rows.sqlite"
        if not file.is_file():
            raise BadInput(f"{folder} is not a run folder: it has no rows.sqlite. Make one with bench run --out")
        try:
            connection = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)
            _check_schema(connection, folder)
        except sqlite3.DatabaseError as error:
            raise BadInput(f"{file} cannot be read: {error}") from error
        return cls(folder, connection)

    def done(self) -> set[str]:
        """Keys of the rows that are there and did not fail."""
        return {key for (key,) in self.connection.execute("SELECT key FROM rows WHERE status = 'ok'")}

    def write(self, rows: list[dict[str, Any]]) -> None:
        """Commit rows; a row of the same key (one that failed before) is replaced. Raises StoreFull."""
        names = ["key", *COLUMNS]
        values = [[row_key(row), *(row.get(column) for column in COLUMNS)] for row in rows]
        marks = ", ".join("?" * len(names))
        try:
            with self.connection:
                self.connection.executemany(
                    f"DELETE FROM rows WHERE {_UNREAD}", [list(map(row.get, _NAMED)) for row in rows]
                )
                self.connection.executemany(
                    f"INSERT OR REPLACE INTO rows ({', '.join(names)}) VALUES ({marks})", values
                )
        except sqlite3.OperationalError as error:
            raise StoreFull(f"{self.folder} cannot be written: {error}") from error

    def rows(self, keys: Iterable[str] | None = None) -> pd.DataFrame:
        """All rows, or those of the keys, in a stable order."""
        query = (
            f"SELECT key, {', '.join(ORDER)} FROM rows ORDER BY dataset, image, noise_name, level, noise, seed, model"
        )
        found = pd.read_sql(query, self.connection)
        if keys is not None:
            found = found[found["key"].isin(set(keys))].reset_index(drop=True)
        return found.drop(columns="key")

    @property
    def pictures(self) -> Path:
        """The folder of pictures, whose files `picture_name` names."""
        return self.folder / "pictures"

    def picture_path(self, *parts: Any) -> Path:
        """Where a picture lies."""
        return self.pictures / picture_name(*parts)

    def manifest(self) -> list[dict[str, Any]]:
        """What wrote here, oldest first."""
        path = self.folder / "manifest.json"
        return json.loads(path.read_text()) if path.exists() else []

    def record(self, entry: dict[str, Any]) -> None:
        """Add to the manifest, as a whole file or not at all."""
        entry = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **entry}
        write_whole(self.folder / "manifest.json", json.dumps([*self.manifest(), entry], indent=1).encode())

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *error) -> None:
        self.close()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a kill leaves the old one or the new one. Raises StoreFull when there is no room."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        os.replace(part, path)
    except OSError as error:
        with suppress(OSError):  # where a folder is missing there is no part of the file either
            part.unlink()
        raise StoreFull(f"{path} cannot be written: {error.strerror or error}") from error


def _check_schema(connection: sqlite3.Connection, folder: Path) -> None:
    (found,) = connection.execute("SELECT value FROM about WHERE name = 'schema'").fetchone()
    if int(found) > SCHEMA:
        raise BadInput(f"{folder} was written by a newer MaskBench (store version {found}): update this one")
