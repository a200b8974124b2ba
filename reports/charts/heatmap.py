"""The gap of every model on every noise as a shaded table."""

from collections.abc import Sequence

import numpy as np
from matplotlib.patches import Rectangle

from reports.charts.style import ACCENT, DARK, INK, MUTED, PAPER
from reports.charts.svg import Canvas, Chart, drawing, finish
from reports.formatting import number, shortened

CELL_WIDTH, CELL_HEIGHT, TOP, LEFT, GROUP = 96, 30, 26, 112, 30


def heatmap(
    rows: Sequence[tuple[str, str]],
    columns: Sequence[str],
    values: np.ndarray,
    digits: int,
    identity: str,
    words: str,
) -> Chart:
    """(R, C) values, rows named by group and label -> a chart; darker is more, NaN is left empty."""
    finite = values[np.isfinite(values)]
    low = min(0.0, float(finite.min())) if len(finite) else 0.0
    high = max(float(finite.max()), low + 1e-9) if len(finite) else 1.0
    headed = [place for place, (group, label) in enumerate(rows) if label != group and group != _before(rows, place)]
    tops = [TOP + CELL_HEIGHT * row + GROUP * sum(place <= row for place in headed) for row in range(len(rows))]
    width, height = LEFT + CELL_WIDTH * len(columns), tops[-1] + CELL_HEIGHT + 2
    with drawing(identity):
        canvas = Canvas(width, height)
        axes = canvas.overlay()
        for column, name in enumerate(columns):
            x = LEFT + CELL_WIDTH * (column + 0.5)
            canvas.text(x, TOP - 14, shortened(name, 15), fontsize=12, ha="center", fontweight="bold")
        for row, (group, label) in enumerate(rows):
            middle = tops[row] + CELL_HEIGHT / 2
            if row in headed:
                canvas.text(0, middle - CELL_HEIGHT + 3, shortened(group, 30), fontsize=12, fontweight="bold")
            weight, colour = ("bold", INK) if group == label else ("normal", MUTED)
            canvas.text(0, middle, shortened(label, 16), fontsize=12, fontweight=weight, color=colour)
            for column in range(len(columns)):
                value = float(values[row, column])
                x = LEFT + CELL_WIDTH * column
                strength = 0.04 + 0.9 * (value - low) / (high - low) if np.isfinite(value) else 0.0
                box = Rectangle((x + 1, tops[row] + 1), CELL_WIDTH - 2, CELL_HEIGHT - 2, facecolor=ACCENT, linewidth=0)
                box.set_alpha(strength)
                axes.add_patch(box)
                colour = INK if strength < 0.55 else DARK if strength < 0.72 else PAPER
                canvas.text(x + CELL_WIDTH / 2, middle, number(value, digits), ha="center", fontsize=12, color=colour)
        return finish(canvas, identity, words)


def _before(rows: Sequence[tuple[str, str]], place: int) -> str | None:
    """The group of the row above."""
    return rows[place - 1][0] if place else None
