"""The run store: a folder with rows in SQLite, a manifest, and pictures.

    rows.sqlite     one row per model x noise x image x seed, written by one writer, committed as they are done
    manifest.json   each command that wrote here, with versions, machine, specs and hashes
    pictures/       some of the images, lossless
    lock            taken by whoever writes; writer.json says who that is

A row's key is a hash of everything that determines its numbers, so that running again does only what is missing.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from bench.errors import BadInput, described
from bench.files import StoreFull, write_whole
from bench.lock import WriterLock
from bench.runs import contents, schema
from bench.runs.schema import (
    COLUMNS,
    IDENTITY_COLUMNS,
    INTERNAL_COLUMNS,
    LEADING_COLUMNS,
    SCHEMA_VERSION,
    TRAILING_COLUMNS,
)

ROWS_FILE, MANIFEST_FILE = "rows.sqlite", "manifest.json"
FIRST_VERSION = "1"  # the version of a metric whose scores do not say by which they were computed
# rows of an image that could not be read have no pixel hash; they give way once it can be
_NAMED = tuple(name for name in IDENTITY_COLUMNS if name != "image_hash")
_UNREAD = "image_hash = '' AND " + " AND ".join(f"{name} IS ?" for name in _NAMED)


_MERGED = "json_patch(coalesce(rows.no_value, '{}'), coalesce(excluded.no_value, '{}'))"


def row_key(row: dict[str, Any]) -> str:
    """The key of a row: SHA-256 of its identity columns."""
    return hashlib.sha256(json.dumps([row[column] for column in IDENTITY_COLUMNS]).encode()).hexdigest()


def picture_name(*parts: Any) -> str:
    """The file of a picture: a model's output under its row's key, others by what they are (`noisy`, ...)."""
    text = "\x1f".join(map(str, parts))
    return f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.webp"


@dataclass
class Store:
    """An open run folder. Use as a context manager; a kill at any moment loses at most what is not yet committed."""

    folder: Path
    connection: sqlite3.Connection
    lock: WriterLock | None = None

    @classmethod
    def create(cls, folder: Path) -> Store:
        """Open a run folder for writing, making it if it is not there. Raises BadInput, also while another writes."""
        lock = WriterLock(folder, f"bench status {folder}")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire()
            return cls(folder, _open_for_writing(folder), lock)
        except (OSError, sqlite3.Error) as error:
            lock.release()
            if _is_damage(error):
                raise BadInput(_damaged(folder, error)) from error
            problem = getattr(error, "strerror", None) or error
            raise BadInput(f"the run folder {folder} cannot be written: {problem}. Name another with --out") from error
        except BadInput:
            lock.release()
            raise

    @classmethod
    def open(cls, folder: Path) -> Store:
        """Open an existing run folder for reading, also while another process writes. Raises BadInput."""
        file = folder / ROWS_FILE
        if not file.is_file():
            raise BadInput(f"{folder} is not a run folder: it has no {ROWS_FILE}. Make one with bench run --out")
        try:
            connection = _open_for_reading(file)
        except sqlite3.Error as error:
            raise BadInput(_damaged(folder, error)) from error
        _check(connection, folder)
        return cls(folder, connection)

    def add_metrics(self, names: Iterable[str]) -> None:
        """Make the columns that metrics need and that are not there. Raises BadInput for a name that is taken."""
        try:
            schema.add_metrics(self.connection, names)
        except ValueError as error:
            raise BadInput(str(error)) from error

    def done(self, metrics: Mapping[str, str] | Iterable[str] = ()) -> set[str]:
        """Keys of the rows that did not fail and have these metrics, as they were asked for.

        Metrics with versions (name -> version): scores of another version do not count; a metric that has no value
        for an image does not have to be computed again by the same version.
        """
        there = schema.columns_of(self.connection)
        columns = [name if name in there else "NULL" for name in ("asked", "scored", "no_value", *metrics)]
        query = f"SELECT key, {', '.join(columns)} FROM rows WHERE status = 'ok'"
        versions = metrics if isinstance(metrics, Mapping) else dict.fromkeys(metrics)
        return {asked or key for key, asked, *known in self.connection.execute(query) if _is_scored(*known, versions)}

    def claim(self, plan: int, keys: Iterable[str]) -> None:
        """Keep that a plan asks for rows, those that are there; to be called inside `writing`."""
        numbered = [(plan, key) for key in keys]
        for column in ("key", "asked"):
            self.connection.executemany(f"UPDATE rows SET plan = ? WHERE {column} = ?", numbered)

    def last_plan(self) -> int:
        """The largest number of a plan that rows have."""
        return self.connection.execute("SELECT coalesce(max(plan), 0) FROM rows").fetchone()[0]

    def remove(self, keys: Iterable[str]) -> None:
        """Take rows away."""
        with self.writing() as connection:
            connection.executemany("DELETE FROM rows WHERE key = ?", [(key,) for key in keys])

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The connection; what is done inside is committed together, or nothing of it. Raises StoreFull."""
        try:
            with self.connection:
                yield self.connection
        except sqlite3.OperationalError as error:
            raise StoreFull(f"{self.folder} cannot be written: {error}") from error

    def contents(self) -> pd.DataFrame:
        """What the data sets have in them now, as far as they were read: see `bench.runs.contents`."""
        return contents.read(self.connection)

    def count(self) -> int:
        """How many rows there are."""
        return self.connection.execute("SELECT count(*) FROM rows").fetchone()[0]

    def write(self, rows: list[dict[str, Any]]) -> None:
        """Commit rows; one of the same key is replaced. Raises StoreFull.

        What was measured before and is not now stays, and so does a good row where the new one failed.
        A row that is not quite what was asked for, because its tile had to be smaller, has the key of that in `asked`.
        `no_value` has, as JSON, why a metric's column is empty: column -> [reason, version of the metric].
        """
        kept = schema.score_columns(self.connection)
        names = ["key", *dict.fromkeys([*INTERNAL_COLUMNS, *COLUMNS, *kept])]
        values = [[row_key(row), *map(row.get, names[1:])] for row in rows]
        marks = ", ".join("?" * len(names))
        renewed = ", ".join(
            f"{name} = {_MERGED}"
            if name == "no_value"
            else f"{name} = coalesce(excluded.{name}, rows.{name})"
            if name in kept
            else f"{name} = excluded.{name}"
            for name in names
            if name != "scored"
        )
        renewed += ", scored = json_patch(coalesce(rows.scored, '{}'), coalesce(excluded.scored, '{}'))"
        with self.writing() as connection:
            connection.executemany(f"DELETE FROM rows WHERE {_UNREAD}", [list(map(row.get, _NAMED)) for row in rows])
            connection.executemany(
                f"INSERT INTO rows ({', '.join(names)}) VALUES ({marks}) ON CONFLICT(key) DO UPDATE "
                f"SET {renewed} WHERE excluded.status = 'ok' OR rows.status <> 'ok'",
                values,
            )

    def rows(self, hidden: bool = False) -> pd.DataFrame:
        """All rows in a stable order. Raises BadInput where the file is damaged.

        `hidden`: with `written`, the order in which they were written first, `key`, and the columns of the store.
        """
        there, scores = schema.columns_of(self.connection), schema.score_columns(self.connection)
        names = ("key", *INTERNAL_COLUMNS, *LEADING_COLUMNS, *scores, *TRAILING_COLUMNS)
        shown = ", ".join(name if name in there else f"NULL AS {name}" for name in names)
        shown = f"rowid AS written, {shown}"
        query = f"SELECT {shown} FROM rows ORDER BY dataset, image, noise_name, level, noise, seed, model"
        try:
            found = pd.read_sql(query, self.connection)
        except (sqlite3.Error, pd.errors.DatabaseError) as error:
            raise BadInput(_damaged(self.folder, error)) from error
        found["reason"] = _with_reasons(found, scores)
        found = found.drop(
            columns=[] if hidden else [name for name in ("written", "key", *INTERNAL_COLUMNS) if name in found]
        )
        numbers = [name for name in found if COLUMNS.get(name) == "REAL" or name in scores]
        return found.astype(dict.fromkeys(numbers, float))

    @property
    def pictures(self) -> Path:
        """The folder of pictures, whose files `picture_name` names."""
        return self.folder / "pictures"

    def picture_path(self, *parts: Any) -> Path:
        """Where a picture lies."""
        return self.pictures / picture_name(*parts)

    def manifest(self) -> list[dict[str, Any]]:
        """What wrote here, oldest first. Raises BadInput where the file is damaged."""
        path = self.folder / MANIFEST_FILE
        try:
            entries = json.loads(path.read_text()) if path.exists() else []
            if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
                raise ValueError("it is no list of entries")
        except (OSError, ValueError) as error:
            raise BadInput(
                f"{path} is damaged ({described(error)}). No row is lost: move it away, and bench run into this folder "
                "makes another"
            ) from error
        return entries

    def record(self, entry: dict[str, Any]) -> None:
        """Add to the manifest, as a whole file or not at all."""
        entry = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **entry}
        write_whole(self.folder / MANIFEST_FILE, json.dumps([*self.manifest(), entry], indent=1).encode())

    def close(self) -> None:
        """Close; a folder that was written to is left with one file of rows, and free for others."""
        if self.lock is not None:
            with suppress(sqlite3.Error):  # somebody reads at this moment: what is beside the file stays
                self.connection.execute("PRAGMA journal_mode=DELETE")
        self.connection.close()
        if self.lock is not None:
            self.lock.release()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *error) -> None:
        self.close()


def _with_reasons(rows: pd.DataFrame, scores: Sequence[str]) -> pd.Series:
    """The reason of each row, and behind it why metrics have no value in one that did not fail."""
    reasons = rows["reason"].astype(object)
    for place in rows.index[(rows["status"] == "ok") & rows["no_value"].notna()]:
        stored = json.loads(rows.at[place, "no_value"])
        why = {name: text for name, (text, _) in stored.items() if name in scores and pd.isna(rows.at[place, name])}
        grouped = {text: [name for name in why if why[name] == text] for text in why.values()}
        told = [f"no {', '.join(_without_noisy(names))}: {text}" for text, names in grouped.items()]
        reasons[place] = "; ".join(filter(None, [reasons[place], *told]))
    return reasons


def _without_noisy(names: list[str]) -> list[str]:
    """The columns, without that of the noisy input where the output's own is among them."""
    return [name for name in names if not (name.endswith("_noisy") and name.removesuffix("_noisy") in names)]


def _open_for_writing(folder: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(folder / ROWS_FILE, check_same_thread=False)
    try:
        schema.make_tables(connection)
        _check(connection, folder)
        schema.complete(connection)
    except (sqlite3.Error, BadInput):
        connection.close()
        raise
    return connection


def _open_for_reading(file: Path) -> sqlite3.Connection:
    """A connection that changes nothing. What lies on a medium that cannot be written is read as it is."""
    address = f"{file.resolve().as_uri()}?mode=ro"
    connection = sqlite3.connect(address, uri=True)
    try:
        connection.execute("SELECT name FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:  # a file in WAL mode wants others beside it
        connection.close()
        if file.with_name(f"{ROWS_FILE}-wal").exists():
            raise
        connection = sqlite3.connect(f"{address}&immutable=1", uri=True)
    return connection


def _check(connection: sqlite3.Connection, folder: Path) -> None:
    """Raises BadInput where this is no store, a damaged one, or one of a newer version."""
    try:
        found = schema.version(connection)
    except (ValueError, sqlite3.Error) as error:
        raise BadInput(_damaged(folder, error)) from error
    if found > SCHEMA_VERSION:
        raise BadInput(
            f"{folder} was written by a newer MaskBench (store version {found}, here {SCHEMA_VERSION}): update this one"
        )


def _is_scored(scored: str | None, no_value: str | None, *values_and_versions: Any) -> bool:
    """Whether a row has the metrics: a score of this version, or none for a reason that this version gave.

    Rows of older stores do not name versions: their scores are of version 1. A version of None is any.
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
    return (
        f"{folder / ROWS_FILE} is damaged, or no file of this program ({problem}): move it away, or name another --out"
    )
