"""Models x noises: the mean with its 95% interval, for each data set and measure."""

import math
from dataclasses import dataclass
from itertools import groupby

import pandas as pd

from reports import latex
from reports.folder import SiteFolder
from reports.formatting import interval, number
from reports.measures import Measure
from reports.paired import leaders, mean_interval, rank_ranges
from reports.panels import Panel
from reports.results import NOISY, NoiseSetting, Results

AVERAGE = NoiseSetting("", "", math.nan)


@dataclass(frozen=True)
class Cell:
    """A mean as text with its interval; `value` sorts; `note` says what is missing."""

    value: float
    text: str
    interval: str
    bold: bool
    noise: str
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
    """One data set and one measure; `groups` are (noise name, number of its columns)."""

    dataset: str
    dataset_index: int
    measure: Measure
    groups: tuple[tuple[str, int], ...]
    columns: tuple[NoiseSetting, ...]
    lines: tuple[Line, ...]
    noisy: Line | None
    images: str
    csv_address: str
    latex_address: str

    @property
    def average_first(self) -> bool:
        """Whether the first column is the mean over the noises off the training noise."""
        return self.columns[0] is AVERAGE


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
    columns = tuple(setting for setting in results.noises if setting.spec in set(part["noise"]))
    if measure.key == "gap":
        columns = tuple(setting for setting in columns if not setting.is_reference)
    if not columns:
        return None
    away = results.off_training_per_image(dataset, measure)
    if len(results.off_training) > 1 and not away.empty:
        columns = (AVERAGE, *columns)
    scores = {setting: cells(results, dataset, setting, measure, away) for setting in columns}
    first = away if columns[0] is AVERAGE else results.per_image(dataset, columns[0].spec, measure)
    ranks = ranks_of(first, measure)
    lines = tuple(line(results, dataset, model, columns, scores, ranks) for model in (*results.models, NOISY))
    shown = tuple(one for one in lines if one.model == NOISY or one.failed or any(c.text for c in one.cells))
    ranked = tuple(sorted((one for one in shown if one.model != NOISY), key=lambda one: rank(one, measure)))
    noisy = next((one for one in shown if one.model == NOISY and any(c.text for c in one.cells)), None)
    counts = sorted({int(count) for count in part["images"].dropna()})
    images = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}" if counts else "no"
    groups = tuple((name, len(list(run))) for name, run in groupby(columns, key=lambda setting: setting.name))
    address = folder.free_address("tables", dataset, measure.key)
    return Table(
        dataset, index, measure, groups, columns, ranked, noisy, images,
        folder.csv(f"{address}.csv", frame(ranked, noisy, columns, scores)),
        folder.text(f"{address}.tex", latex_table(dataset, measure, groups, columns, ranked, noisy, images)),
    )  # fmt: skip


def rank(one: Line, measure: Measure) -> tuple[bool, float]:
    """Sorts by the first column, models without a number last."""
    value = one.cells[0].value
    missing = not math.isfinite(value)
    return missing, 0.0 if missing else -value if measure.higher_is_better else value


def ranks_of(images: pd.DataFrame, measure: Measure) -> dict[str, tuple[int, int]]:
    """Images x models -> the ranks that each model may have, over the images that all have."""
    shared = images.drop(columns=NOISY, errors="ignore").dropna()
    arrays = {model: shared[model].to_numpy(float) for model in shared.columns}
    return rank_ranges(arrays, measure.higher_is_better) if len(arrays) > 1 and len(shared) else {}


Scores = dict[str, tuple[Cell, float, float]]


def cells(results: Results, dataset: str, setting: NoiseSetting, measure: Measure, away: pd.DataFrame) -> Scores:
    """One column: a cell by model, with the ends of its interval."""
    models = (*results.models, NOISY)
    if setting is AVERAGE:
        images = away.dropna() if set(away.columns) >= set(models) else away
        triples = {m: mean_interval(images[m].to_numpy()) for m in models if m in images.columns}
        failed = dict.fromkeys(models, 0)
    else:
        images = results.per_image(dataset, setting.spec, measure)
        lines = {m: results.line(dataset, setting.spec, m) for m in models}
        keys = (measure.key, f"{measure.key}_low", f"{measure.key}_high")
        triples = {m: tuple(as_float(one[key]) for key in keys) for m, one in lines.items() if one is not None}
        failed = {m: 0 if one is None else int(as_float(one["failed"], 0)) for m, one in lines.items()}
    means = {model: triple[0] for model, triple in triples.items() if model != NOISY}
    arrays = {model: images[model].to_numpy(dtype=float) for model in means if model in images.columns}
    _, best = leaders(means, arrays, measure.higher_is_better)
    column: Scores = {}
    for model in models:
        mean, low, high = triples.get(model, (math.nan,) * 3)
        note = f"{failed[model]} failed" if failed.get(model) else ""
        text = number(mean, measure.digits) if math.isfinite(mean) else ""
        spread = interval(low, high, measure.digits)
        column[model] = (Cell(mean, text, spread, model in best, setting.spec, note), low, high)
    return column


def as_float(value: object, default: float = math.nan) -> float:
    """A number or a missing value -> a float."""
    return default if value is None or pd.isna(value) else float(value)


def line(
    results: Results, dataset: str, model: str, columns: tuple[NoiseSetting, ...], scores: dict, ranks: dict
) -> Line:
    """One model's cells."""
    failed = results.failed
    lost = int(((failed["dataset"] == dataset) & (failed["model"] == model)).sum())
    return Line(model, tuple(scores[setting][model][0] for setting in columns), lost, ranks.get(model))


def title(setting: NoiseSetting) -> str:
    """The spec of a column, or what the average is called."""
    return setting.spec or "mean off training"


def frame(lines, noisy, columns, scores) -> pd.DataFrame:
    """The table with full precision: three columns a noise."""
    records = []
    for one in (*lines, *((noisy,) if noisy else ())):
        record: dict[str, object] = {"model": one.model}
        record |= dict(zip(("first rank", "last rank"), one.ranks or (None, None), strict=True))
        for setting in columns:
            cell, low, high = scores[setting][one.model]
            record |= {
                title(setting): cell.value,
                f"{title(setting)} low": low,
                f"{title(setting)} high": high,
            }
        records.append(record | {"failed rows": one.failed})
    return pd.DataFrame(records)


def latex_table(dataset, measure, groups, columns, lines, noisy, images) -> str:
    """The table as it would stand in a paper."""
    body = []
    for one in (*lines, *((noisy,) if noisy else ())):
        texts = [latex.escape(cell.text or number(math.nan, 0)) for cell in one.cells]
        marked = [rf"\textbf{{{text}}}" if cell.bold else text for text, cell in zip(texts, one.cells, strict=True)]
        body.append(["noisy input" if one.model == NOISY else latex.escape(one.model), *marked])
    header = ["model", *("mean off training" if setting is AVERAGE else setting.label for setting in columns)]
    caption = f"{measure.heading} on {dataset}, mean over {images} images."
    return latex.table(caption, [(name, width) for name, width in groups], header, body)


PANEL = Panel("overview", 10, "Leaderboard", context)
