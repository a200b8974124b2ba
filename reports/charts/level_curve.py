"""A metric against the level of one noise: a line with a 95% band per model."""

from collections.abc import Sequence
from dataclasses import replace

from reports.charts.chart import Chart
from reports.charts.lines import Point, Series, line_chart
from reports.charts.style import ONE_COLUMN
from reports.formatting import interval, level, number
from reports.measures import Measure


def level_curve(
    title: str,
    axis: str,
    measure: Measure,
    series: Sequence[Series],
    width: float = ONE_COLUMN,
    font: float = 7,
    name_lines: int = 1,
) -> Chart:
    """Series over at least two levels -> a chart `width` inches wide with text of `font` points.

    Names are on at most `name_lines` lines, what is too long ends in an ellipsis.
    """
    titled = [
        replace(
            one, points=tuple(replace(point, title=described(one.name, axis, measure, point)) for point in one.points)
        )
        for one in series
    ]
    ticks = {point.x: level(point.x) for one in series for point in one.points}
    spoken = description(title, measure, series)
    return line_chart(titled, ticks, measure.heading, spoken, width, font, title, axis, name_lines)


def described(name: str, axis: str, measure: Measure, point: Point) -> str:
    """The hover text of a point: 'dncnn, sigma 25: PSNR (dB) 28.10, 95% interval 27.60–28.50'."""
    bounds = interval(point.low, point.high, measure.digits)
    value = f"{measure.heading} {number(point.value, measure.digits)}"
    return f"{name}, {axis} {level(point.x)}: {value}" + (f", 95% interval {bounds}" if bounds else "")


def description(title: str, measure: Measure, series: Sequence[Series]) -> str:
    """The text alternative: the first and the last value of each line."""
    parts = []
    for line in series:
        first, last = (number(point.value, measure.digits) for point in (line.points[0], line.points[-1]))
        parts.append(f"{line.name} from {first} to {last}")
    return f"Mean {measure.heading} from the lowest to the highest level of {title}: " + "; ".join(parts) + "."
