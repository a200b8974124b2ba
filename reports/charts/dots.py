"""Quality at single settings: a dot and an interval a model, one row each."""

from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator

from reports.charts.series import Series
from reports.charts.style import INK, MUTED, NOISY_COLOUR
from reports.charts.svg import Canvas, Chart, drawing, finish
from reports.formatting import number, shortened
from reports.measures import Measure

WIDTH, STEP, TOP, BOTTOM, LEFT, RIGHT = 352, 24, 46, 34, 112, 56


def dots(title: str, measure: Measure, series: Sequence[Series], identity: str) -> Chart:
    """Series of one point each -> a dot plot, 352 pixels wide, 24 a model; the number stands at the right."""
    height = max(TOP + BOTTOM + STEP * len(series), 252 if len(series) > 4 else 0)
    step = (height - TOP - BOTTOM) / len(series)
    with drawing(identity):
        canvas = Canvas(WIDTH, height)
        axes = canvas.axes(LEFT, TOP, RIGHT, BOTTOM)
        for row, line in enumerate(series):
            look, point = line.look, line.points[0]
            if np.isfinite(point.low):
                (bar,) = axes.plot([point.low, point.high], [row, row], color=look.colour, linewidth=1.9, alpha=0.55)
                bar.set_gid(f"{look.css_class}--interval")
            (dot,) = axes.plot([point.value], [row], color=look.colour, marker=look.marker or "|", markersize=7)
            dot.set_gid(f"{look.css_class}--dot")
            y = TOP + (row + 0.5) * step
            canvas.text(0, y, shortened(line.name, 18), fontsize=11.5, color=INK if look.index >= 0 else MUTED)
            text = number(point.value, measure.digits)
            canvas.text(WIDTH - 2, y, text, fontsize=11.5, ha="right", color=INK)
            if look.index < 0 and np.isfinite(point.value):
                axes.axvline(point.value, color=NOISY_COLOUR, linewidth=1, dashes=look.dash)
        axes.set_ylim(len(series) - 0.5, -0.5)
        axes.set_yticks([])
        axes.grid(True, axis="x")
        axes.grid(False, axis="y")
        axes.spines["bottom"].set_visible(False)
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
        axes.tick_params(axis="x", length=0)
        axes.margins(x=0.08)
        canvas.text(0, 11, shortened(title, 40), fontsize=14, fontweight="bold")
        canvas.text(0, 31, measure.heading, fontsize=11.5, color=MUTED)
        spoken = "; ".join(f"{line.name} {number(line.points[0].value, measure.digits)}" for line in series)
        return finish(canvas, identity, f"{measure.heading} under {title}: {spoken}.")
