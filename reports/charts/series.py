"""The data of one line of a chart."""

from dataclasses import dataclass

from reports.charts.style import SeriesStyle


@dataclass(frozen=True)
class Point:
    """A mean at `x`, with its 95% interval (NaN without one) and the address of the images behind it."""

    x: float
    value: float
    low: float
    high: float
    address: str = ""


@dataclass(frozen=True)
class Series:
    """The points of one model, with its label and its style, which are the same in every chart."""

    name: str
    style: SeriesStyle
    points: tuple[Point, ...]
