"""Relative error and mean rank of each model under OOD noise, with 95% intervals."""

import math
from dataclasses import dataclass

import pandas as pd

from reports import latex
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
    known = results.numbers.standings
    known = known[known[["rank", "relative_error"]].notna().any(axis=1)] if len(known) else known
    if known.empty:
        return None
    tables = []
    for index, dataset in enumerate(results.datasets):
        standings = sorted(known[known["dataset"] == dataset].to_dict("records"), key=lambda one: order(results, one))
        if standings:
            lines, images = tuple(line(results, one) for one in standings), max(one["images"] for one in standings)
            paper = latex_table(results, dataset, images, lines)
            files = publish(writer, (dataset, "standings"), frame(standings), paper)
            tables.append(StandingsTable(dataset, index, lines, images, files))
    return {
        "tables": tables,
        "datasets": [(table.dataset_index, table.dataset) for table in tables],
        "reference": results.numbers.error_reference,
        "relative": known["relative_error"].notna().any(),
    }


def order(results: Results, one: dict) -> tuple[int, float, float]:
    """Sort key: group, relative error, mean rank."""
    value, group = one["relative_error"], results.groups.index(results.group_of(one["model"]))
    return group, (value if math.isfinite(value) else math.inf), one["rank"]


def line(results: Results, one: dict) -> StandingRow:
    """The row of one model."""
    model = one["model"]
    group = "" if model == NOISY or len(results.groups) == 1 else results.group_of(model).name
    below = model != NOISY and results.below_noisy(one["dataset"], model)
    error = number(one["relative_error"], 3), interval(one["relative_error_low"], one["relative_error_high"], 3)
    rank = number(one["rank"], 2), interval(one["rank_low"], one["rank_high"], 2)
    return StandingRow(model, *error, *rank, group, below)


def frame(standings: list[dict]) -> pd.DataFrame:
    """The table with full precision."""
    numbers = [f"{name}{end}" for name in ("relative_error", "rank") for end in ("", "_low", "_high")]
    return pd.DataFrame(standings)[["model", "images", *numbers]]


def latex_table(results: Results, dataset: str, images: int, lines: tuple[StandingRow, ...]) -> str:
    """The table as LaTeX."""
    body = [(results.label(one.model), one.error, one.error_interval, one.rank, one.rank_interval) for one in lines]
    caption = f"Relative error and mean rank under OOD noise on {dataset}, {images} images; lower is better for both."
    header = ["model", "value", "95% interval", "value", "95% interval"]
    return latex.plain_table(caption, header, body, "lrrrr", [("relative error", 2), ("mean rank", 2)])


PANEL = Panel("overview", 15, "Relative error and mean rank", context)
