"""Measurements: numbers of analyses in the store of a run, so that they can be joined with the scores.

A measurement is a value with its 95% interval, of a model under a noise, or of two of them against each other (columns
`other_...`). Its key is a hash of everything that determines it; a repeated measurement replaces the one of its key.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any

import pandas as pd

from bench.core.files import StoreFull
from bench.models.model_specs import Model
from bench.noise import noises
from bench.runs.store import Store
from noise_zoo.noise import Noise

IDENTITY = {
    "measure": "TEXT",
    "model": "TEXT", "size": "TEXT", "weights_hash": "TEXT", "layer": "TEXT",
    "noise": "TEXT", "noise_version": "INTEGER", "seed": "INTEGER",
    "other_model": "TEXT", "other_weights_hash": "TEXT", "other_layer": "TEXT",
    "other_noise": "TEXT", "other_noise_version": "INTEGER", "other_seed": "INTEGER",
    "dataset": "TEXT", "protocol": "TEXT", "settings": "TEXT",
}  # fmt: skip
NUMBERS = ("value", "low", "high", "level")
COLUMNS = {
    **IDENTITY,
    "value": "REAL",
    "low": "REAL",
    "high": "REAL",
    "noise_name": "TEXT",
    "level": "REAL",
    "device": "TEXT",
}
TABLE = "findings"  # its name in stores since the first version


def key(measurement: Mapping[str, Any]) -> str:
    """SHA-256 of the columns that determine a measurement."""
    return hashlib.sha256(json.dumps([measurement.get(column) for column in IDENTITY]).encode()).hexdigest()


def subject(model: Model, layer: str, noise: Noise | None, seed: int) -> dict[str, Any]:
    """Columns that say what was measured: a layer ('' for the output) of a model under a noise (None for clean)."""
    columns = {
        "model": model.label,
        "size": model.size,
        "weights_hash": model.weights_hash,
        "layer": layer,
        "noise": "",
        "noise_version": 0,
        "seed": seed,
        "noise_name": "",
    }
    if noise is None:
        return columns
    return columns | {
        "noise": noises.canonical(noise),
        "noise_version": noises.version(noise),
        "noise_name": noises.noise_name(noise),
        "level": noises.level(noise),
    }


def other_subject(model: Model, layer: str, noise: Noise, seed: int) -> dict[str, Any]:
    """The columns `other_...`: what a model under a noise is compared with."""
    columns = {f"other_{name}": value for name, value in subject(model, layer, noise, seed).items()}
    return {name: value for name, value in columns.items() if name in IDENTITY}


def row(measure: str, *columns: Mapping[str, Any], estimate: Sequence[float] = ()) -> dict[str, Any]:
    """A measurement of all these columns with its value, or value, low and high; without any, what determines it."""
    named = dict(zip(("value", "low", "high"), estimate, strict=False))
    return {"measure": measure} | reduce(or_, columns) | named


def write(store: Store, rows: Iterable[Mapping[str, Any]]) -> None:
    """Commit measurements. Raises StoreFull."""
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    marks = ", ".join("?" * (len(COLUMNS) + 1))
    values = [[key(row), *(row.get(column) for column in COLUMNS)] for row in rows]
    try:
        with store.connection as connection:
            connection.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} (key TEXT PRIMARY KEY, {columns})")
            connection.executemany(
                f"INSERT OR REPLACE INTO {TABLE} (key, {', '.join(COLUMNS)}) VALUES ({marks})", values
            )
    except sqlite3.OperationalError as error:
        raise StoreFull(f"{store.folder} cannot be written: {error}") from error


def read(store: Store, measure: str | None = None) -> pd.DataFrame:
    """Measurements by key, of all measures or of one, in the order in which they were made."""
    query = "SELECT name FROM sqlite_master WHERE name = ?"
    if not store.connection.execute(query, (TABLE,)).fetchone():
        return pd.DataFrame(columns=[*COLUMNS])
    where, parameters = ("WHERE measure = ?", (measure,)) if measure else ("", ())
    query = f"SELECT key, {', '.join(COLUMNS)} FROM {TABLE} {where} ORDER BY rowid"
    frame = pd.read_sql(query, store.connection, index_col="key", params=parameters)
    return frame.astype(dict.fromkeys(NUMBERS, float))  # a column of NULL alone has no type of its own


def by_key(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """New measurements in the form in which `read` returns them."""
    rows = list(rows)
    return pd.DataFrame(rows, columns=[*COLUMNS], index=pd.Index([key(row) for row in rows], name="key"))


def settings_text(settings: Mapping[str, Any]) -> str:
    """Settings as JSON with sorted keys: equal texts for equal settings."""
    return json.dumps(settings, sort_keys=True)
