"""Models x noises: the mean with its 95% interval, for each data set and measure."""

import math
from dataclasses import dataclass
from itertools import groupby

import pandas as pd

from reports import latex, links
from reports.folder import SiteFolder
from reports.formatting import interval, number
from reports.measures import GAP, Measure
from reports.paired import leaders
from reports.panels import Panel
from reports.results import NOISY, Average, NoiseSetting, Results
from reports.tables import Files, publish

Column = NoiseSetting | Average


@dataclass(frozen=True)
class Cell:
    """A mean as text with its interval and where it leads; `value` sorts; `note` says what is missing."""

    value: float
    text: str
    interval: str
    bold: bool
    address: str
    note: str


@dataclass(frozen=True)
class Line:
    """A model's row; `ranks` are the first and the last rank that it may have in the first column, None without one."""

    model: str
    cells: tuple[Cell, ...]
    failed: int
    ranks: tuple[int, int] | None


@dataclass(frozen=True)
class Table:
    """One data set and one measure; `groups` are (noise name, number of its columns), '' the mean off training.

    A column of `levels` stands below the mean of its noise and is shown on demand.
    """

    dataset: str
    dataset_index: int
    measure: Measure
    groups: tuple[tuple[str, int], ...]
    columns: tuple[Column, ...]
    levels: frozenset[Column]
    lines: tuple[Line, ...]
    noisy: Line | None
    images: str
    files: Files
    levels_latex_address: str


def context(results: Results, folder: SiteFolder) -> dict[str, object]:
    """Every table; none where nothing was measured."""
    tables = [
        table(results, folder, index, measure) for index in range(len(results.datasets)) for measure in results.measures
    ]
    tables = [one for one in tables if one is not None]
    return {
        "tables": tables,
        "datasets": list(enumerate(results.datasets)),
        "measures": [one for one in results.measures if any(table.measure is one for table in tables)],
        "any_failed": not results.failed.empty,
    }


def table(results: Results, folder: SiteFolder, index: int, measure: Measure) -> Table | None:
    """One data set and one measure -> its table, or None where nothing was measured."""
    dataset = results.datasets[index]
    part = results.summary[(results.summary["dataset"] == dataset) & results.summary[measure.key].notna()]
    columns = columns_of(results, dataset, measure, set(part["noise"]))
    if not columns:
        return None
    levels = frozenset(one for column in columns if isinstance(column, Average) and column.name
                       for one in column.settings)  # fmt: skip
    scores = {column: cells(results, dataset, column, measure) for column in columns}
    ranks = results.ranks(dataset, images_of(results, dataset, columns[0], measure), measure)
    lines = tuple(line(results, dataset, model, columns, scores, ranks) for model in (*results.models, NOISY))
    shown = tuple(one for one in lines if one.model == NOISY or one.failed or any(c.text for c in one.cells))
    ranked = tuple(sorted((one for one in shown if one.model != NOISY), key=lambda one: rank(one, measure)))
    noisy = next((one for one in shown if one.model == NOISY and any(c.text for c in one.cells)), None)
    counts = sorted({int(count) for count in part["images"].dropna()})
    images = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}" if counts else "no"
    groups = tuple((name, len(list(run))) for name, run in groupby(columns, key=lambda column: column.name))
    caption = f"{measure.heading} on {dataset}, mean over {images} images."
    whole = (*ranked, *((noisy,) if noisy else ()))
    data, paper = frame(whole, columns, scores), latex_table(caption, columns, whole, levels)
    files = publish(folder, (dataset, measure.key), data, paper)
    address = files.latex.removesuffix(".tex")
    return Table(
        dataset, index, measure, groups, columns, levels, ranked, noisy, images, files,
        folder.text(f"{address}-levels.tex", latex_table(caption, columns, whole)) if levels else "",
    )  # fmt: skip


def columns_of(results: Results, dataset: str, measure: Measure, measured: set[str]) -> tuple[Column, ...]:
    """The mean off training, then each noise: Gaussian 15, the mean over its other levels, these levels."""
    settings = [one for one in results.noises if one.spec in measured]
    if measure is GAP:
        settings = [one for one in settings if not one.is_reference]
    averages = [one for one in results.averages if not images_of(results, dataset, one, measure).empty]
    columns: list[Column] = [one for one in averages if not one.name] if settings else []
    for name in dict.fromkeys(one.name for one in settings):
        of_noise = [one for one in settings if one.name == name]
        columns += [one for one in of_noise if one.is_reference]
        columns += [one for one in averages if one.name == name]
        columns += [one for one in of_noise if not one.is_reference]
    return tuple(columns)


def images_of(results: Results, dataset: str, column: Column, measure: Measure) -> pd.DataFrame:
    """The scores behind a column: images x models and the noisy input."""
    if isinstance(column, Average):
        return results.mean_per_image(dataset, column.settings, measure)
    return results.per_image(dataset, column.spec, measure)


def rank(one: Line, measure: Measure) -> tuple[bool, float]:
    """Sorts by the first column, models without a number last."""
    value = one.cells[0].value
    missing = not math.isfinite(value)
    return missing, 0.0 if missing else -value if measure.higher_is_better else value


Scores = dict[str, tuple[Cell, float, float]]


def cells(results: Results, dataset: str, column: Column, measure: Measure) -> Scores:
    """One column: a cell by model, with the ends of its interval."""
    models = (*results.models, NOISY)
    images = images_of(results, dataset, column, measure)
    if isinstance(column, Average):
        complete = images.dropna() if set(images.columns) >= set(models) else images
        triples = dict(zip(complete.columns, map(tuple, results.intervals(dataset, complete)), strict=True))
        failed = dict.fromkeys(models, 0)
    else:
        lines = {model: results.line(dataset, column.spec, model) for model in models}
        keys = (measure.key, f"{measure.key}_low", f"{measure.key}_high")
        triples = {m: tuple(as_float(one[key]) for key in keys) for m, one in lines.items() if one is not None}
        failed = {m: 0 if one is None else int(as_float(one["failed"], 0)) for m, one in lines.items()}
    means = {model: triple[0] for model, triple in triples.items() if model != NOISY}
    _, best = leaders(means, images, measure.higher_is_better, lambda table: results.intervals(dataset, table))
    found: Scores = {}
    for model in models:
        mean, low, high = triples.get(model, (math.nan,) * 3)
        note = f"{failed[model]} failed" if failed.get(model) else ""
        text = number(mean, measure.digits) if math.isfinite(mean) else ""
        spread = interval(low, high, measure.digits)
        address = links.images(dataset, column.spec, model, measure=measure.key)
        found[model] = (Cell(mean, text, spread, model in best, address, note), low, high)
    return found


def as_float(value: object, default: float = math.nan) -> float:
    """A number or a missing value -> a float."""
    return default if value is None or pd.isna(value) else float(value)


def line(
    results: Results, dataset: str, model: str, columns: tuple[Column, ...], scores: dict[Column, Scores], ranks: dict
) -> Line:
    """One model's cells."""
    failed = results.failed
    lost = int(((failed["dataset"] == dataset) & (failed["model"] == model)).sum())
    return Line(model, tuple(scores[column][model][0] for column in columns), lost, ranks.get(model))


def frame(lines: tuple[Line, ...], columns: tuple[Column, ...], scores: dict[Column, Scores]) -> pd.DataFrame:
    """The table with full precision: three columns a noise."""
    records = []
    for one in lines:
        record: dict[str, object] = {"model": one.model}
        record |= dict(zip(("first rank", "last rank"), one.ranks or (None, None), strict=True))
        for column in columns:
            cell, low, high = scores[column][one.model]
            record |= {column.spec: cell.value, f"{column.spec} low": low, f"{column.spec} high": high}
        records.append(record | {"failed rows": one.failed})
    return pd.DataFrame(records)


def latex_table(
    caption: str, columns: tuple[Column, ...], lines: tuple[Line, ...], left_out: frozenset[Column] = frozenset()
) -> str:
    """The table as it would stand in a paper."""
    kept = [place for place, column in enumerate(columns) if column not in left_out]
    body = []
    for one in lines:
        texts = [latex.escape(one.cells[place].text or number(math.nan, 0)) for place in kept]
        marked = [rf"\textbf{{{t}}}" if one.cells[p].bold else t for p, t in zip(kept, texts, strict=True)]
        body.append(["noisy input" if one.model == NOISY else latex.escape(one.model), *marked])
    groups = [(name, len(list(run))) for name, run in groupby(columns[place].name for place in kept)]
    header = ["model", *(columns[place].label for place in kept)]
    return latex.table(caption, groups, header, body)


PANEL = Panel("overview", 10, "Leaderboard", context)
