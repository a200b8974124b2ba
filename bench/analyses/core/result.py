"""The result of an analysis: saved in a run folder, joined with the models of earlier calls, and printed.

Measurements go into the store, tables, figures and settings into files (`saved_results` lists and reads them). Figures
are drawn from the result, so that the models of an earlier call that asked the same question join the figure. A
different question with the same file name gets STEM-2, STEM-3: no saved result is lost.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bench.analyses.core import figures, measurements, saved_results
from bench.analyses.core.config import open_store
from bench.core.environment import describe_machine, versions
from bench.core.files import write_whole
from bench.models import display_names
from bench.runs.table import cell_text

MAX_STEM = 60  # characters


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


def estimate_texts(table: pd.DataFrame, columns: Sequence[str], digits: int = 2) -> list[str]:
    """'value [low, high]' of each row, from the columns of the value and its bounds."""
    return [cell_text(*numbers, digits) for numbers in table[[*columns]].to_numpy()]


@dataclass(frozen=True)
class Result:
    """Numbers of one call of an analysis, and how to draw them.

    analysis       its name, which is the command's
    labels         what distinguishes the question, for the file name
    question       settings that determine the numbers, besides the models
    models         settings of each model: label under 'models', hash under 'weights_sha256', ...
    tables         numbers by the end of their file names, '' for the main table; where models join, the column 'model'
                   says which one a row is of
    draw           takes this result, or one with the models of earlier calls too
    summarize      takes this result; its table is printed, and `notes` before it
    measurements   for the store
    arrays         images by model, where figures show any
    joins          whether models of earlier calls of the same question join; otherwise their result is replaced
    replaces       whether an earlier result of any question is replaced
    names          label of a model -> its display name, for figures and the summary; tables and files have labels
    """

    analysis: str
    labels: Sequence[str]
    question: Mapping[str, Any]
    models: Sequence[Mapping[str, Any]]
    tables: Mapping[str, pd.DataFrame]
    draw: Callable[[Result], Sequence[CaptionedFigure]]
    summarize: Callable[[Result], TextTable]
    measurements: Sequence[Mapping[str, Any]] = ()
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    notes: Sequence[str] = ()
    joins: bool = False
    replaces: bool = False
    names: Mapping[str, str] = field(default_factory=dict)

    def name(self, label: str) -> str:
        """The display name of a model."""
        return self.names.get(label, label)

    @property
    def settings(self) -> dict[str, Any]:
        """The question, and the settings of the models as lists with one entry per model."""
        return {**self.question, **saved_results.by_setting(self.models)}

    @property
    def summary(self) -> TextTable:
        """The table that is printed."""
        return self.summarize(self)

    def figures(self) -> Sequence[CaptionedFigure]:
        """The figures, drawn in the style of all figures."""
        with figures.style():
            return self.draw(self)


def save(result: Result, out: Path, given: Mapping[str, str] = MappingProxyType({})) -> tuple[Result, list[Path]]:
    """Save a result in a run folder and record the command in its manifest. Raises BadInput.

    given   label -> display name, for models that the user named; the run keeps these names

    Returns the result with the display names of the run, and the files.
    """
    folder = out / result.analysis
    with open_store(out) as store:
        measurements.write(store, result.measurements)
        stem, joined, commands = _with_earlier(result, folder)
        names = _display_names(joined, store.manifest(), given)
        result, joined = replace(result, names=names), replace(joined, names=names)
        store.record(
            {
                "event": result.analysis,
                "command": commands[-1],
                "settings": joined.settings,
                "versions": versions(),
                "machine": describe_machine(),
                "names": dict(given),
            }
        )
        written, described = [folder / f"{stem}.json"], []
        for part, table in joined.tables.items():
            written.append(folder / f"{_file_name(stem, part)}.csv")
            write_whole(written[-1], table.to_csv(index=False, float_format="%.6g" if part else None).encode())
        if joined.arrays:
            written.append(folder / f"{stem}.npz")
            content = BytesIO()
            np.savez_compressed(content, **joined.arrays)
            write_whole(written[-1], content.getvalue())
        for one in joined.figures():
            files = figures.save(one.figure, folder / _file_name(stem, one.part))
            by_kind = {file.suffix[1:]: file.name for file in files}
            described.append(
                {"title": one.title, "words": one.caption, **by_kind, "csv": f"{_file_name(stem, one.numbers)}.csv"}
            )
            written += files
        saved = {"look": result.analysis, "command": "\n".join(commands), **joined.settings}
        saved |= {"names": names, "figures": described}
        write_whole(written[0], (json.dumps(saved, indent=1) + "\n").encode())
    return result, written


def _display_names(result: Result, manifest: Sequence[Mapping[str, Any]], given: Mapping[str, str]) -> dict[str, str]:
    """Label -> display name of each model of a result, as in the tables of the run that it belongs to."""
    own = [str(label) for label in result.settings.get("models", [])]
    in_run = [model["label"] for entry in manifest if entry["event"] == "started" for model in entry["models"]]
    named = display_names.given_names([*manifest, {"event": result.analysis, "names": given}])
    names = display_names.display_names([*in_run, *own], named)
    return {label: names[label] for label in own}


def file_stem(*labels: str) -> str:
    """File name without suffix: readable, at most 60 characters, different for different labels."""
    text = "-".join("".join(c if c.isalnum() or c in "._" else "-" for c in label) for label in labels)
    text = "-".join(filter(None, text.split("-")))
    digest = hashlib.sha256("\x1f".join(labels).encode()).hexdigest()[:6]
    return text if len(text) <= MAX_STEM else f"{text[: MAX_STEM - 7].rstrip('-')}-{digest}"


def _with_earlier(result: Result, folder: Path) -> tuple[str, Result, list[str]]:
    """(file stem, result, command lines), with the models of an earlier call of the same question."""
    question = json.loads(json.dumps(dict(result.question)))
    command = shlex.join(["bench", *sys.argv[1:]])
    name = file_stem(*result.labels)
    for number in itertools.count(1):
        stem = name if number == 1 else f"{name}-{number}"
        saved = saved_results.read(folder / f"{stem}.json")
        if saved is None or result.replaces or saved_results.same_question(saved, question):
            break
    if saved is None or not result.joins or not saved_results.same_versions(saved, question):
        return stem, result, [command]
    try:
        tables = {part: _joined(folder / f"{_file_name(stem, part)}.csv", new) for part, new in result.tables.items()}
        arrays = {**_arrays(folder / f"{stem}.npz"), **result.arrays} if result.arrays else {}
        if arrays and set(arrays) != set(tables[""]["model"]):
            raise ValueError(f"expected the same models in {stem}.csv and {stem}.npz")
    except (OSError, ValueError, BadZipFile):  # a file was deleted or is of an interrupted call: nothing to join
        return stem, result, [command]
    models = {model["models"]: model for model in (*saved_results.models(saved), *result.models)}
    joined = replace(result, models=list(models.values()), tables=tables, arrays=arrays)
    return stem, joined, list(dict.fromkeys([*saved["command"].splitlines(), command]))


def _arrays(file: Path) -> dict[str, np.ndarray]:
    """Images by model of a saved result."""
    with np.load(BytesIO(file.read_bytes())) as saved:  # of a damaged file NumPy leaves the handle open
        return dict(saved)


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
