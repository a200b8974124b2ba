"""The tables of a store: columns, schema version, upgrades of older stores, and the check for damage."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NotRequired, TypedDict

from bench.runs import contents

IDENTITY_COLUMNS = {  # everything that determines the scores of a row: its key is their hash
    "model": "TEXT", "size": "TEXT", "weights": "TEXT", "weights_hash": "TEXT", "dataset": "TEXT", "image": "TEXT",
    "image_hash": "TEXT", "noise": "TEXT", "noise_version": "INTEGER", "seed": "INTEGER", "protocol": "TEXT",
    "precision": "TEXT", "tile": "INTEGER",
}  # fmt: skip
RESULT_COLUMNS = {
    "photograph": "TEXT", "noise_name": "TEXT", "level": "REAL", "input": "TEXT", "device": "TEXT",
    "psnr": "REAL", "ssim": "REAL", "lpips": "REAL",
    "psnr_noisy": "REAL", "ssim_noisy": "REAL", "lpips_noisy": "REAL",
    "psnr_capped": "INTEGER", "seconds": "REAL", "status": "TEXT", "reason": "TEXT",
}  # fmt: skip
COLUMNS = {**IDENTITY_COLUMNS, **RESULT_COLUMNS}
LEADING_COLUMNS = (
    "model", "size", "weights", "weights_hash", "dataset", "image", "photograph", "image_hash", "input", "noise",
    "noise_name", "noise_version", "level", "seed", "protocol", "precision", "tile", "device",
)  # fmt: skip
TRAILING_COLUMNS = ("psnr_capped", "seconds", "status", "reason")  # after NAME and NAME_noisy of each metric
INTERNAL_COLUMNS = {  # of the store; they are not exported
    "asked": "TEXT",  # the key of the row as planned, if its tile had to be smaller: see Store.write
    "plan": "INTEGER",  # number of the last plan that has the row
    "scored": "TEXT",  # JSON: metric -> the version that computed its scores
    "no_value": "TEXT",  # JSON: column of a metric -> [reason why it is empty, version of the metric]
}
SCHEMA_VERSION = 2  # version 1 had neither `asked` nor `photograph`; `complete` adds missing columns to older stores
_ALL = {**INTERNAL_COLUMNS, **COLUMNS}


class NoiseColumns(TypedDict):
    """The columns of a row that identify its noise."""

    noise: str
    noise_name: str
    noise_version: int
    level: float | None


class Row(NoiseColumns):
    """A row without its scores, which are columns of the names of its metrics: what a plan determines, and its status.

    asked, no_value   internal columns, see `INTERNAL_COLUMNS`
    """

    model: str
    size: str
    weights: str
    weights_hash: str
    dataset: str
    image: str
    image_hash: str
    photograph: str
    input: str
    seed: int
    protocol: str
    precision: str
    tile: int
    device: str
    status: str
    reason: str
    asked: NotRequired[str]


def make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables of a store if they do not exist. `complete` commits the transaction."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("BEGIN IMMEDIATE")
    columns = ", ".join(f"{name} {kind}" for name, kind in _ALL.items())
    connection.execute(f"CREATE TABLE IF NOT EXISTS rows (key TEXT PRIMARY KEY, {columns})")
    connection.execute("CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT)")
    connection.execute("INSERT OR IGNORE INTO about VALUES ('schema', ?)", (str(SCHEMA_VERSION),))
    contents.make_tables(connection)


def complete(connection: sqlite3.Connection) -> None:
    """Add columns that a store of an older version lacks, empty, and commit."""
    existing = columns_of(connection)
    for name, kind in _ALL.items():
        if name not in existing:
            connection.execute(f"ALTER TABLE rows ADD COLUMN {name} {kind}")
    connection.execute("CREATE INDEX IF NOT EXISTS unread ON rows (dataset, image) WHERE image_hash = ''")
    connection.execute("CREATE INDEX IF NOT EXISTS asked ON rows (asked) WHERE asked IS NOT NULL")
    connection.execute("UPDATE about SET value = ? WHERE name = 'schema'", (str(SCHEMA_VERSION),))
    connection.commit()


def tables(connection: sqlite3.Connection) -> list[str]:
    """The tables of a database; none in an empty file."""
    return [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]


def columns_of(connection: sqlite3.Connection) -> list[str]:
    """The columns of a store's table of rows."""
    return [name for _, name, *_ in connection.execute("PRAGMA table_info(rows)")]


def score_columns(connection: sqlite3.Connection) -> list[str]:
    """The columns of metrics: every NAME that has a NAME_noisy, then the columns NAME_noisy."""
    columns = columns_of(connection)
    metrics = [name for name in columns if f"{name}_noisy" in columns]
    return [*metrics, *(f"{name}_noisy" for name in metrics)]


def add_metrics(connection: sqlite3.Connection, names: Iterable[str]) -> None:
    """Add the columns of metrics that have none yet. Raises ValueError for a name that another column has."""
    existing, scores = columns_of(connection), score_columns(connection)
    new = [column for name in names if name not in scores for column in (name, f"{name}_noisy")]
    if taken := {name.lower() for name in new} & {name.lower() for name in existing}:
        raise ValueError(f"rows already have a column {min(taken)!r}: rename the metric")
    for name in new:
        try:
            connection.execute(f"SELECT 1 AS {name}")
        except sqlite3.OperationalError:
            raise ValueError(f"expected a name that is no word of SQL, got {name!r}: rename the metric") from None
    with connection:
        for column in new:
            connection.execute(f"ALTER TABLE rows ADD COLUMN {column} REAL")


def version(connection: sqlite3.Connection) -> int:
    """The schema version of a store, after a check of the file. Raises ValueError or sqlite3.Error if it is damaged."""
    (result,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if result != "ok":
        raise ValueError(result.splitlines()[-1])
    about = dict(connection.execute("SELECT name, value FROM about"))
    if not str(about.get("schema", "")).isdigit() or not {"key", *IDENTITY_COLUMNS} <= set(columns_of(connection)):
        raise ValueError("it lacks the tables of a run")
    return int(about["schema"])
