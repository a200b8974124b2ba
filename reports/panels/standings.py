"""Mean ranks and robustness off the training noise: one number a model, with its interval."""

import math
from dataclasses import dataclass

import pandas as pd

from reports.folder import SiteFolder
from reports.formatting import interval, number
from reports.panels import Panel
from reports.results import Results
from reports.study import Standing


@dataclass(frozen=True)
class Line:
    """A model's numbers as text."""

    model: str
    robustness: str
    robustness_interval: str
    rank: str
    rank_interval: str


@dataclass(frozen=True)
class Table:
    """One data set: its lines, the most robust first, and how many images they rest on."""

    dataset: str
    dataset_index: int
    lines: tuple[Line, ...]
    images: int
    csv_address: str


def context(results: Results, folder: SiteFolder) -> dict[str, object] | None:
    """A table for each data set; None where no model has a rank or a robustness."""
    known = [one for one in results.study.standings if math.isfinite(one.rank[0]) or math.isfinite(one.robustness[0])]
    if not known:
        return None
    tables = []
    for index, dataset in enumerate(results.datasets):
        standings = sorted((one for one in known if one.dataset == dataset), key=order)
        if standings:
            address = f"{folder.free_address('tables', dataset, 'standings')}.csv"
            tables.append(Table(dataset, index, tuple(map(line, standings)), max(one.images for one in standings),
                                folder.csv(address, frame(standings))))  # fmt: skip
    return {
        "tables": tables,
        "datasets": [(table.dataset_index, table.dataset) for table in tables],
        "reference": known[0].reference,
        "relative": any(math.isfinite(one.robustness[0]) for one in known),
    }


def order(one: Standing) -> tuple[float, float]:
    """The most robust first, by rank where that is not known."""
    value = one.robustness[0]
    return (value if math.isfinite(value) else math.inf), one.rank[0]


def line(one: Standing) -> Line:
    """One model."""
    value, low, high = one.robustness
    place, first, last = one.rank
    return Line(one.model, number(value, 3), interval(low, high, 3), number(place, 2), interval(first, last, 2))


def frame(standings: list[Standing]) -> pd.DataFrame:
    """The table with full precision."""
    ends = ("", " low", " high")
    columns = ["model", "images", *(f"{name}{end}" for name in ("robustness", "rank") for end in ends)]
    return pd.DataFrame([[one.model, one.images, *one.robustness, *one.rank] for one in standings], columns=columns)


PANEL = Panel("overview", 15, "Robustness and mean ranks", context)
