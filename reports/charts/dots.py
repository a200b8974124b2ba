"""Dot plot of one noise setting: the mean and 95% interval of each model."""

from collections.abc import Sequence
from math import isfinite

from reports.charts.series import Series
from reports.charts.style import INK, MUTED, NOISY_COLOUR
from reports.charts.svg import Canvas, Chart, Scale
from reports.formatting import number, shortened
from reports.measures import Measure

WIDTH, STEP, TOP, BOTTOM, LEFT, RIGHT = 424, 24, 46, 34, 112, 56


def dots(title: str, measure: Measure, series: Sequence[Series]) -> Chart:
    """Series of one point each -> a dot plot, 424 pixels wide, at least 24 per model, with the mean at the right."""
    height = max(TOP + BOTTOM + STEP * len(series), 284 if len(series) > 4 else 0)
    step = (height - TOP - BOTTOM) / len(series)
    canvas = Canvas(WIDTH, height)
    ends = [end for line in series for end in (line.points[0].value, line.points[0].low, line.points[0].high)]
    scale = Scale.over(ends, LEFT, WIDTH - RIGHT, 0.08)
    canvas.value_axis(scale, TOP, height - BOTTOM, 4, upright=False)
    for row, line in enumerate(series):
        style, point, y = line.style, line.points[0], TOP + (row + 0.5) * step
        with canvas.group(style.css_class):
            if style.index < 0 and isfinite(point.value):
                at = scale(point.value)
                canvas.line([(at, TOP), (at, height - BOTTOM)], NOISY_COLOUR, 1, style.dash)
            if isfinite(point.low):
                canvas.line([(scale(point.low), y), (scale(point.high), y)], style.colour, 1.9, opacity=0.55)
            canvas.marker(scale(point.value), y, style.marker or "|", style.colour, 7)
            canvas.text(0, y, shortened(line.name, 18), colour=INK if style.index >= 0 else MUTED)
            canvas.text(WIDTH, y, number(point.value, measure.digits), anchor="end", link=point.address)
    canvas.text(0, 11, shortened(title, 40), 14, bold=True)
    canvas.text(0, 31, measure.heading, colour=MUTED)
    spoken = "; ".join(f"{line.name} {number(line.points[0].value, measure.digits)}" for line in series)
    return canvas.finish(f"Mean {measure.heading} under {title}: {spoken}.")
