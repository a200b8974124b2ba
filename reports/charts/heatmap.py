"""A heatmap: a table of numbers on shaded cells."""

from collections.abc import Sequence

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba

from reports.charts.chart import Chart
from reports.charts.lettering import fitted, longest, wrapped
from reports.charts.style import ACCENT, DARK, INK, MUTED, PAPER, TWO_COLUMNS, WARM, style
from reports.formatting import number

STEP, MAX_CELL = 2.5, 8.0  # in units of the font's size, like all numbers below
LINE_STEP, MAX_NAME = 1.2, 17.0


@style()
def heatmap(
    rows: Sequence[tuple[str, str]],
    columns: Sequence[str],
    values: np.ndarray,
    titles: Sequence[Sequence[str]],
    addresses: Sequence[Sequence[str]],
    marked: np.ndarray,
    description: str,
    digits: int = 2,
    width: float = TWO_COLUMNS,
    font: float = 6,
) -> Chart:
    """(R, C) values with their hover texts and addresses, rows named by (group, label) -> a chart.

    It is at most `width` inches wide, or as wide as the numbers need. Shades are proportional to the absolute value,
    blue above zero and orange below; NaN is empty. Numbers with `marked` (R, C) get a dagger.
    """
    em = font
    texts = [
        [number(values[r, c], digits) + "†" * bool(marked[r, c]) for c in range(len(columns))] for r in range(len(rows))
    ]
    left = min(longest((label for _, label in rows), font, bold=True) + em, 0.3 * 72 * width)
    cell = min(MAX_CELL * em, (72 * width - left) / len(columns))
    cell = max(cell, longest((text for line in texts for text in line), font) + 0.7 * em)
    upright = longest((piece for name in columns for piece in name.split()), font, bold=True) > cell - 0.6 * em
    room = MAX_NAME * em if upright else cell - 0.4 * em
    fit = max(1, int(cell / (LINE_STEP * em))) if upright else 5
    names = [wrapped(name, room, font, fit, bold=True) for name in columns]
    high = (
        longest((line for lines in names for line in lines), font, bold=True)
        if upright
        else LINE_STEP * em * max(map(len, names))
    )
    top = high + 0.8 * em

    middles, headed, y, group = [], [], top, None
    labels = [wrapped(label, left - 0.8 * em, font, 4, bold=group == label) for group, label in rows]
    for (name, label), lines in zip(rows, labels, strict=True):
        headed.append(name not in (group, label))
        group = name
        y += STEP * em * headed[-1]
        step = max(STEP, LINE_STEP * len(lines) + 0.4) * em
        middles.append((y + step / 2, step))
        y += step
    chart = Chart((left + cell * len(columns)) / 72, y + 0.1 * em, font, description)

    for column, lines in enumerate(names):
        x = left + cell * (column + 0.5)
        for place, line in enumerate(lines):
            shift = LINE_STEP * (place - (len(lines) - 1) / 2) * em
            if upright:
                chart.text(x + shift, top - 0.6 * em, line, bold=True, upright=True)
            else:
                chart.text(x, top - (1 + LINE_STEP * (len(lines) - 1 - place)) * em, line, bold=True, align="center")
    for (name, label), lines, (middle, step), starts in zip(rows, labels, middles, headed, strict=True):
        if starts:
            heading = fitted(name, chart.width, font, bold=True)
            chart.text(0, middle - step / 2 - 0.9 * em, heading, bold=True)
        for place, line in enumerate(lines):
            shift = LINE_STEP * (place - (len(lines) - 1) / 2) * em
            chart.text(0, middle + shift, line, bold=name == label, colour=INK if name == label else MUTED)
    _cells(chart, values, texts, titles, addresses, left, cell, middles)
    return chart


def _cells(chart, values, texts, titles, addresses, left, cell, middles) -> None:
    """The shaded cells, which are links, and the numbers on them."""
    largest = np.nanmax(np.abs(values), initial=0) or 1.0
    strengths = 0.9 * np.abs(values) / largest
    shown, gap = np.argwhere(np.isfinite(values)), 0.08 * chart.font
    corners, colours = [], []
    for row, column in shown:
        (middle, high), x, value = middles[row], left + cell * column, values[row, column]
        near, far, above, below = x + gap, x + cell - gap, middle - high / 2 + gap, middle + high / 2 - gap
        corners.append([(near, above), (far, above), (far, below), (near, below)])
        colours.append(to_rgba(ACCENT if value > 0 else WARM, strengths[row, column]))
        colour = ink(value, strengths[row, column])
        chart.text((near + far) / 2, middle, texts[row][column], align="center", colour=colour)
    cells = PolyCollection(corners, facecolors=colours, linewidths=0, transform=chart.points)
    chart.figure.add_artist(cells)
    chart.describe(cells, "cells", [addresses[r][c] for r, c in shown], [titles[r][c] for r, c in shown])


def ink(value: float, strength: float) -> str:
    """The text colour that is readable on a cell of this strength (0 to 1) in both themes."""
    if strength < 0.63:
        return INK
    return PAPER if value > 0 and strength >= 0.8 else DARK
