"""A heatmap: a table of numbers on shaded cells."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reports.charts.style import ACCENT, DARK, INK, MUTED, PAPER, WARM
from reports.charts.svg import Canvas, Chart
from reports.formatting import number, shortened

GROUP_HEIGHT = 30


@dataclass(frozen=True)
class HeatmapLayout:
    """Sizes in pixels of cells, of the margins for names at the left and at the top; `upright`: rotate column names."""

    cell_width: float
    cell_height: int
    left: int
    top: int
    text: float
    upright: bool


def wide(columns: int) -> HeatmapLayout:
    """For a page 1,088 pixels wide; wider where a column would get less than 52 pixels."""
    return HeatmapLayout(min(96.0, max(52.0, (1088 - 112) / columns)), 30, 112, 26, 12, False)


def narrow(columns: int) -> HeatmapLayout:
    """For a page 358 pixels wide; wider where a column would get less than 30 pixels."""
    return HeatmapLayout(max(30.0, (358 - 78) / columns), 28, 78, 100, 11, True)


def heatmap(
    rows: Sequence[tuple[str, str]],
    columns: Sequence[str],
    values: np.ndarray,
    digits: int,
    description: str,
    addresses: Sequence[Sequence[str]],
    layout: HeatmapLayout,
    marked: np.ndarray,
) -> Chart:
    """(R, C) values with their addresses, rows named by (group, label) -> a chart.

    Shades are proportional to the absolute value, blue above zero and orange below; NaN is empty. Numbers with
    `marked` (R, C) get a dagger.
    """
    finite = np.abs(values[np.isfinite(values)])
    largest = float(finite.max()) if len(finite) and finite.max() > 0 else 1.0
    width, height = layout.cell_width, layout.cell_height
    headed = [row for row, (group, label) in enumerate(rows) if label != group and group != _previous_group(rows, row)]
    tops = [layout.top + height * row + GROUP_HEIGHT * sum(one <= row for one in headed) for row in range(len(rows))]
    canvas = Canvas(round(layout.left + width * len(columns)), tops[-1] + height + 2)
    for column, name in enumerate(columns):
        x = layout.left + width * (column + 0.5)
        if layout.upright:
            canvas.text(x, layout.top - 10, shortened(name, 13), layout.text, bold=True, upright=True)
        else:
            canvas.text(x, layout.top - 14, shortened(name, int(width / 7.2)), 12, anchor="middle", bold=True)
    for row, (group, label) in enumerate(rows):
        middle = tops[row] + height / 2
        if row in headed:
            canvas.text(0, middle - height + 3, shortened(group, 30), 12, bold=True)
        alone = group == label
        name = shortened(
            label.rpartition("=")[2] if layout.upright and label.count("=") == 1 else label, layout.left // 7
        )
        canvas.text(0, middle, name, layout.text, bold=alone, colour=INK if alone else MUTED)
        for column in range(len(columns)):
            value, x = float(values[row, column]), layout.left + width * column
            strength = 0.9 * abs(value) / largest if np.isfinite(value) else 0.0
            canvas.box(x + 1, tops[row] + 1, width - 2, height - 2, ACCENT if value > 0 else WARM, strength)
            link = addresses[row][column] if np.isfinite(value) else ""
            text, colour = number(value, digits) + ("†" if marked[row, column] else ""), ink(value, strength)
            canvas.text(x + width / 2, middle, text, layout.text, anchor="middle", colour=colour, link=link)
    return canvas.finish(description)


def ink(value: float, strength: float) -> str:
    """The text colour that is readable on a cell of this strength (0 to 1) in both themes."""
    if strength < 0.63:
        return INK
    return PAPER if value > 0 and strength >= 0.8 else DARK


def _previous_group(rows: Sequence[tuple[str, str]], row: int) -> str | None:
    """The group of the row above."""
    return rows[row - 1][0] if row else None
