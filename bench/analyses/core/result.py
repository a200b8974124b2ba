"""The result of an analysis: saved in a run folder, joined with the models of earlier calls, and printed.

Measurements go into the store, tables, figures and settings into files (`saved_results` lists and reads them). Figures
are drawn from the tables, so that the models of an earlier call that asked the same question join the figure. A
different question with the same file name gets STEM-2, STEM-3: no saved result is lost.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from bench.analyses.core import figures, measurements, saved_results
from bench.analyses.core.config import open_store
from bench.core.environment import describe_machine, versions
from bench.core.files import write_whole

MAX_STEM = 60  # characters
Tables = dict[str, pd.DataFrame]  # by the end of the file name; '' is the main table
Models = list[Mapping[str, Any]]  # settings of each model


@dataclass(frozen=True)
class CaptionedFigure:
    """A figure with title and caption; `part` ends its file name, `numbers` is the table that it shows."""

    title: str
    caption: str
    figure: Figure
    part: str = ""
    numbers: str = ""


@dataclass(frozen=True)
class TextTable:
    """A table for the terminal: texts by row."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Result:
    """Numbers of one call of an analysis, and how to draw them.

    analysis       its name, which is the command's
    labels         what distinguishes the question, for the file name
    question       settings that determine the numbers, besides the models
    models         settings of each model: label under 'models', hash under 'weights_sha256', ...
    tables         numbers; where models join, the column 'model' says which one a row is of
    draw           takes tables and models, of this call and earlier ones
    summary        printed; `notes` are printed before it
    measurements   for the store
    joins          whether models of earlier calls of the same question join the tables; otherwise they are replaced
    replaces       whether an earlier result of any question is replaced
    """

    analysis: str
    labels: Sequence[str]
    question: Mapping[str, Any]
    models: Models
    tables: Tables
    draw: Callable[[Tables, Models], Sequence[CaptionedFigure]]
    summary: TextTable
    measurements: Sequence[Mapping[str, Any]] = field(default_factory=list)
    notes: Sequence[str] = ()
    joins: bool = False
    replaces: bool = False


def save(result: Result, out: Path) -> list[Path]:
    """Save a result in a run folder and record the command in its manifest; returns the files. Raises BadInput."""
    folder = out / result.analysis
    with open_store(out) as store:
        measurements.write(store, result.measurements)
        stem, models, tables, commands = _with_earlier(result, folder)
        settings = {**result.question, **saved_results.by_setting(models)}
        store.record({"event": result.analysis, "command": commands[-1], "settings": settings, "versions": versions(),
                      "machine": describe_machine()})  # fmt: skip
        written, described = [folder / f"{stem}.json"], []
        for part, table in tables.items():
            written.append(folder / f"{_file_name(stem, part)}.csv")
            write_whole(written[-1], table.to_csv(index=False, float_format="%.6g" if part else None).encode())
        for one in result.draw(tables, models):
            files = figures.save(one.figure, folder / _file_name(stem, one.part))
            names = {file.suffix[1:]: file.name for file in files}
            described.append({"title": one.title, "words": one.caption, **names,
                              "csv": f"{_file_name(stem, one.numbers)}.csv"})  # fmt: skip
            written += files
        saved = {"look": result.analysis, "command": "\n".join(commands), **settings, "figures": described}
        write_whole(written[0], (json.dumps(saved, indent=1) + "\n").encode())
    return written


def file_stem(*labels: str) -> str:
    """File name without suffix: readable, at most 60 characters, different for different labels."""
    text = "-".join("".join(c if c.isalnum() or c in "._" else "-" for c in label) for label in labels)
    text = "-".join(filter(None, text.split("-")))
    digest = hashlib.sha256("\x1f".join(labels).encode()).hexdigest()[:6]
    return text if len(text) <= MAX_STEM else f"{text[: MAX_STEM - 7].rstrip('-')}-{digest}"


def _with_earlier(result: Result, folder: Path) -> tuple[str, Models, Tables, list[str]]:
    """(file stem, models, tables, command lines) of a result, after those of an earlier call of the same question."""
    question = json.loads(json.dumps(dict(result.question)))
    command = shlex.join(["bench", *sys.argv[1:]])
    name = file_stem(*result.labels)
    stems = (name if number == 1 else f"{name}-{number}" for number in itertools.count(1))
    for stem in stems:
        saved = saved_results.read(folder / f"{stem}.json")
        if saved is None or result.replaces or saved_results.same_question(saved, question):
            break
    if saved is None or not result.joins or not saved_results.same_versions(saved, question):
        return stem, list(result.models), result.tables, [command]
    try:
        tables = {part: _joined(folder / f"{_file_name(stem, part)}.csv", new) for part, new in result.tables.items()}
    except (OSError, ValueError):  # a table was deleted: there is nothing to join
        return stem, list(result.models), result.tables, [command]
    models = {model["models"]: model for model in (*saved_results.models(saved), *result.models)}
    return stem, list(models.values()), tables, list(dict.fromkeys([*saved["command"].splitlines(), command]))


def _joined(file: Path, new: pd.DataFrame) -> pd.DataFrame:
    """The rows of a saved table, then those of a new one; a model in both has its new rows, where its old ones were."""
    earlier = pd.read_csv(file, dtype=str)  # so that numbers keep their last digit, and layers such as 1.10 their name
    if list(earlier) != list(new):
        raise ValueError(f"expected the columns {list(new)} in {file}, got {list(earlier)}")
    earlier = earlier.astype(new.dtypes.to_dict())
    order = list(dict.fromkeys([*earlier["model"], *new["model"]]))
    rows = pd.concat([earlier[~earlier["model"].isin(new["model"])], new], ignore_index=True)
    return rows.sort_values("model", key=lambda names: names.map(order.index), kind="stable", ignore_index=True)


def _file_name(stem: str, part: str) -> str:
    return f"{stem}-{part}" if part else stem
