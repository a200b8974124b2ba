"""Relative error and mean rank of each model under OOD noise, with 95% intervals."""

import math
from dataclasses import dataclass

import pandas as pd

from reports import latex
from reports.data import ModelStanding
from reports.formatting import interval, number
from reports.panels import Panel
from reports.results import NOISY, Results
from reports.site_writer import SiteWriter
from reports.tables import TableFiles, publish


@dataclass(frozen=True)
class StandingRow:
    """A model's row as text; `group` is its training noise, '' for the reference noise."""

    model: str
    error: str
    error_interval: str
    rank: str
    rank_interval: str
    group: str
    below: bool


@dataclass(frozen=True)
class StandingsTable:
    """The table of one data set, the lowest relative error first, with its number of images."""

    dataset: str
    dataset_index: int
    lines: tuple[StandingRow, ...]
    images: int
    files: TableFiles


def context(results: Results, writer: SiteWriter) -> dict[str, object] | None:
    """One table per data set; None if no model has a rank or a relative error."""
    known = [one for one in results.study.standings if any(map(math.isfinite, (one.rank[0], one.relative_error[0])))]
    if not known:
        return None
    tables = []
    for index, dataset in enumerate(results.datasets):
        standings = sorted((one for one in known if one.dataset == dataset), key=lambda one: order(results, one))
        if standings:
            lines, images = tuple(line(results, one) for one in standings), max(one.images for one in standings)
            paper = latex_table(results, dataset, images, lines)
            files = publish(writer, (dataset, "standings"), frame(standings), paper)
            tables.append(StandingsTable(dataset, index, lines, images, files))
    return {
        "tables": tables,
        "datasets": [(table.dataset_index, table.dataset) for table in tables],
        "reference": known[0].reference,
        "relative": any(math.isfinite(one.relative_error[0]) for one in known),
    }


def order(results: Results, one: ModelStanding) -> tuple[int, float, float]:
    """Sort key: group, relative error, mean rank."""
    value, group = one.relative_error[0], results.groups.index(results.group_of(one.model))
    return group, (value if math.isfinite(value) else math.inf), one.rank[0]


def line(results: Results, one: ModelStanding) -> StandingRow:
    """The row of one model."""
    error, low, high = one.relative_error
    rank, rank_low, rank_high = one.rank
    group = "" if one.model == NOISY or len(results.groups) == 1 else results.group_of(one.model).name
    below = one.model != NOISY and results.below_noisy(one.dataset, one.model)
    texts = number(error, 3), interval(low, high, 3), number(rank, 2), interval(rank_low, rank_high, 2)
    return StandingRow(one.model, *texts, group, below)


def frame(standings: list[ModelStanding]) -> pd.DataFrame:
    """The table with full precision."""
    ends = ("", "_low", "_high")
    columns = ["model", "images", *(f"{name}{end}" for name in ("relative_error", "rank") for end in ends)]
    return pd.DataFrame([[one.model, one.images, *one.relative_error, *one.rank] for one in standings], columns=columns)


def latex_table(results: Results, dataset: str, images: int, lines: tuple[StandingRow, ...]) -> str:
    """The table as LaTeX."""
    body = [(results.label(one.model), one.error, one.error_interval, one.rank, one.rank_interval) for one in lines]
    caption = f"Relative error and mean rank under OOD noise on {dataset}, {images} images; lower is better for both."
    header = ["model", "value", "95% interval", "value", "95% interval"]
    return latex.plain_table(caption, header, body, "lrrrr", [("relative error", 2), ("mean rank", 2)])


PANEL = Panel("overview", 15, "Relative error and mean rank", context)
