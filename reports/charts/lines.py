"""Lines over levels, iterations or runs, with 95% bands, and names at their right ends or below."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from reports.charts.chart import Chart, limits, locator
from reports.charts.lettering import fitted, legible, longest, spread, wrapped
from reports.charts.style import MUTED, RULE, SeriesStyle, style
from reports.formatting import level

HEIGHT, LEGEND_STEP, SAMPLE = 25, 1.2, 1.3  # in units of the font's size, like all numbers below
LINE, MARKER, TARGET = 0.165, 0.48, 1.1
OCTAGON = (8, 0, 22.5)  # in SVG a third of the size of a disc
MOST_MARKERS = 20
MAX_BESIDE = 0.34  # of the width, for names at the ends of lines; longer names are below


@dataclass(frozen=True)
class Point:
    """A mean at `x`, with its 95% interval (NaN without one), the address of the images behind it and a hover text."""

    x: float
    value: float
    low: float = float("nan")
    high: float = float("nan")
    address: str = ""
    title: str = ""


@dataclass(frozen=True)
class Series:
    """The points of one model, with its label and its style, which are the same in every chart."""

    name: str
    style: SeriesStyle
    points: tuple[Point, ...]


@style()
def line_chart(
    series: Sequence[Series],
    ticks: Mapping[float, str],
    heading: str,
    description: str,
    width: float,
    font: float,
    title: str = "",
    axis: str = "",
    name_lines: int = 1,
) -> Chart:
    """Series of at least one point each -> a chart `width` inches wide.

    `ticks` are the labels of the horizontal axis by position, `heading` stands above the vertical axis. Names are on
    at most `name_lines` lines, what is too long ends in an ellipsis.
    """
    em, whole = font, 72 * width
    names = [wrapped(one.name, whole - 2 * em, font, name_lines) for one in series]
    room = longest((line for lines in names for line in lines), font) + (SAMPLE + 1.6) * em
    beside = room <= MAX_BESIDE * whole
    columns = max(1, int(whole / room))
    legend = [max(map(len, names[at : at + columns])) for at in range(0, len(names), columns)]  # lines in each row
    below = 0 if beside else LEGEND_STEP * sum(legend) + 0.6
    top, bottom = (4 if title else 2.9), (3.6 if axis else 2.2)
    height = max(HEIGHT, LEGEND_STEP * len(series) + top + bottom if beside else 0) + below
    chart = Chart(width, height * em, font, description)

    points = [point for one in series for point in one.points]
    up = limits((end for point in points for end in (point.value, point.low, point.high)), 0.06)
    across = limits([*ticks, *(point.x for point in points)], 0.04)
    left = longest(map(level, locator(5).tick_values(*up)), font) + 0.9 * em
    right = room if beside else 1.2 * em
    axes = chart.axes(left, top * em, right, (bottom + below) * em, "y")
    axes.set(xlim=across, ylim=up)
    axes.yaxis.set_major_locator(locator(5))
    axes.xaxis.set_visible(True)
    scale = (whole - left - right) / (across[1] - across[0])
    named = legible([(scale * position, label) for position, label in sorted(ticks.items())], font)
    axes.set_xticks([position / scale for position, _ in named], [label for _, label in named])
    axes.axhline(up[0], color=RULE, linewidth=0.08 * em, clip_on=False)
    for one in sorted(series, key=lambda one: -one.style.index):
        _draw(chart, axes, one)

    if title:
        chart.text(0, em, fitted(title, whole, 1.22 * font, bold=True), size=1.22, bold=True)
    chart.text(0, (2.7 if title else 1) * em, fitted(heading, whole, font), colour=MUTED)
    middle = (left + whole - right) / 2
    chart.text(middle, (height - below - 0.9) * em, fitted(axis, whole, font), align="center", colour=MUTED)
    if beside:
        _name_ends(chart, axes, series, names, (top - 0.3) * em, (height - bottom - 0.5) * em)
    else:
        first = height - below + 1.2
        for place, (one, name) in enumerate(zip(series, names, strict=True)):
            row = place // columns
            y = (first + LEGEND_STEP * sum(legend[:row])) * em
            _name(chart, one.style, name, whole / columns * (place % columns), y)
    return chart


def _draw(chart: Chart, axes: Axes, one: Series) -> None:
    """The band, the line and the invisible discs with the hover texts of a series."""
    em, css_class = chart.font, one.style.css_class
    known = [point for point in one.points if isfinite(point.low)]
    if one.style.index >= 0 and len(known) > 1:
        lows, highs = [point.low for point in known], [point.high for point in known]
        band = axes.fill_between(
            [point.x for point in known], lows, highs, color=one.style.colour, alpha=0.11, linewidth=0, clip_on=False
        )
        chart.describe(band, css_class)
    xs, values = [point.x for point in one.points], [point.value for point in one.points]
    (line,) = axes.plot(
        xs,
        values,
        **one.style.line,
        linewidth=LINE * em,
        marker=one.style.marker,
        markersize=MARKER * em,
        markeredgewidth=0,
        markevery=-(-len(xs) // MOST_MARKERS),
        clip_on=False,
    )
    chart.describe(line, css_class)
    if any(point.address for point in one.points):
        discs = axes.scatter(xs, values, s=(TARGET * em) ** 2, color="none", marker=OCTAGON, clip_on=False, zorder=3)
        links, titles = [point.address for point in one.points], [point.title for point in one.points]
        chart.describe(discs, css_class, links, titles, focusable=False)


def _name_ends(
    chart: Chart, axes: Axes, series: Sequence[Series], names: Sequence[Sequence[str]], top: float, bottom: float
) -> None:
    """Names at the right ends of the lines, without overlap."""
    place = (axes.transData - chart.points).transform
    ends = sorted((place((0, one.points[-1].value))[1], index) for index, one in enumerate(series))
    right = chart.width * axes.get_position().x1 + 0.7 * chart.font
    for y, (_, index) in zip(
        spread([end for end, _ in ends], LEGEND_STEP * chart.font, top, bottom), ends, strict=True
    ):
        _name(chart, series[index].style, names[index], right, y)


def _name(chart: Chart, look: SeriesStyle, name: Sequence[str], x: float, y: float) -> None:
    """A name, on one line or several, with a piece of its line before it."""
    em = chart.font
    piece = Line2D(
        [x, x + SAMPLE / 2 * em, x + SAMPLE * em],
        [y, y, y],
        transform=chart.points,
        **look.line,
        linewidth=LINE * em,
        marker=look.marker,
        markersize=MARKER * em,
        markeredgewidth=0,
        markevery=[1],
    )
    chart.figure.add_artist(piece)
    chart.describe(piece, look.css_class)
    for place, line in enumerate(name):
        chart.text(x + (SAMPLE + 0.4) * em, y + LEGEND_STEP * place * em, line, css_class=look.css_class)
