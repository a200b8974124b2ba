"""Scores from run to run, one line per model."""

from collections.abc import Sequence

from reports.charts.level_curve import spread
from reports.charts.style import MUTED, RULE, SeriesStyle
from reports.charts.svg import Canvas, Chart, Scale
from reports.formatting import number, shortened

WIDTH, HEIGHT, TOP, BOTTOM, LEFT, RIGHT = 720, 300, 34, 40, 42, 170

Points = Sequence[tuple[int, float]]


def history_chart(studies: Sequence[str], lines: Sequence[tuple[str, Points, SeriesStyle]], heading: str) -> Chart:
    """Names of runs in order, and (label, (index of the run, value) in order, style) by model -> a chart, 720 x 300."""
    canvas = Canvas(WIDTH, HEIGHT)
    across = Scale.over([0, len(studies) - 1], LEFT + 24, WIDTH - RIGHT - 24, 0.0)
    if len(studies) > 1:
        across = Scale(0, len(studies) - 1, LEFT + 24, WIDTH - RIGHT - 24)
    up = Scale.over([value for _, points, _ in lines for _, value in points], HEIGHT - BOTTOM, TOP, 0.08)
    canvas.value_axis(up, LEFT, WIDTH - RIGHT, 5, upright=True)
    canvas.line([(LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, HEIGHT - BOTTOM)], RULE, 1)
    step = -(-len(studies) // 8)
    for index in range(len(studies) - 1, -1, -step):
        name = shortened(studies[index], 14)
        canvas.text(across(index), HEIGHT - BOTTOM + 16, name, 11, anchor="middle", colour=MUTED)
    for _, points, style in lines:
        drawn = [(across(x), up(y)) for x, y in points]
        canvas.line(drawn, style.colour, 1.9, style.dash)
        for x, y in drawn:
            canvas.marker(x, y, style.marker, style.colour, 6.5)
    ends = sorted(((up(points[-1][1]), name, style) for name, points, style in lines), key=lambda end: end[:2])
    left = WIDTH - RIGHT + 8
    for y, (_, name, style) in zip(spread([e[0] for e in ends], 15, TOP, HEIGHT - BOTTOM), ends, strict=True):
        canvas.line([(left, y), (left + 14, y)], style.colour, 1.9, style.dash)
        canvas.marker(left + 7, y, style.marker, style.colour, 5.5)
        canvas.text(left + 20, y, shortened(name, 20))
    canvas.text(0, 12, heading, 12, colour=MUTED)
    spoken = "; ".join(f"{n} from {number(p[0][1], 2)} to {number(p[-1][1], 2)}" for n, p, _ in lines)
    return canvas.finish(f"{heading} over {len(studies)} runs: {spoken}.")
