"""The run store: a folder with rows in SQLite, a manifest, and pictures.

    rows.sqlite     one row per model, noise, image and seed, committed as soon as it is computed
    manifest.json   the commands that wrote into the folder, with versions, machine, specs and hashes
    pictures/       clean, noisy and denoised pictures of some images, lossless
    lock            held by the process that writes; writer.json names it

The key of a row is a hash of everything that determines its scores, so that a run that is resumed computes only the
missing rows.
"""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from bench.core.errors import BadInput, described
from bench.core.files import StoreFull, write_whole
from bench.core.lock import WriterLock
from bench.runs import contents, schema
from bench.runs.manifest import check_entries
from bench.runs.schema import (
    COLUMNS,
    IDENTITY_COLUMNS,
    INTERNAL_COLUMNS,
    LEADING_COLUMNS,
    SCHEMA_VERSION,
    TRAILING_COLUMNS,
)

ROWS_FILE, MANIFEST_FILE = "rows.sqlite", "manifest.json"
REQUIRED = ("model", "dataset", "image", "noise", "noise_name", "seed", "protocol", "status")  # in every row
FIRST_VERSION = "1"  # of a metric whose scores in older stores have no version
# rows of an image that could not be read have no pixel hash; they are deleted once it can be read
_WITHOUT_HASH = tuple(name for name in IDENTITY_COLUMNS if name != "image_hash")
_UNREADABLE = "image_hash = '' AND " + " AND ".join(f"{name} IS ?" for name in _WITHOUT_HASH)


_MERGED = "json_patch(coalesce(rows.no_value, '{}'), coalesce(excluded.no_value, '{}'))"


def row_key(row: Mapping[str, Any]) -> str:
    """The key of a row: SHA-256 of its identity columns."""
    return hashlib.sha256(json.dumps([row[column] for column in IDENTITY_COLUMNS]).encode()).hexdigest()


def picture_name(*parts: Any) -> str:
    """The file name of a picture: of an output from its row's key, of other images from their kind and columns."""
    text = "\x1f".join(map(str, parts))
    return f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.webp"


@dataclass
class Store:
    """An open run folder, a context manager. A killed process loses at most what was not yet committed."""

    folder: Path
    connection: sqlite3.Connection
    lock: WriterLock | None = None

    @classmethod
    def create(cls, folder: Path) -> Store:
        """Open a run folder for writing and make it if needed. Raises BadInput, also if another process writes."""
        lock = WriterLock(folder, f"bench status {folder}")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if (folder / MANIFEST_FILE).exists() and not (folder / ROWS_FILE).exists():
                raise BadInput(
                    f"expected a new folder or a run, got {folder} with a {MANIFEST_FILE} but no {ROWS_FILE}: name "
                    "another folder with --out"
                )
            lock.acquire()
            return cls(folder, _open_for_writing(folder), lock)
        except (OSError, sqlite3.Error) as error:
            lock.release()
            if _is_damage(error):
                raise BadInput(_damaged(folder, error)) from error
            problem = getattr(error, "strerror", None) or error
            raise BadInput(f"the run folder {folder} cannot be written: {problem}: name another with --out") from error
        except BadInput:
            lock.release()
            raise

    @classmethod
    def open(cls, folder: Path) -> Store:
        """Open an existing run folder for reading, also while another process writes. Raises BadInput."""
        file = folder / ROWS_FILE
        if not file.is_file():
            raise BadInput(f"expected a run folder, got {folder} without {ROWS_FILE}: make one with bench run --out")
        try:
            connection = _open_for_reading(file)
        except sqlite3.Error as error:
            raise BadInput(_damaged(folder, error)) from error
        _check(connection, folder)
        return cls(folder, connection)

    def add_metrics(self, names: Iterable[str]) -> None:
        """Add the columns of metrics that have none yet. Raises BadInput for a name that another column has."""
        try:
            schema.add_metrics(self.connection, names)
        except ValueError as error:
            raise BadInput(str(error)) from error

    def done(self, metrics: Mapping[str, str] | Iterable[str] = ()) -> set[str]:
        """Keys, as planned, of the successful rows that have these metrics.

        Of metrics with versions (name -> version) only scores of that version count. A metric that has no value for an
        image counts as computed if the same version found that.
        """
        existing = schema.columns_of(self.connection)
        columns = [name if name in existing else "NULL" for name in ("asked", "scored", "no_value", *metrics)]
        query = f"SELECT key, {', '.join(columns)} FROM rows WHERE status = 'ok'"
        versions = metrics if isinstance(metrics, Mapping) else dict.fromkeys(metrics)
        rows = self.connection.execute(query)
        try:
            return {asked or key for key, asked, *known in rows if _is_scored(*known, versions)}
        except (ValueError, TypeError, AttributeError) as error:
            raise BadInput(_damaged(self.folder, error)) from error

    def claim(self, plan: int, keys: Iterable[str]) -> None:
        """Mark existing rows of these keys as part of a plan; to be called inside `writing`."""
        numbered = [(plan, key) for key in keys]
        for column in ("key", "asked"):
            self.connection.executemany(f"UPDATE rows SET plan = ? WHERE {column} = ?", numbered)

    def last_plan(self) -> int:
        """The highest number of a plan in the rows; 0 without rows."""
        return self.connection.execute("SELECT coalesce(max(plan), 0) FROM rows").fetchone()[0]

    def remove(self, keys: Iterable[str]) -> None:
        """Delete rows."""
        with self.writing() as connection:
            connection.executemany("DELETE FROM rows WHERE key = ?", [(key,) for key in keys])

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: everything done inside is committed, or nothing of it. Raises StoreFull."""
        try:
            with self.connection:
                yield self.connection
        except sqlite3.OperationalError as error:
            raise StoreFull(f"{self.folder} cannot be written: {error}") from error

    def contents(self) -> pd.DataFrame:
        """The images of the data sets and their hashes: see `bench.runs.contents`."""
        return contents.read(self.connection)

    def count(self) -> int:
        """The number of rows."""
        return self.connection.execute("SELECT count(*) FROM rows").fetchone()[0]

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Commit rows; a row replaces one of the same key. Raises StoreFull.

        Scores of metrics that the new row lacks are kept, and a successful row is kept if the new one failed.
        A row whose tile had to be smaller than planned has the planned key in `asked`.
        `no_value` says, as JSON, why a metric's column is empty: column -> [reason, version of the metric].
        """
        scores = schema.score_columns(self.connection)
        names = ["key", *dict.fromkeys([*INTERNAL_COLUMNS, *COLUMNS, *scores])]
        values = [[row_key(row), *map(row.get, names[1:])] for row in rows]
        marks = ", ".join("?" * len(names))
        updates = ", ".join(
            f"{name} = {_MERGED}"
            if name == "no_value"
            else f"{name} = coalesce(excluded.{name}, rows.{name})"
            if name in scores
            else f"{name} = excluded.{name}"
            for name in names
            if name != "scored"
        )
        updates += ", scored = json_patch(coalesce(rows.scored, '{}'), coalesce(excluded.scored, '{}'))"
        with self.writing() as connection:
            connection.executemany(
                f"DELETE FROM rows WHERE {_UNREADABLE}", [list(map(row.get, _WITHOUT_HASH)) for row in rows]
            )
            connection.executemany(
                f"INSERT INTO rows ({', '.join(names)}) VALUES ({marks}) ON CONFLICT(key) DO UPDATE "
                f"SET {updates} WHERE excluded.status = 'ok' OR rows.status <> 'ok'",
                values,
            )

    def rows(self, hidden: bool = False) -> pd.DataFrame:
        """All rows in a stable order. Raises BadInput if the file is damaged.

        `hidden`: with `key`, the internal columns of the store, and `written`, the order of insertion.
        """
        existing, scores = schema.columns_of(self.connection), schema.score_columns(self.connection)
        names = ("key", *INTERNAL_COLUMNS, *LEADING_COLUMNS, *scores, *TRAILING_COLUMNS)
        shown = ", ".join(name if name in existing else f"NULL AS {name}" for name in names)
        shown = f"rowid AS written, {shown}"
        query = f"SELECT {shown} FROM rows ORDER BY dataset, image, noise_name, level, noise, seed, model"
        try:
            rows = pd.read_sql(query, self.connection)
        except (sqlite3.Error, pd.errors.DatabaseError) as error:
            raise BadInput(_damaged(self.folder, error)) from error
        try:
            rows = rows.astype({name: float for name in rows if COLUMNS.get(name) == "REAL" or name in scores})
            if infinite := [name for name in scores if rows[name].isin([math.inf, -math.inf]).any()]:
                raise ValueError(f"{infinite[0]}: expected finite scores")
            if rows[list(REQUIRED)].isna().to_numpy().any():
                raise ValueError(f"expected {', '.join(REQUIRED)} in every row")
            rows["reason"] = _with_reasons(rows, scores)
        except (ValueError, TypeError, LookupError) as error:
            raise BadInput(_damaged(self.folder, error)) from error
        if not hidden:
            rows = rows.drop(columns=[name for name in ("written", "key", *INTERNAL_COLUMNS) if name in rows])
        return rows

    @property
    def pictures(self) -> Path:
        """The folder of pictures; `picture_name` gives their file names."""
        return self.folder / "pictures"

    def picture_path(self, *parts: Any) -> Path:
        """The path of a picture; the parts are those of `picture_name`."""
        return self.pictures / picture_name(*parts)

    def manifest(self) -> list[dict[str, Any]]:
        """The entries of commands that wrote into the folder, oldest first. Raises BadInput if the file is damaged."""
        path = self.folder / MANIFEST_FILE
        try:
            return check_entries(json.loads(path.read_text(encoding="utf-8")) if path.exists() else [])
        except (OSError, ValueError, RecursionError) as error:
            raise BadInput(
                f"{path} is damaged ({described(error)}): no row is lost, move the file away and start bench run with "
                "this folder again"
            ) from error

    def record(self, entry: dict[str, Any]) -> None:
        """Add an entry, with the time, to the manifest; the file is written atomically."""
        entry = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **entry}
        write_whole(self.folder / MANIFEST_FILE, json.dumps([*self.manifest(), entry], indent=1).encode())

    def close(self) -> None:
        """Close the store; after writing, merge the write-ahead log into the file of rows and release the lock."""
        if self.lock is not None:
            with suppress(sqlite3.Error):  # another process is reading: the write-ahead log stays
                self.connection.execute("PRAGMA journal_mode=DELETE")
        self.connection.close()
        if self.lock is not None:
            self.lock.release()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _with_reasons(rows: pd.DataFrame, scores: Sequence[str]) -> pd.Series:
    """The reason of each row; of successful rows with why metrics have no value."""
    reasons = rows["reason"].astype(object)
    for index in rows.index[(rows["status"] == "ok") & rows["no_value"].notna()]:
        stored = json.loads(rows.at[index, "no_value"])
        columns = [name for name in stored if name in scores and pd.isna(rows.at[index, name])]
        by_column = {name: stored[name][0] for name in columns}
        by_text = {text: [name for name in by_column if by_column[name] == text] for text in by_column.values()}
        missing = [f"no {', '.join(_without_noisy(names))}: {text}" for text, names in by_text.items()]
        reasons[index] = "; ".join(filter(None, [reasons[index], *missing]))
    return reasons


def _without_noisy(names: list[str]) -> list[str]:
    """The columns without NAME_noisy of every NAME that is among them."""
    return [name for name in names if not (name.endswith("_noisy") and name.removesuffix("_noisy") in names)]


def _open_for_writing(folder: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(folder / ROWS_FILE, check_same_thread=False)
    try:
        if schema.tables(connection):  # before anything is written, since it may be another program's file
            _check(connection, folder)
        schema.make_tables(connection)
        schema.complete(connection)
    except (sqlite3.Error, BadInput):
        connection.close()
        raise
    return connection


def _open_for_reading(file: Path) -> sqlite3.Connection:
    """A read-only connection, also to a file on a read-only medium."""
    address = f"{file.resolve().as_uri()}?mode=ro"
    connection = sqlite3.connect(address, uri=True)
    try:
        connection.execute("SELECT name FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:  # SQLite cannot make the files of its write-ahead log
        connection.close()
        if file.with_name(f"{ROWS_FILE}-wal").exists():
            raise
        connection = sqlite3.connect(f"{address}&immutable=1", uri=True)
    return connection


def _check(connection: sqlite3.Connection, folder: Path) -> None:
    """Raises BadInput if the file is not a store, is damaged, or has a newer schema version."""
    try:
        if not schema.tables(connection):  # the first command stopped, or the disk was full, before it had tables
            raise BadInput(f"expected a run, got {folder} without rows: start bench run --out {folder} again")
        version = schema.version(connection)
    except (ValueError, sqlite3.Error) as error:
        raise BadInput(_damaged(folder, error)) from error
    if version > SCHEMA_VERSION:
        raise BadInput(
            f"{folder}: expected a store of version {SCHEMA_VERSION} or lower, got {version}: update MaskBench"
        )


def _is_scored(scored: str | None, no_value: str | None, *values_and_versions: Any) -> bool:
    """Whether a row has every metric: a score of its version, or a reason of that version why there is none.

    Scores in older stores have no version: it is 1. A version of None matches any.
    """
    *values, versions = values_and_versions
    known, missing = json.loads(scored or "{}"), json.loads(no_value or "{}")
    for value, (name, version) in zip(values, versions.items(), strict=True):
        if value is None:
            if missing.get(name, (None, None))[1] != version or version is None:
                return False
        elif version is not None and known.get(name, FIRST_VERSION) != version:
            return False
    return True


def _is_damage(error: Exception) -> bool:
    return getattr(error, "sqlite_errorname", "").startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))


def _damaged(folder: Path, problem: object) -> str:
    return f"{folder / ROWS_FILE} is damaged or no store ({problem}): move it, or name another --out"
