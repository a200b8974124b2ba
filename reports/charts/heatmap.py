"""Values of columns by rows as a shaded table."""

from collections.abc import Sequence

import numpy as np

from reports.charts.style import ACCENT, DARK, INK, MUTED, PAPER
from reports.charts.svg import Canvas, Chart
from reports.formatting import number, shortened

CELL_WIDTH, CELL_HEIGHT, TOP, LEFT, GROUP = 96, 30, 26, 112, 30


def heatmap(
    rows: Sequence[tuple[str, str]],
    columns: Sequence[str],
    values: np.ndarray,
    digits: int,
    words: str,
    addresses: Sequence[Sequence[str]],
) -> Chart:
    """(R, C) values and where they lead, rows named by group and label -> a chart; darker is more, NaN is empty."""
    finite = values[np.isfinite(values)]
    low = min(0.0, float(finite.min())) if len(finite) else 0.0
    high = max(float(finite.max()), low + 1e-9) if len(finite) else 1.0
    headed = [place for place, (group, label) in enumerate(rows) if label != group and group != _before(rows, place)]
    tops = [TOP + CELL_HEIGHT * row + GROUP * sum(place <= row for place in headed) for row in range(len(rows))]
    canvas = Canvas(LEFT + CELL_WIDTH * len(columns), tops[-1] + CELL_HEIGHT + 2)
    for column, name in enumerate(columns):
        x = LEFT + CELL_WIDTH * (column + 0.5)
        canvas.text(x, TOP - 14, shortened(name, 13), 12, anchor="middle", bold=True)
    for row, (group, label) in enumerate(rows):
        middle = tops[row] + CELL_HEIGHT / 2
        if row in headed:
            canvas.text(0, middle - CELL_HEIGHT + 3, shortened(group, 30), 12, bold=True)
        alone = group == label
        canvas.text(0, middle, shortened(label, 16), 12, bold=alone, colour=INK if alone else MUTED)
        for column in range(len(columns)):
            value, x = float(values[row, column]), LEFT + CELL_WIDTH * column
            strength = 0.04 + 0.9 * (value - low) / (high - low) if np.isfinite(value) else 0.0
            canvas.box(x + 1, tops[row] + 1, CELL_WIDTH - 2, CELL_HEIGHT - 2, ACCENT, strength)
            colour = INK if strength < 0.55 else DARK if strength < 0.72 else PAPER
            link = addresses[row][column] if np.isfinite(value) else ""
            text = number(value, digits)
            canvas.text(x + CELL_WIDTH / 2, middle, text, 12, anchor="middle", colour=colour, link=link)
    return canvas.finish(words)


def _before(rows: Sequence[tuple[str, str]], place: int) -> str | None:
    """The group of the row above."""
    return rows[place - 1][0] if place else None
