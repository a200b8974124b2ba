"""One line of a chart."""

from dataclasses import dataclass

from reports.charts.style import Look


@dataclass(frozen=True)
class Point:
    """A mean at a place on the horizontal axis, with its interval (NaN where there is none), and where it leads."""

    x: float
    value: float
    low: float
    high: float
    address: str = ""


@dataclass(frozen=True)
class Series:
    """The points of one model, named and drawn the same in every chart."""

    name: str
    look: Look
    points: tuple[Point, ...]
