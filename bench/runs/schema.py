"""The tables of a store: columns, versions, what older stores lack, and what is wrong with a damaged one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from bench.runs import contents

IDENTITY_COLUMNS = {  # what determines a row's numbers
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
LEADING_COLUMNS = ("model", "size", "weights", "weights_hash", "dataset", "image", "photograph", "image_hash", "input", "noise",
         "noise_name", "noise_version", "level", "seed", "protocol", "precision", "tile", "device")  # fmt: skip
TRAILING_COLUMNS = ("psnr_capped", "seconds", "status", "reason")  # behind the metrics, NAME and NAME_noisy each
INTERNAL_COLUMNS = {  # of the store itself, not of its rows
    "asked": "TEXT",  # the key that was asked for, where the tile had to be smaller: see Store.write
    "plan": "INTEGER",  # number of the last plan that asked for the row
    "scored": "TEXT",  # JSON: metric -> the version that its scores were computed by
    "no_value": "TEXT",  # JSON: column of a metric -> [why it is empty, the version of the metric]
}
SCHEMA_VERSION = 2  # 1 had neither `asked` nor `photograph`; columns that come later are added to older stores
_ALL = {**INTERNAL_COLUMNS, **COLUMNS}


def make_tables(connection: sqlite3.Connection) -> None:
    """Make what a new store has; what is there stays. `complete` commits it."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("BEGIN IMMEDIATE")
    columns = ", ".join(f"{name} {kind}" for name, kind in _ALL.items())
    connection.execute(f"CREATE TABLE IF NOT EXISTS rows (key TEXT PRIMARY KEY, {columns})")
    connection.execute("CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT)")
    connection.execute("INSERT OR IGNORE INTO about VALUES ('schema', ?)", (str(SCHEMA_VERSION),))
    contents.make_tables(connection)


def complete(connection: sqlite3.Connection) -> None:
    """Give a store of an older version the columns that came later, empty."""
    there = columns_of(connection)
    for name, kind in _ALL.items():
        if name not in there:
            connection.execute(f"ALTER TABLE rows ADD COLUMN {name} {kind}")
    connection.execute("CREATE INDEX IF NOT EXISTS unread ON rows (dataset, image) WHERE image_hash = ''")
    connection.execute("CREATE INDEX IF NOT EXISTS asked ON rows (asked) WHERE asked IS NOT NULL")
    connection.execute("UPDATE about SET value = ? WHERE name = 'schema'", (str(SCHEMA_VERSION),))
    connection.commit()


def columns_of(connection: sqlite3.Connection) -> list[str]:
    """The columns that a store's rows have."""
    return [name for _, name, *_ in connection.execute("PRAGMA table_info(rows)")]


def score_columns(connection: sqlite3.Connection) -> list[str]:
    """The columns of metrics: each NAME that has a NAME_noisy, then these."""
    columns = columns_of(connection)
    metrics = [name for name in columns if f"{name}_noisy" in columns]
    return [*metrics, *(f"{name}_noisy" for name in metrics)]


def add_metrics(connection: sqlite3.Connection, names: Iterable[str]) -> None:
    """Make the columns of metrics that have none yet. Raises ValueError for a name that is taken."""
    there, scores = columns_of(connection), score_columns(connection)
    new = [column for name in names if name not in scores for column in (name, f"{name}_noisy")]
    if taken := set(new) & set(there):
        raise ValueError(f"a metric cannot be called {min(taken)!r}: rows have another column of that name")
    with connection:
        for column in new:
            connection.execute(f"ALTER TABLE rows ADD COLUMN {column} REAL")


def version(connection: sqlite3.Connection) -> int:
    """The version of a store, whose file has been looked through. Raises ValueError or sqlite3.Error for no store."""
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise ValueError(verdict.splitlines()[-1])
    found = dict(connection.execute("SELECT name, value FROM about"))
    if not str(found.get("schema", "")).isdigit() or not {"key", *IDENTITY_COLUMNS} <= set(columns_of(connection)):
        raise ValueError("it has not the tables of a run")
    return int(found["schema"])
