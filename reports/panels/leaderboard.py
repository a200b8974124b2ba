"""Leaderboards: means with 95% intervals of models x noises, per data set and measure, grouped by training noise."""

import math
from dataclasses import dataclass
from itertools import groupby

import pandas as pd

from reports import latex, links
from reports.data import ModelGroup
from reports.formatting import MISSING, interval, listing, number
from reports.measures import DROP, PSNR, Measure
from reports.paired import leaders, near_best
from reports.panels import Panel
from reports.results import NOISY, OOD_MEAN, NoiseAverage, NoiseSetting, Results
from reports.site_writer import SiteWriter
from reports.tables import TableFiles, publish

Column = NoiseSetting | NoiseAverage


@dataclass(frozen=True)
class LeaderboardCell:
    """A mean with its 95% interval as text and the address of its images; `value` is the sort key.

    note    number of failed rows, '' for none
    inside  the noise is in distribution for the model
    below   the mean PSNR is below that of the noisy input
    """

    value: float
    text: str
    interval: str
    bold: bool
    address: str
    note: str
    inside: bool
    below: bool


@dataclass(frozen=True)
class LeaderboardRow:
    """A model's row.

    ranks  (best, worst) rank by the first column, None without one
    below  the mean PSNR over the noises of the first column is below that of the noisy input
    """

    model: str
    cells: tuple[LeaderboardCell, ...]
    failed: int
    ranks: tuple[int, int] | None
    below: bool


@dataclass(frozen=True)
class RankedGroup:
    """Models that are ranked against each other; `heading`: their training noise, and the noises of their OOD mean if
    these are not those of the first group."""

    heading: str
    lines: tuple[LeaderboardRow, ...]


@dataclass(frozen=True)
class Leaderboard:
    """The table of one data set and one measure.

    groups  (noise name, number of its columns), name '' for the OOD mean
    levels  columns of single levels, which are hidden behind the mean of their noise
    """

    dataset: str
    dataset_index: int
    measure: Measure
    groups: tuple[tuple[str, int], ...]
    columns: tuple[Column, ...]
    levels: frozenset[Column]
    bodies: tuple[RankedGroup, ...]
    noisy: LeaderboardRow | None
    images: str
    files: TableFiles
    levels_latex_address: str

    @property
    def parts(self) -> list[tuple[str, tuple[LeaderboardRow, ...]]]:
        """(heading, rows) of each group, the noisy input last."""
        return [*((one.heading, one.lines) for one in self.bodies), ("", (self.noisy,) if self.noisy else ())]


def context(results: Results, writer: SiteWriter) -> dict[str, object]:
    """The tables of all data sets and measures."""
    tables = [
        table(results, writer, index, measure) for index in range(len(results.datasets)) for measure in results.measures
    ]
    tables = [one for one in tables if one is not None]
    shown = [cell for table in tables for one in whole_lines(table.bodies) for cell in one.cells]
    return {
        "tables": tables,
        "any_inside": any(cell.inside for cell in shown),
        "any_below": any(cell.below for cell in shown),
        "datasets": list(enumerate(results.datasets)),
        "measures": [one for one in results.measures if any(table.measure is one for table in tables)],
        "any_failed": not results.failed.empty,
    }


def table(results: Results, writer: SiteWriter, index: int, measure: Measure) -> Leaderboard | None:
    """The table of one data set and one measure, None if nothing was measured."""
    dataset = results.datasets[index]
    part = results.summary[(results.summary["dataset"] == dataset) & results.summary[measure.key].notna()]
    columns = columns_of(results, dataset, measure, set(part["noise"]))
    if not columns:
        return None
    levels = frozenset(
        one for column in columns if isinstance(column, NoiseAverage) and column.name for one in column.settings
    )
    scores = {column: cells(results, dataset, column, measure) for column in columns}
    bodies, noisy = ranked(results, dataset, measure, columns, scores)
    counts = sorted({int(count) for count in part["images"].dropna()})
    images = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}" if counts else "no"
    groups = tuple((name, len(list(run))) for name, run in groupby(columns, key=lambda column: column.name))
    caption = f"{measure.heading} on {dataset}, mean over {images} images. Bold: best or statistically tied with it."
    if any(cell.inside for one in whole_lines(bodies) for cell in one.cells):
        caption += " Dagger: in distribution (the model was trained on this noise)."
    if any(cell.below for one in whole_lines(bodies) for cell in one.cells):
        caption += " Arrow: below the noisy input."
    whole = (*whole_lines(bodies), *((noisy,) if noisy else ()))
    data, paper = frame(results, whole, columns, scores), latex_table(results, caption, columns, whole, levels)
    files = publish(writer, (dataset, measure.key), data, paper)
    address = files.latex.removesuffix(".tex")
    return Leaderboard(
        dataset,
        index,
        measure,
        groups,
        columns,
        levels,
        bodies,
        noisy,
        images,
        files,
        writer.text(f"{address}-levels.tex", latex_table(results, caption, columns, whole)) if levels else "",
    )


Scores = dict[str, tuple[LeaderboardCell, float, float]]


def ranked(
    results: Results, dataset: str, measure: Measure, columns: tuple[Column, ...], scores: dict[Column, Scores]
) -> tuple[tuple[RankedGroup, ...], LeaderboardRow | None]:
    """The groups that have rows, and the row of the noisy input; None if it has no values."""
    ranks = {m: r for g in results.groups for m, r in ranks_of(results, dataset, columns[0], measure, g).items()}
    bodies = (body(results, dataset, measure, columns, scores, ranks, group) for group in results.groups)
    noisy = line(results, dataset, NOISY, columns, scores, {})
    return tuple(one for one in bodies if one.lines), noisy if any(cell.text for cell in noisy.cells) else None


def whole_lines(bodies: tuple[RankedGroup, ...]) -> tuple[LeaderboardRow, ...]:
    """The rows of all groups."""
    return tuple(one for body in bodies for one in body.lines)


def columns_of(results: Results, dataset: str, measure: Measure, measured: set[str]) -> tuple[Column, ...]:
    """The OOD mean, then for each noise: the reference noise, the mean over its other levels, these levels."""
    settings = [one for one in results.noises if one.spec in measured]
    if measure is DROP:
        settings = [one for one in settings if one != results.reference]
    ood = any(not results.ood_per_image(dataset, group, measure).empty for group in results.groups)
    columns: list[Column] = [NoiseAverage(OOD_MEAN, "", ())] if ood else []
    for name in dict.fromkeys(one.name for one in settings):
        of_noise = [one for one in settings if one.name == name]
        columns += [one for one in of_noise if one == results.reference]
        average = results.level_average(name, of_noise)
        if len(average.settings) > 1 and average.settings != results.ood_of_headline:
            columns += [] if images_of(results, dataset, average, measure).empty else [average]
        columns += [one for one in of_noise if one != results.reference]
    return tuple(columns)


def images_of(
    results: Results, dataset: str, column: Column, measure: Measure, group: ModelGroup | None = None
) -> pd.DataFrame:
    """The scores behind a column: images x models (of a group) and the noisy input."""
    if isinstance(column, NoiseAverage) and not column.name:
        return results.ood_per_image(dataset, group, measure)
    if isinstance(column, NoiseAverage):
        table = results.mean_per_image(dataset, column.settings, measure)
    else:
        table = results.per_image(dataset, column.spec, measure)
    members = table.columns if group is None else (*group.models, NOISY)
    return table[[one for one in table.columns if one in members]]


def ranks_of(results: Results, dataset: str, column: Column, measure: Measure, group: ModelGroup) -> dict:
    """The ranks of a group's models in a column; by PSNR drop, only of models near the best."""
    if isinstance(column, NoiseAverage) and not column.name:
        return results.ranks_ood(dataset, group, measure)
    return results.ranks(dataset, images_of(results, dataset, column, measure, group), measure)


def body(
    results: Results, dataset: str, measure: Measure, columns, scores, ranks: dict, group: ModelGroup
) -> RankedGroup:
    """One group of models, the best first."""
    lines = [line(results, dataset, model, columns, scores, ranks) for model in group.models]
    shown = [one for one in lines if one.failed or any(cell.text for cell in one.cells)]
    return RankedGroup(heading(results, dataset, group), tuple(sorted(shown, key=lambda one: rank(one, measure))))


def heading(results: Results, dataset: str, group: ModelGroup) -> str:
    """The heading of a group; '' if all models were trained on the reference noise."""
    first = results.groups[0]
    if group is first and not group.name:
        return "" if len(results.groups) == 1 else "Trained on the reference noise, or training-free"
    text = f"{group.name[:1].upper()}{group.name[1:]}" + ("" if group is first else ": not ranked with other groups")
    own, others = (results.ood_on(dataset, one) for one in (group, first))
    if own == others:
        return text
    listed = listing([setting.spec for setting in own]) if len(own) <= 4 else f"{len(own)} settings of its own"
    return f"{text}; OOD mean over {listed or 'no noise'}"


def rank(one: LeaderboardRow, measure: Measure) -> tuple[bool, float]:
    """Sort key: the first column; models without a value last; by PSNR drop, models without a rank last."""
    value = one.cells[0].value
    missing = not math.isfinite(value)
    return missing or (
        measure is DROP and one.ranks is None
    ), 0.0 if missing else -value if measure.higher_is_better else value


def cells(results: Results, dataset: str, column: Column, measure: Measure) -> Scores:
    """One column: a cell by model, with the ends of its interval."""
    column_cells: Scores = {}
    for group in results.groups:
        models = (*group.models, *(() if NOISY in column_cells else (NOISY,)))
        column_cells |= cells_of_group(results, dataset, column, measure, group, models)
    return column_cells


def cells_of_group(
    results: Results, dataset: str, column: Column, measure: Measure, group: ModelGroup, models: tuple[str, ...]
) -> Scores:
    """One column of a group's models; bold: the best of a group of several models, or of the only group."""
    images = images_of(results, dataset, column, measure, group)
    if isinstance(column, NoiseAverage):
        complete = images.dropna() if set(images.columns) >= set(models) else images
        triples = dict(zip(complete.columns, map(tuple, results.intervals(dataset, complete)), strict=True))
        failed = dict.fromkeys(models, 0)
    else:
        lines = {model: results.line(dataset, column.spec, model) for model in models}
        keys = (measure.key, f"{measure.key}_low", f"{measure.key}_high")
        triples = {m: tuple(as_float(one[key]) for key in keys) for m, one in lines.items() if one is not None}
        failed = {m: 0 if one is None else int(as_float(one["failed"], 0)) for m, one in lines.items()}
    settings = settings_of(results, column, group)
    means = {model: triple[0] for model, triple in triples.items() if model in group.models}
    if measure is DROP:
        near = near_best_of(results, dataset, settings, group)
        means = {model: mean for model, mean in means.items() if model in near}
    compared = len(group.models) > 1 or len(results.groups) == 1
    _, best = leaders(means, images, measure.higher_is_better, lambda table: results.intervals(dataset, table))
    spec = results.ood_average(group).spec if isinstance(column, NoiseAverage) and not column.name else column.spec
    group_cells: Scores = {}
    for model in models:
        mean, low, high = triples.get(model, (math.nan,) * 3)
        note = f"{failed[model]} failed" if failed.get(model) else ""
        text = number(mean, measure.digits) if math.isfinite(mean) else ""
        bounds = interval(low, high, measure.digits)
        address = links.images(dataset, spec, model, measure=measure.key)
        inside = model != NOISY and results.in_distribution(model, settings)
        below = bool(text) and results.cell_below_noisy(dataset, settings, model)
        bold = compared and model in best
        group_cells[model] = (LeaderboardCell(mean, text, bounds, bold, address, note, inside, below), low, high)
    return group_cells


def settings_of(results: Results, column: Column, group: ModelGroup) -> tuple[NoiseSetting, ...]:
    """The noise settings behind a column, for the models of a group."""
    if not isinstance(column, NoiseAverage):
        return (column,)
    return column.settings if column.name else results.ood(group)


def near_best_of(
    results: Results, dataset: str, settings: tuple[NoiseSetting, ...], group: ModelGroup
) -> frozenset[str]:
    """The models of a group whose PSNR drops are compared under some settings; see `paired.near_best`."""
    table = results.mean_per_image(dataset, settings, PSNR)
    members = table[[one for one in table.columns if one in (*group.models, NOISY)]]
    return near_best(members, NOISY, lambda images: results.intervals(dataset, images))


def as_float(value: object, default: float = math.nan) -> float:
    """A number or a missing value -> a float; `default` for a missing value."""
    return default if value is None or pd.isna(value) else float(value)


def line(
    results: Results, dataset: str, model: str, columns: tuple[Column, ...], scores: dict[Column, Scores], ranks: dict
) -> LeaderboardRow:
    """The row of one model."""
    failed = results.failed
    lost = int(((failed["dataset"] == dataset) & (failed["model"] == model)).sum())
    below = model != NOISY and results.below_noisy(dataset, model)
    return LeaderboardRow(model, tuple(scores[column][model][0] for column in columns), lost, ranks.get(model), below)


def frame(
    results: Results, lines: tuple[LeaderboardRow, ...], columns: tuple[Column, ...], scores: dict[Column, Scores]
) -> pd.DataFrame:
    """The table with full precision, three columns per noise: mean, low, high."""
    records = []
    for one in lines:
        group = "" if one.model == NOISY else results.group_of(one.model).name
        record: dict[str, object] = {"model": one.model, "group": group, "below noisy input": one.below}
        record |= dict(zip(("first rank", "last rank"), one.ranks or (None, None), strict=True))
        for column in columns:
            cell, low, high = scores[column][one.model]
            record |= {column.spec: cell.value, f"{column.spec} low": low, f"{column.spec} high": high}
        records.append(record | {"failed rows": one.failed})
    return pd.DataFrame(records)


def latex_table(
    results: Results,
    caption: str,
    columns: tuple[Column, ...],
    lines: tuple[LeaderboardRow, ...],
    skipped: frozenset[Column] = frozenset(),
) -> str:
    """The table as LaTeX, without the columns `skipped`."""
    kept = [index for index, column in enumerate(columns) if column not in skipped]
    body = []
    for one in lines:
        cells = (one.cells[index] for index in kept)
        body.append([latex.escape(results.label(one.model)), *(f"{latex_mean(cell)}{marks(cell)}" for cell in cells)])
    groups = [(name, len(list(run))) for name, run in groupby(columns[index].name for index in kept)]
    header = ["model", *(columns[index].label for index in kept)]
    return latex.table(caption, groups, header, body)


def latex_mean(cell: LeaderboardCell, with_interval: bool = False) -> str:
    """The mean of a cell as LaTeX, in bold if the cell is, with its interval if that is wanted and known."""
    shown = latex.escape(cell.text or MISSING)
    shown = rf"\textbf{{{shown}}}" if cell.bold else shown
    return rf"{shown} {{\scriptsize [{latex.escape(cell.interval)}]}}" if with_interval and cell.interval else shown


def marks(cell: LeaderboardCell) -> str:
    """LaTeX marks: a dagger for in distribution, a down arrow for below the noisy input."""
    shown = (r"\dagger" if cell.inside else "") + (r"\downarrow" if cell.below else "")
    return f"$^{{{shown}}}$" if shown else ""


PANEL = Panel("overview", 10, "Leaderboard", context)
