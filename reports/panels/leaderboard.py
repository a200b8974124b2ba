"""Leaderboards: means with 95% intervals of models x noises, per data set and measure, grouped by training noise."""

import math
from dataclasses import dataclass
from itertools import groupby

import pandas as pd

from reports import latex, links
from reports.data import ModelGroup, NoiseMean
from reports.formatting import MISSING, interval, listing, number
from reports.measures import DROP, Measure
from reports.panels import Panel
from reports.results import NOISY, NoiseSetting, Results
from reports.site_writer import SiteWriter
from reports.tables import TableFiles, publish

Column = NoiseSetting | NoiseMean
Cells = dict[tuple[str, str], "LeaderboardCell"]  # by the spec of a column and the model


@dataclass(frozen=True)
class LeaderboardCell:
    """A mean with its 95% interval, both as text too, and the address of its images; `value` is the sort key.

    note    number of failed rows, '' for none
    inside  the noise is in distribution for the model
    below   the mean PSNR is below that of the noisy input
    ranks   (best, worst) rank of the model in the first column, None without one
    """

    value: float
    low: float
    high: float
    text: str
    interval: str
    bold: bool
    address: str
    note: str
    inside: bool
    below: bool
    ranks: tuple[int, int] | None


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
    columns, cells = columns_of(results, dataset, measure)
    if not columns:
        return None
    levels = levels_of(columns)
    bodies, noisy = ranked(results, dataset, measure, columns, cells)
    counts = sorted({int(count) for count in part["images"].dropna()})
    images = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}" if counts else "no"
    groups = tuple((name, len(list(run))) for name, run in groupby(columns, key=lambda column: column.name))
    caption = f"{measure.heading} on {dataset}, mean over {images} images. Bold: best or statistically tied with it."
    if any(cell.inside for one in whole_lines(bodies) for cell in one.cells):
        caption += " Dagger: in distribution (the model was trained on this noise)."
    if any(cell.below for one in whole_lines(bodies) for cell in one.cells):
        caption += " Arrow: below the noisy input."
    whole = (*whole_lines(bodies), *((noisy,) if noisy else ()))
    data, paper = frame(results, whole, columns), latex_table(results, caption, columns, whole, levels)
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


def ranked(
    results: Results, dataset: str, measure: Measure, columns: tuple[Column, ...], cells: Cells
) -> tuple[tuple[RankedGroup, ...], LeaderboardRow | None]:
    """The groups that have rows, and the row of the noisy input; None if it has no values."""
    bodies = (body(results, dataset, measure, columns, cells, group) for group in results.groups)
    noisy = line(results, dataset, NOISY, columns, cells)
    return tuple(one for one in bodies if one.lines), noisy if any(cell.text for cell in noisy.cells) else None


def levels_of(columns: tuple[Column, ...]) -> frozenset[Column]:
    """The columns of single levels that another column is the mean of."""
    averaged = {noise for one in columns if isinstance(one, NoiseMean) for noise in one.over}
    return frozenset(one for one in columns if isinstance(one, NoiseSetting) and one.spec in averaged)


def whole_lines(bodies: tuple[RankedGroup, ...]) -> tuple[LeaderboardRow, ...]:
    """The rows of all groups."""
    return tuple(one for body in bodies for one in body.lines)


def columns_of(results: Results, dataset: str, measure: Measure) -> tuple[tuple[Column, ...], Cells]:
    """The columns of the numbers in order: the OOD mean, means and settings of each noise; and their cells."""
    known = results.numbers.leaderboard
    part = known[(known["dataset"] == dataset) & (known["measure"] == measure.key)]
    settings = {one.spec: one for one in results.noises}
    columns: dict[str, Column] = {}
    cells: Cells = {}
    for one in part.to_dict("records"):
        noise = one["noise"]
        columns.setdefault(noise, settings.get(noise) or NoiseMean(noise, one["noise_name"], one["over"]))
        cells[noise, one["model"]] = cell(results, measure, one)
    return tuple(columns.values()), cells


def cell(results: Results, measure: Measure, one: dict) -> LeaderboardCell:
    """A row of the numbers as a cell."""
    model, noise, mean = one["model"], one["noise"], one["value"]
    failed = (results.line(one["dataset"], noise, model) or {}).get("failed", 0)
    address = noise if one["noise_name"] else results.ood_address(results.group_of(model))
    return LeaderboardCell(
        mean,
        one["low"],
        one["high"],
        number(mean, measure.digits) if math.isfinite(mean) else "",
        interval(one["low"], one["high"], measure.digits),
        one["best"],
        links.images(one["dataset"], address, model, measure=measure.key),
        f"{failed} failed" if failed else "",
        model != NOISY and results.in_distribution(model, one["over"]),
        one["below_noisy"],
        (int(one["first_rank"]), int(one["last_rank"])) if one["first_rank"] == one["first_rank"] else None,
    )


def body(
    results: Results, dataset: str, measure: Measure, columns: tuple[Column, ...], cells: Cells, group: ModelGroup
) -> RankedGroup:
    """One group of models, the best first."""
    lines = [line(results, dataset, model, columns, cells) for model in group.models]
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
    listed = listing(list(own)) if len(own) <= 4 else f"{len(own)} settings of its own"
    return f"{text}; OOD mean over {listed or 'no noise'}"


def rank(one: LeaderboardRow, measure: Measure) -> tuple[bool, float]:
    """Sort key: the first column; models without a value last; by PSNR drop, models without a rank last."""
    value = one.cells[0].value
    missing = not math.isfinite(value)
    return missing or (
        measure is DROP and one.ranks is None
    ), 0.0 if missing else -value if measure.higher_is_better else value


def line(results: Results, dataset: str, model: str, columns: tuple[Column, ...], cells: Cells) -> LeaderboardRow:
    """The row of one model."""
    failed = results.failed
    lost = int(((failed["dataset"] == dataset) & (failed["model"] == model)).sum())
    below = model != NOISY and results.below_noisy(dataset, model)
    own = tuple(cells[column.spec, model] for column in columns)
    return LeaderboardRow(model, own, lost, own[0].ranks, below)


def frame(results: Results, lines: tuple[LeaderboardRow, ...], columns: tuple[Column, ...]) -> pd.DataFrame:
    """The table with full precision, three columns per noise: mean, low, high."""
    records = []
    for one in lines:
        group = "" if one.model == NOISY else results.group_of(one.model).name
        record: dict[str, object] = {"model": one.model, "group": group, "below noisy input": one.below}
        record |= dict(zip(("first rank", "last rank"), one.ranks or (None, None), strict=True))
        for column, cell in zip(columns, one.cells, strict=True):
            record |= {column.spec: cell.value, f"{column.spec} low": cell.low, f"{column.spec} high": cell.high}
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
