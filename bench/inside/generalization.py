"""SRGA of models on noises, against the training noise and above a noise floor: measured, kept and drawn."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis import srga
from bench import noises
from bench.errors import BadInput
from bench.inside import figures, findings
from bench.inside.patches import batches
from bench.inside.probe import Probe
from bench.inside.question import Question
from bench.inside.setting import Setting, opened, record
from bench.store import Store, write_whole
from reports.charts.style import MUTED, look

VERSION = 1  # of the definition: a change of the numbers is a new version
BATCH = 16  # patches that go through a network and into the table at a time
IN_MEMORY = 3_300_000_000  # bytes of features that are held in memory; more go into a file of the run folder
WORDS = (
    "SRGA: 0 is the same as under the reference noise; higher is further away. The floor is the score of the same "
    "patches under the reference noise with another seed: a value whose interval reaches down to it says nothing. "
    "Intervals are 95% delete-half jackknife intervals over photographs."
)


def ask(chosen: Sequence[Any], reference: Any, setting: Setting, components: int, pca: str) -> Question:
    """The question, with no more components than patches. Raises BadInput."""
    count = len(setting.patches.patches)
    if count < 2:
        raise BadInput(f"SRGA needs two patches or more: {setting.patches.words} are there")
    how = {"components": min(components, count), "pca": pca, "version": VERSION}
    return Question("srga", tuple(chosen), reference, setting, how)


def measure(probes: Sequence[Probe], question: Question, store: Store) -> Iterator[int]:
    """Commit the scores that are not in the store yet, one by one; yields batches done, or found to be done."""
    known = set(findings.read(store).index)
    each = -(-len(question.setting.patches.patches) // BATCH)
    for probe in probes:
        missing = [pair for pair in question.pairs if findings.key(question.finding(probe, *pair)) not in known]
        yield each * (len(question.pairs) - len(missing) + (not missing))
        if missing:
            yield from _measure_model(probe, question, missing, store)


def _measure_model(probe: Probe, question: Question, pairs: list[tuple[str, Any, int]], store: Store) -> Iterator[int]:
    setting = question.setting
    groups = [patch.image for patch in setting.patches.patches]
    table = None

    def describe(noise: Any, seed: int) -> Iterator[srga.Deep | None]:
        nonlocal table
        first = 0
        for batch in batches(setting.patches, noise, seed, setting.protocol, BATCH):
            features = probe(batch.noisy, batch.keys)[probe.layers[-1]].float().cpu().numpy()
            if table is None:
                table = feature_table(len(groups), features.shape[1], setting.out)
            table[first : first + len(features)] = features
            first += len(features)
            yield None
        yield srga.describe(table, groups, min(question.how["components"], table.shape[1]), question.how["pca"])

    reference = None
    for name, noise, seed in [("", question.reference, setting.seed), *pairs]:
        try:
            for deep in describe(noise, seed):
                if deep is None:
                    yield 1
        except ValueError as error:
            raise BadInput(f"model {probe.model.label}, {noises.canonical(noise)}: {error}") from error
        if reference is None:
            reference = deep
            continue
        found = srga.compare(reference, deep)
        bounds = {"value": found.value, "low": found.low, "high": found.high}
        findings.write(store, [{**question.finding(probe, name, noise, seed), **bounds}])


def feature_table(rows: int, columns: int, folder: Path) -> np.ndarray:
    """Room for float32 features: in memory, or in a file without a name in the folder where they would fill it."""
    if rows * columns * 4 <= IN_MEMORY:
        return np.empty((rows, columns), np.float32)
    with tempfile.TemporaryFile(dir=folder) as file:  # the map keeps it open
        return np.memmap(file, np.float32, "w+", shape=(rows, columns))


def keep(frame: pd.DataFrame, probes: Sequence[Probe], question: Question) -> list[Path]:
    """CSV, settings and figure into the run folder. Raises BadInput."""
    stem = question.setting.out / "srga" / "srga"
    settings = {**question.described(probes), "draws": srga.DRAWS, "words": WORDS}
    with opened(question.setting.out) as store:
        record(store, "srga", settings)
        csv, text = stem.with_suffix(".csv"), stem.with_suffix(".json")
        write_whole(csv, frame.to_csv(index=False).encode())
        write_whole(text, (json.dumps(settings, indent=1) + "\n").encode())
        return [csv, text, *(figures.save(draw(frame, question), stem) if len(frame) else [])]


def draw(frame: pd.DataFrame, question: Question):
    """Bars as in figure 14 of the paper: a panel a noise, a bar a model and level, each model's floor behind it."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    models = list(dict.fromkeys(frame["model"]))
    families = list(dict.fromkeys(frame["noise_name"]))
    levels = [list(dict.fromkeys(frame.loc[frame["noise_name"] == name, "noise"])) for name in families]
    rows = _rows([len(some) for some in levels])
    top = 1.06 * np.nanmax(frame[["srga", "high", "floor", "floor_high"]].to_numpy(float))
    bar = 0.8 / len(models)
    with figures.style():
        figure = Figure(figsize=(7.2, 0.9 + 1.75 * len(rows)), layout="constrained")
        for place, (subfigure, members) in enumerate(zip(np.atleast_1d(figure.subfigures(len(rows), 1)), rows,
                                                         strict=True)):  # fmt: skip
            widths = [len(levels[member]) for member in members]
            filler = max(sum(len(levels[m]) for m in row) for row in rows) - sum(widths)
            grid = subfigure.add_gridspec(1, len(members) + bool(filler), width_ratios=widths + [filler] * bool(filler))
            for column, member in enumerate(members):
                axes = subfigure.add_subplot(grid[column])
                part = frame[frame["noise_name"] == families[member]].set_index(["model", "noise"])
                for number, model in enumerate(models):
                    shown = part.loc[model].reindex(levels[member])
                    x = np.arange(len(shown)) + bar * (number - (len(models) - 1) / 2)
                    style = look(models, model)
                    axes.bar(x, shown["srga"], bar * 0.92, color=style.colour, label=model, zorder=2)
                    error = [shown["srga"] - shown["low"], shown["high"] - shown["srga"]]
                    axes.errorbar(x, shown["srga"], error, fmt="none", ecolor="#1c2024", elinewidth=0.9, zorder=4)
                    floor, high = shown["floor"].iloc[0], shown["floor_high"].iloc[0]
                    axes.bar(x, floor, bar * 0.92, color="white", alpha=0.55, zorder=3, linewidth=0)
                    axes.hlines(np.full(len(x), floor if np.isnan(high) else high), x - bar / 2, x + bar / 2,
                                color=MUTED, linewidth=1, linestyle=(0, (2, 1)), zorder=5)  # fmt: skip
                axes.set_ylim(0, top)
                axes.set_xlim(-0.5, len(levels[member]) - 0.5)
                axes.grid(axis="y")
                axes.set_xticks(range(len(levels[member])), [_level(noise) for noise in levels[member]])
                axes.tick_params(axis="x", length=0)
                axes.tick_params(axis="y", labelleft=column == 0, length=0)
                axes.set_title(" ".join(filter(None, (families[member], axis_name(levels[member])))))
                if column == 0:
                    axes.set_ylabel("SRGA")
            if place == 0:
                handles, labels = axes.get_legend_handles_labels()
                pale = Patch(facecolor=MUTED, alpha=0.35)
                line = axes.hlines([], 0, 0, color=MUTED, linewidth=1, linestyle=(0, (2, 1)))
                labels = [*labels, "noise floor", "its upper bound"]
                figure.legend([*handles, pale, line], labels, loc="outside upper left",
                              ncols=figures.legend_columns(figure, labels))  # fmt: skip
    return figure


def _rows(widths: Sequence[int], room: int = 13) -> list[list[int]]:
    """Panels of some widths, in order, in rows of at most `room`."""
    rows, used = [[]], 0
    for place, width in enumerate(widths):
        if rows[-1] and used + width > room:
            rows.append([])
            used = 0
        rows[-1].append(place)
        used += width
    return rows


def _level(noise: str) -> str:
    """'25' of 'gaussian(sigma=25)'; the whole text of a noise with more than a level, its name of one without."""
    inside = noise.partition("(")[2].removesuffix(")")
    return inside.partition("=")[2] if inside.count("=") == 1 else noise


def axis_name(levels: Sequence[str]) -> str:
    """'sigma', where all are of one parameter; else ''."""
    found = {noise.partition("(")[2].partition("=")[0] for noise in levels if noise.count("=") == 1}
    return found.pop() if len(found) == 1 and all("=" in noise for noise in levels) else ""
