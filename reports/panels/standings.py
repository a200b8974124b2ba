"""Mean ranks and robustness under OOD noise: one number per model, with its interval."""

import math
from dataclasses import dataclass

import pandas as pd

from reports import latex
from reports.folder import SiteFolder
from reports.formatting import interval, number
from reports.panels import Panel
from reports.results import NOISY, Results
from reports.study import Standing
from reports.tables import Files, publish


@dataclass(frozen=True)
class Line:
    """A model's numbers as text; `group` says what it was trained on where that is not the reference noise."""

    model: str
    robustness: str
    robustness_interval: str
    rank: str
    rank_interval: str
    group: str
    below: bool


@dataclass(frozen=True)
class Table:
    """One data set: its lines, the most robust first, and how many images they rest on."""

    dataset: str
    dataset_index: int
    lines: tuple[Line, ...]
    images: int
    files: Files


def context(results: Results, folder: SiteFolder) -> dict[str, object] | None:
    """A table for each data set; None where no model has a rank or a robustness."""
    known = [one for one in results.study.standings if math.isfinite(one.rank[0]) or math.isfinite(one.robustness[0])]
    if not known:
        return None
    tables = []
    for index, dataset in enumerate(results.datasets):
        standings = sorted((one for one in known if one.dataset == dataset), key=lambda one: order(results, one))
        if standings:
            lines, images = tuple(line(results, one) for one in standings), max(one.images for one in standings)
            paper = latex_table(dataset, images, lines)
            files = publish(folder, (dataset, "standings"), frame(standings), paper)
            tables.append(Table(dataset, index, lines, images, files))
    return {
        "tables": tables,
        "datasets": [(table.dataset_index, table.dataset) for table in tables],
        "reference": known[0].reference,
        "relative": any(math.isfinite(one.robustness[0]) for one in known),
    }


def order(results: Results, one: Standing) -> tuple[int, float, float]:
    """By group, the most robust first, by rank where that is not known."""
    value, group = one.robustness[0], results.groups.index(results.group_of(one.model))
    return group, (value if math.isfinite(value) else math.inf), one.rank[0]


def line(results: Results, one: Standing) -> Line:
    """One model."""
    value, low, high = one.robustness
    place, first, last = one.rank
    group = "" if one.model == NOISY or len(results.groups) == 1 else results.group_of(one.model).name
    below = one.model != NOISY and results.below_noisy(one.dataset, one.model)
    texts = number(value, 3), interval(low, high, 3), number(place, 2), interval(first, last, 2)
    return Line(one.model, *texts, group, below)


def frame(standings: list[Standing]) -> pd.DataFrame:
    """The table with full precision."""
    ends = ("", " low", " high")
    columns = ["model", "images", *(f"{name}{end}" for name in ("robustness", "rank") for end in ends)]
    return pd.DataFrame([[one.model, one.images, *one.robustness, *one.rank] for one in standings], columns=columns)


def latex_table(dataset: str, images: int, lines: tuple[Line, ...]) -> str:
    """The table as it would stand in a paper."""
    names = ["noisy input" if one.model == NOISY else one.model for one in lines]
    texts = [(one.robustness, one.robustness_interval, one.rank, one.rank_interval) for one in lines]
    body = [(name, *row) for name, row in zip(names, texts, strict=True)]
    caption = f"Robustness and mean rank under OOD noise on {dataset}, {images} images."
    header = ["model", "value", "95% interval", "value", "95% interval"]
    return latex.plain_table(caption, header, body, "lrrrr", [("robustness", 2), ("mean rank", 2)])


PANEL = Panel("overview", 15, "Robustness and mean ranks", context)
