"""What was found inside networks, kept in the run folder beside the scores, so that the two can be joined.

A finding is one number with its bounds: of a model on a noise, or of two of them against each other (columns that
begin with `other_`). Its key is a hash of everything that determines it; a finding made again takes its own place.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from bench.files import StoreFull
from bench.networks.models import Model
from bench.noise import noises
from bench.runs.store import Store

IDENTITY = {
    "measure": "TEXT",
    "model": "TEXT", "size": "TEXT", "weights_hash": "TEXT", "layer": "TEXT",
    "noise": "TEXT", "noise_version": "INTEGER", "seed": "INTEGER",
    "other_model": "TEXT", "other_weights_hash": "TEXT", "other_layer": "TEXT",
    "other_noise": "TEXT", "other_noise_version": "INTEGER", "other_seed": "INTEGER",
    "dataset": "TEXT", "protocol": "TEXT", "settings": "TEXT",
}  # fmt: skip
MEASURED = {"value": "REAL", "low": "REAL", "high": "REAL", "noise_name": "TEXT", "level": "REAL", "device": "TEXT"}
COLUMNS = {**IDENTITY, **MEASURED}
NUMBERS = ("value", "low", "high", "level")


def key(finding: Mapping[str, Any]) -> str:
    """SHA-256 of what determines a finding."""
    return hashlib.sha256(json.dumps([finding.get(column) for column in IDENTITY]).encode()).hexdigest()


def about(model: Model, layer: str, noise: Any, seed: int, other: bool = False) -> dict[str, Any]:
    """The columns of one side of a finding."""
    side = {
        "model": model.label,
        "weights_hash": model.weights_hash,
        "layer": layer,
        "noise": noises.canonical(noise),
        "noise_version": noises.version(noise),
        "seed": seed,
    }
    if other:
        return {f"other_{name}": value for name, value in side.items()}
    return {**side, "size": model.size, "noise_name": noises.noise_name(noise), "level": noises.level(noise)}


def about_clean(model: Model, seed: int) -> dict[str, Any]:
    """The columns of a finding on clean images."""
    return {"model": model.label, "size": model.size, "weights_hash": model.weights_hash, "layer": "", "noise": "",
            "noise_version": 0, "seed": seed, "noise_name": ""}  # fmt: skip


def write(store: Store, findings: Iterable[Mapping[str, Any]]) -> None:
    """Commit findings. Raises StoreFull."""
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    marks = ", ".join("?" * (len(COLUMNS) + 1))
    values = [[key(finding), *(finding.get(column) for column in COLUMNS)] for finding in findings]
    try:
        with store.connection as connection:
            connection.execute(f"CREATE TABLE IF NOT EXISTS findings (key TEXT PRIMARY KEY, {columns})")
            connection.executemany(
                f"INSERT OR REPLACE INTO findings (key, {', '.join(COLUMNS)}) VALUES ({marks})", values
            )
    except sqlite3.OperationalError as error:
        raise StoreFull(f"{store.folder} cannot be written: {error}") from error


def read(store: Store, measure: str | None = None) -> pd.DataFrame:
    """Findings by key, all or of one measure, in the order in which they were made."""
    there = store.connection.execute("SELECT name FROM sqlite_master WHERE name = 'findings'").fetchone()
    if not there:
        return pd.DataFrame(columns=[*COLUMNS])
    where, parameters = ("WHERE measure = ?", (measure,)) if measure else ("", ())
    query = f"SELECT key, {', '.join(COLUMNS)} FROM findings {where} ORDER BY rowid"
    found = pd.read_sql(query, store.connection, index_col="key", params=parameters)
    return found.astype(dict.fromkeys(NUMBERS, float))  # a column of nothing but NULL has no type of its own


def by_key(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Findings that were just made, as `read` gives them."""
    rows = list(rows)
    return pd.DataFrame(rows, columns=[*COLUMNS], index=pd.Index([key(row) for row in rows], name="key"))


def settings_text(settings: Mapping[str, Any]) -> str:
    """Settings as one text, the same for the same settings."""
    return json.dumps(settings, sort_keys=True)


def file_stem(*labels: str) -> str:
    """What a look's files are called, without suffix: readable, and different where the labels are."""
    text = "-".join("".join(c if c.isalnum() or c in "._" else "-" for c in label) for label in labels)
    text = "-".join(filter(None, text.split("-")))
    digest = hashlib.sha256("\x1f".join(labels).encode()).hexdigest()[:6]
    return text if len(text) <= 60 else f"{text[:53].rstrip('-')}-{digest}"
