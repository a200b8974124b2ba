"""Validation PSNR over the iterations of a training, one line per noise."""

from collections.abc import Sequence

from reports.charts.level_curve import spread
from reports.charts.style import MUTED, SeriesStyle
from reports.charts.svg import Canvas, Chart, Scale
from reports.formatting import number, short_count, shortened

WIDTH, NARROW = 700, 358  # pixels; labels are at the right ends of the lines, or below on narrow screens
HEIGHT, TOP, BOTTOM, LEFT, NAMES, LABEL_STEP = 320, 34, 42, 42, 210, 20

Points = Sequence[tuple[int, float]]


def training_chart(curves: Sequence[tuple[str, Points, SeriesStyle]], width: int = WIDTH) -> Chart:
    """(noise, (iteration, PSNR) in order, style), at least one point each -> a chart, 320 pixels high plus the legend
    where it is narrow."""
    below = width < WIDTH
    canvas = Canvas(width, HEIGHT + below * (LABEL_STEP * len(curves) + 16))
    right = width - (12 if below else NAMES)
    points = [point for _, some, _ in curves for point in some]
    across = Scale.over([0, *(x for x, _ in points)], LEFT, right, 0.02)
    up = Scale.over([y for _, y in points], HEIGHT - BOTTOM, TOP, 0.06)
    canvas.value_axis(up, LEFT, right, 6, upright=True)
    for value in across.ticks(4 if below else 6):
        canvas.text(across(value), HEIGHT - BOTTOM + 14, short_count(value) or "0", anchor="middle", colour=MUTED)
    for _, some, style in curves:
        canvas.line([(across(x), up(y)) for x, y in some], style.colour, 1.8, style.dash)
    ends = sorted(((up(some[-1][1]), name, style) for name, some, style in curves), key=lambda end: end[:2])
    if below:
        left, label_ys = LEFT, [HEIGHT + 14 + LABEL_STEP * row for row in range(len(ends))]
    else:
        left, label_ys = right + 8, spread([end[0] for end in ends], 15, TOP, HEIGHT - BOTTOM)
    for y, (_, name, style) in zip(label_ys, ends, strict=True):
        canvas.line([(left, y), (left + 16, y)], style.colour, 1.9, style.dash)
        canvas.text(left + 22, y, shortened(name, 27))
    canvas.text(0, 12, "PSNR (dB) on held-out images", 12, colour=MUTED)
    canvas.text((LEFT + right) / 2, HEIGHT - 9, "iteration", anchor="middle", colour=MUTED)
    spoken = "; ".join(f"{n} from {number(p[0][1], 2)} to {number(p[-1][1], 2)}" for n, p, _ in curves)
    return canvas.finish(f"PSNR in dB on held-out images from the first to the last iteration: {spoken}.")
