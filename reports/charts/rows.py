"""Rows of dots on one scale: a name at the left, marks and bars in the middle, a number at the right."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, nan

from reports.charts.chart import Chart, limits, locator
from reports.charts.lettering import fitted, longest, text_width, wrapped
from reports.charts.lines import OCTAGON
from reports.charts.style import INK, MUTED, WARM, style

LINE_STEP, MARK, TARGET, BAR = 1.2, 0.62, 1.6, 1.15  # in units of the font's size, like all numbers below
MAX_NAMES = 0.42  # of the width


@dataclass(frozen=True)
class Mark:
    """A marker by its matplotlib letter at `x`, filled or hollow."""

    x: float
    shape: str = "o"
    hollow: bool = False


@dataclass(frozen=True)
class Row:
    """One row: its marks in `colour`, the ends of its bar (NaN for none), and its number as text with its address.

    `group` is a heading above the first row of a group ('' for none), `note` a warning below the name, `title` the
    hover text, `css_class` the class of all its parts. A bar is filled from `start` to the first mark, if there is one.
    `bold`: its number.
    """

    name: str
    colour: str
    marks: tuple[Mark, ...]
    bar: tuple[float, float]
    number: str
    address: str = ""
    muted: bool = False
    group: str = ""
    note: str = ""
    title: str = ""
    css_class: str = ""
    start: float = nan
    bold: bool = False


@style()
def row_chart(
    rows: Sequence[Row],
    heading: str,
    description: str,
    width: float,
    font: float,
    step: float = 2.1,
    title: str = "",
    above_numbers: str = "",
    line: tuple[float, dict[str, object]] | None = None,
    name_lines: int = 3,
) -> Chart:
    """Rows from top to bottom -> a chart `width` inches wide, `step` font sizes per row or more for long names.

    Names are on at most `name_lines` lines, what is too long ends in an ellipsis.
    `heading` stands above the scale, `above_numbers` above the numbers; `line`: a value with a vertical line and its
    look.
    """
    em, whole = font, 72 * width
    left = min(longest((row.name for row in rows), font) + 1.2 * em, MAX_NAMES * whole)
    left = max(left, longest((row.note for row in rows), 0.85 * font) + em)
    numbers = max((text_width(row.number, font, row.bold) for row in rows), default=0)
    right = max(numbers, text_width(above_numbers, font)) + 1.2 * em
    names = [wrapped(row.name, left - 0.8 * em, font, name_lines) for row in rows]
    headings = wrapped(heading, whole - (right if above_numbers else 0), font)
    top = (4 if title else 2.4) + LINE_STEP * (len(headings) - 1)
    middles, y = [], top * em
    for row, lines in zip(rows, names, strict=True):
        y += 2.1 * em if row.group else 0
        high = max(step, LINE_STEP * (len(lines) + bool(row.note)) + 0.4) * em
        middles.append(y + high / 2)
        y += high
    chart = Chart(width, y + 2.4 * em, font, description)
    axes = chart.axes(left, top * em, right, 2.4 * em, "x")
    ends = [*(mark.x for row in rows for mark in row.marks), *(end for row in rows for end in row.bar)]
    axes.set(xlim=limits([*ends, *([line[0]] if line else [])], 0.06), ylim=(y, top * em))
    axes.xaxis.set_major_locator(locator(max(3, int((whole - left - right) / (4.5 * em)))))
    if line:
        axes.plot([line[0]] * 2, [top * em, y], clip_on=False, **line[1])
    for row, lines, middle in zip(rows, names, middles, strict=True):
        _draw(chart, axes, row, lines, middle)
        if row.group:
            above = middle - (LINE_STEP * len(lines) / 2 + 1) * em
            chart.text(0, above, fitted(row.group, whole, font, bold=True), bold=True)
    for css_class in dict.fromkeys(row.css_class for row in rows):
        shown = [(row, middle) for row, middle in zip(rows, middles, strict=True) if row.css_class == css_class]
        xs, ys = [row.marks[0].x for row, _ in shown], [middle for _, middle in shown]
        discs = axes.scatter(xs, ys, s=(TARGET * em) ** 2, color="none", marker=OCTAGON, clip_on=False, zorder=3)
        chart.describe(discs, css_class, [row.address for row, _ in shown], [row.title for row, _ in shown], False)
    if title:
        chart.text(0, em, fitted(title, whole, 1.22 * font, bold=True), size=1.22, bold=True)
    first = 2.7 if title else 1
    for place, text in enumerate(headings):
        chart.text(0, (first + LINE_STEP * place) * em, text, colour=MUTED)
    chart.text(whole, first * em, above_numbers, align="right", colour=MUTED)
    return chart


def _draw(chart: Chart, axes, row: Row, lines: Sequence[str], y: float) -> None:
    em, css_class = chart.font, row.css_class
    drawn, filled = [], isfinite(row.start)
    if filled:
        drawn += axes.barh(y, row.marks[0].x - row.start, BAR * em, row.start, color=row.colour)
    if isfinite(row.bar[0]) and isfinite(row.bar[1]):
        look = {"color": INK, "linewidth": 0.12 * em} if filled else {"color": row.colour, "linewidth": 0.17 * em}
        drawn += axes.plot(row.bar, [y, y], alpha=1 if filled else 0.5, clip_on=False, **look)
    for mark in () if filled else row.marks:
        edge = 0.15 * em if mark.hollow or mark.shape == "|" else 0
        drawn += axes.plot(
            [mark.x],
            [y],
            marker=mark.shape,
            markersize=MARK * em,
            color=row.colour,
            clip_on=False,
            markerfacecolor="none" if mark.hollow else row.colour,
            markeredgewidth=edge,
        )
    for artist in drawn:
        chart.describe(artist, css_class)
    colour = MUTED if row.muted else INK
    texts = [(line, 1.0, colour) for line in lines] + ([(row.note, 0.85, WARM)] if row.note else [])
    for place, (text, size, ink) in enumerate(texts):
        shift = LINE_STEP * (place - (len(texts) - 1) / 2) * em
        chart.text(0, y + shift, text, size=size, colour=ink, css_class=css_class)
    look = {"bold": row.bold, "align": "right", "colour": colour}
    chart.text(chart.width, y, row.number, **look, link=row.address, css_class=css_class)
