"""The fields of submission.toml as data, and the reader of submissions."""

from __future__ import annotations

import hashlib
import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import is_numeric_dtype

from bench.core.errors import BadInput, described
from bench.noise import training_noise
from bench.runs.schema import LEADING_COLUMNS

ABOUT_FILE, ROWS_FILE, ENVIRONMENT_FILE, MANIFEST_FILE = (
    "submission.toml",
    "rows.parquet",
    "environment.json",
    "manifest.json",
)
TEXT, NUMBER, INTEGER, SWITCH = "text in quotes", "a number", "an integer", "true or false"
KINDS: Mapping[str, tuple[type, ...]] = {TEXT: (str,), NUMBER: (int, float), INTEGER: (int,), SWITCH: (bool,)}
TEXTS = ("model", "dataset", "image", "image_hash", "noise", "noise_name", "protocol", "precision", "status")
NUMBERS = ("seed", "noise_version", "psnr", "psnr_noisy")
UNIQUE = ["dataset", "image", "noise", "seed", "protocol", "precision"]  # a model has one row of each


@dataclass(frozen=True)
class Field:
    """A field of submission.toml: its kind, whether it has to be filled in, and what it means."""

    kind: str
    required: bool
    meaning: str


FIELDS: Mapping[str, Mapping[str, Field]] = {
    "model": {
        "name": Field(TEXT, True, "as tables show it"),
        "spec": Field(TEXT, True, "as rows.parquet names it"),
        "paper": Field(TEXT, True, "authors and title"),
        "venue": Field(TEXT, False, "conference or journal, and year"),
        "link": Field(TEXT, False, "address of the paper"),
        "code": Field(TEXT, False, "address of the code"),
        "licence": Field(TEXT, True, "of code and weights"),
        "parameters": Field(INTEGER, False, "number of parameters"),
        "flops_per_pixel": Field(NUMBER, False, "floating point operations per pixel"),
        "forward_passes": Field(INTEGER, False, "forward passes per image, 1 for most"),
        "test_time_training": Field(SWITCH, True, "whether it is trained or fitted on test images"),
    },
    "training": {
        "noise": Field(TEXT, True, "gaussian(sigma=15), gaussian(sigma=0-55), or none for a method without training"),
        "data": Field(TEXT, True, "data sets, or none"),
        "additional_data": Field(TEXT, False, "data beyond the usual training sets"),
    },
    "cost": {
        "hardware": Field(TEXT, False, "processor or GPU of the seconds below"),
        "seconds": Field(NUMBER, False, "median per image"),
    },
    "files": {
        "weights_url": Field(TEXT, False, "address of the weights"),
        "weights_sha256": Field(TEXT, False, "of the weights"),
        "outputs_url": Field(TEXT, False, "address of the output images"),
        "outputs_sha256": Field(TEXT, False, "of the output images"),
    },
    "contact": {"name": Field(TEXT, False, "of a person"), "address": Field(TEXT, False, "of that person")},
    "rows": {
        "count": Field(INTEGER, True, "rows in rows.parquet"),
        "sha256": Field(TEXT, True, "of rows.parquet"),
    },
    "software": {
        "maskbench": Field(TEXT, True, "version"),
        "sha256": Field(TEXT, True, "of its source files"),
    },
}


@dataclass(frozen=True)
class Submission:
    """A submission that passed all checks: `about` by section and field, and its rows."""

    folder: Path
    about: Mapping[str, Mapping[str, Any]]
    rows: pd.DataFrame


def read(folder: Path) -> Submission:
    """Read a submission. Raises BadInput with its first problem: file, field, what was expected."""
    about, rows, found = _read(folder)
    if found:
        raise BadInput(found[0])
    return Submission(folder, about, rows)


def problems(folder: Path) -> list[str]:
    """Every problem of a submission, each with its file and field; [] for a valid one."""
    return _read(folder)[2]


def _read(folder: Path) -> tuple[dict[str, dict[str, Any]], pd.DataFrame, list[str]]:
    path = folder / ABOUT_FILE
    try:
        about = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        return {}, pd.DataFrame(), [f"{path}: expected a TOML file, got another one: {described(error)}"]
    own = {ABOUT_FILE, ROWS_FILE, ENVIRONMENT_FILE, MANIFEST_FILE}
    others = sorted(item.name for item in folder.iterdir() if item.name not in own)
    found = [f"{folder / name}: expected only {', '.join(sorted(own))}: remove it" for name in others]
    found += [f"{path}: {problem}" for problem in _of_fields(about)]
    try:
        content = (folder / ROWS_FILE).read_bytes()
        rows = pd.read_parquet(folder / ROWS_FILE)
    except (OSError, ValueError) as error:
        return about, pd.DataFrame(), [*found, f"{folder / ROWS_FILE}: cannot be read: {described(error)}"]
    found += [f"{folder / ROWS_FILE}: {problem}" for problem in _of_rows(about, rows, content)]
    return about, rows, found


def _of_fields(about: Mapping[str, Any]) -> Iterator[str]:
    """Problems of the fields: unknown ones, wrong kinds, and required ones that are missing or empty."""
    for section in about:
        if section not in FIELDS or not isinstance(about[section], dict):
            yield f"[{section}]: expected one of the sections {', '.join(FIELDS)}, got another one"
    for section, fields in FIELDS.items():
        given = about.get(section, {})
        if not isinstance(given, dict):
            continue
        for name in given:
            if name not in fields:
                yield f"{section}.{name}: expected one of {', '.join(fields)}, got another name"
        for name, field in fields.items():
            value = given.get(name, "")
            if value == "":
                if field.required:
                    yield f"{section}.{name}: expected {field.kind} ({field.meaning}), got nothing: fill it in"
            elif not isinstance(value, KINDS[field.kind]) or (isinstance(value, bool) and field.kind != SWITCH):
                yield f"{section}.{name}: expected {field.kind} ({field.meaning}), got {value!r}"
            elif field.kind in (NUMBER, INTEGER) and not 0 <= value < math.inf:
                yield f"{section}.{name}: expected a finite number of at least 0, got {value!r}"
            elif name.endswith("sha256") and not _is_hash(value):
                yield f"{section}.{name}: expected a SHA-256, 64 hexadecimal digits, got {value!r}"
    noise = about.get("training", {}).get("noise") if isinstance(about.get("training", {}), dict) else None
    if isinstance(noise, str) and ":" in noise:  # the file would be imported
        yield f"training.noise: expected noises of bench noise list, got {noise!r}, a noise of your own"
    elif isinstance(noise, str) and noise not in ("", training_noise.NONE):
        try:
            training_noise.parse(noise)
        except BadInput as error:
            yield f"training.noise: {error}"


def _is_hash(text: str) -> bool:
    return len(text) == 64 and set(text) <= set("0123456789abcdef")


def _of_rows(about: Mapping[str, Any], rows: pd.DataFrame, content: bytes) -> Iterator[str]:
    """Problems of the rows: other ones than submission.toml describes, missing columns, repeated rows and scores."""
    stated = about.get("rows", {}) if isinstance(about.get("rows", {}), dict) else {}
    if (digest := hashlib.sha256(content).hexdigest()) != stated.get("sha256"):
        yield f"rows.sha256 of {ABOUT_FILE}: expected that of the file, {digest}: it was changed after bench submit"
    if missing := [name for name in (*LEADING_COLUMNS, *TEXTS, *NUMBERS) if name not in rows]:
        yield f"expected the columns {', '.join(LEADING_COLUMNS)} and scores, got none of {', '.join(missing)}"
        return
    other = [name for name in TEXTS if not rows[name].map(lambda value: isinstance(value, str)).all()]
    other += [name for name in NUMBERS if not is_numeric_dtype(rows[name])]
    if other:
        yield f"columns {', '.join(other)}: expected text or numbers, as bench submit writes them, got other values"
        return
    if len(rows) != stated.get("count"):
        yield f"rows.count of {ABOUT_FILE}: expected {stated.get('count')} rows, got {len(rows)}"
    models = sorted(set(map(str, rows["model"])))
    spec = about.get("model", {}).get("spec") if isinstance(about.get("model", {}), dict) else None
    if models != [spec]:
        yield f"column model: expected model.spec of {ABOUT_FILE}, {spec!r}, got {', '.join(models) or 'no rows'}"
    if (twice := rows.duplicated(UNIQUE)).any():
        first = rows[twice].iloc[0]
        yield f"expected one row per image, noise and seed, got two of {first['image']} under {first['noise']}"
    scores = rows.loc[rows["status"] == "ok", "psnr"]
    if not scores.between(0, 100).all():
        yield "column psnr: expected scores from 0 to 100 dB in rows with status ok, got others"
