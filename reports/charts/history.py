"""How scores moved from study to study: a line a model."""

from collections.abc import Sequence

from reports.charts.level_curve import spread
from reports.charts.style import MUTED, RULE, Look
from reports.charts.svg import Canvas, Chart, Scale
from reports.formatting import number, shortened

WIDTH, HEIGHT, TOP, BOTTOM, LEFT, RIGHT = 720, 300, 34, 40, 42, 170

Points = Sequence[tuple[int, float]]


def history_chart(studies: Sequence[str], lines: Sequence[tuple[str, Points, Look]], heading: str) -> Chart:
    """Names of studies in order, and (model, (place of the study, value) in order, look) -> a chart, 720 x 300."""
    canvas = Canvas(WIDTH, HEIGHT)
    across = Scale.over([0, len(studies) - 1], LEFT + 24, WIDTH - RIGHT - 24, 0.0)
    if len(studies) > 1:
        across = Scale(0, len(studies) - 1, LEFT + 24, WIDTH - RIGHT - 24)
    up = Scale.over([value for _, points, _ in lines for _, value in points], HEIGHT - BOTTOM, TOP, 0.08)
    canvas.value_axis(up, LEFT, WIDTH - RIGHT, 5, upright=True)
    canvas.line([(LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, HEIGHT - BOTTOM)], RULE, 1)
    step = -(-len(studies) // 8)
    for place in range(len(studies) - 1, -1, -step):
        name = shortened(studies[place], 14)
        canvas.text(across(place), HEIGHT - BOTTOM + 16, name, 11, anchor="middle", colour=MUTED)
    for _, points, look in lines:
        places = [(across(x), up(y)) for x, y in points]
        canvas.line(places, look.colour, 1.9, look.dash)
        for x, y in places:
            canvas.marker(x, y, look.marker, look.colour, 6.5)
    ends = sorted(((up(points[-1][1]), name, look) for name, points, look in lines), key=lambda end: end[:2])
    left = WIDTH - RIGHT + 8
    for place, (_, name, look) in zip(spread([e[0] for e in ends], 15, TOP, HEIGHT - BOTTOM), ends, strict=True):
        canvas.line([(left, place), (left + 14, place)], look.colour, 1.9, look.dash)
        canvas.marker(left + 7, place, look.marker, look.colour, 5.5)
        canvas.text(left + 20, place, shortened(name, 20))
    canvas.text(0, 12, heading, 12, colour=MUTED)
    moves = "; ".join(f"{n} from {number(p[0][1], 2)} to {number(p[-1][1], 2)}" for n, p, _ in lines)
    return canvas.finish(f"{heading} over {len(studies)} studies: {moves}.")
