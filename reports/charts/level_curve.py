"""A metric against the level of one noise: a line with a 95% band per model, labelled at its right end."""

from collections.abc import Sequence
from math import isfinite

from reports.charts.series import Point, Series
from reports.charts.style import MUTED, RULE
from reports.charts.svg import Canvas, Chart, Scale
from reports.formatting import interval, level, number, shortened
from reports.measures import Measure

WIDTH, HEIGHT = 424, 284
TOP, BOTTOM, LEFT, RIGHT = 46, 42, 42, 104
LABEL_STEP = 13.5
CHARACTER = 6.8


def level_curve(title: str, axis: str, measure: Measure, series: Sequence[Series]) -> Chart:
    """Series over at least two levels -> a chart, 424 x 284 pixels (higher for many series), with 95% bands."""
    height = max(HEIGHT, round(LABEL_STEP * len(series)) + TOP + BOTTOM)
    canvas = Canvas(WIDTH, height)
    points = [point for line in series for point in line.points]
    levels = sorted({point.x for point in points})
    across = Scale.over(levels, LEFT, WIDTH - RIGHT, 0.04)
    ends = [end for point in points for end in (point.value, point.low, point.high)]
    up = Scale.over(ends, height - BOTTOM, TOP, 0.06)
    canvas.value_axis(up, LEFT, WIDTH - RIGHT, 5, upright=True)
    canvas.line([(LEFT, height - BOTTOM), (WIDTH - RIGHT, height - BOTTOM)], RULE, 1)
    named = legible(levels, WIDTH - LEFT - RIGHT)
    for value in levels:
        at = across(value)
        canvas.line([(at, height - BOTTOM), (at, height - BOTTOM + 4)], RULE, 1)
        if value in named:
            canvas.text(at, height - BOTTOM + 14, level(value), anchor="middle", colour=MUTED)
    for line in sorted(series, key=lambda one: -one.style.index):
        with canvas.group(line.style.css_class):
            _draw(canvas, line, across, up)
    _label_ends(canvas, series, up, height)
    for line in series:
        with canvas.group(line.style.css_class):
            for point in line.points:
                tooltip = described(line.name, axis, measure, point)
                canvas.target(across(point.x), up(point.value), 6, point.address, tooltip)
    canvas.text(0, 11, shortened(title, 40), 14, bold=True)
    canvas.text(0, 31, measure.heading, colour=MUTED)
    centre = LEFT + (WIDTH - LEFT - RIGHT) / 2
    canvas.text(centre, height - 9, shortened(axis, 44), anchor="middle", colour=MUTED)
    return canvas.finish(description(title, measure, series))


def _draw(canvas: Canvas, line: Series, across: Scale, up: Scale) -> None:
    style = line.style
    known = [point for point in line.points if isfinite(point.low)]
    if style.index >= 0 and len(known) > 1:
        lows = [(across(point.x), up(point.low)) for point in known]
        highs = [(across(point.x), up(point.high)) for point in reversed(known)]
        canvas.area([*lows, *highs], style.colour, 0.11)
    points = [(across(point.x), up(point.value)) for point in line.points]
    canvas.line(points, style.colour, 1.6 if style.index < 0 else 1.9, style.dash)
    for x, y in points:
        canvas.marker(x, y, style.marker, style.colour, 5.5)


def _label_ends(canvas: Canvas, series: Sequence[Series], up: Scale, height: float) -> None:
    """Label the lines at their right ends, without overlap."""
    ends = sorted(((up(line.points[-1].value), line) for line in series), key=lambda end: end[0])
    label_ys = spread([end for end, _ in ends], LABEL_STEP, TOP - 4, height - BOTTOM - 6)
    left = WIDTH - RIGHT + 8
    for y, (_, line) in zip(label_ys, ends, strict=True):
        style = line.style
        with canvas.group(style.css_class):
            canvas.line([(left, y), (left + 14, y)], style.colour, 1.9, style.dash)
            canvas.marker(left + 7, y, style.marker, style.colour, 5.5)
            canvas.text(left + 19, y, shortened(line.name, 13))


def described(name: str, axis: str, measure: Measure, point: Point) -> str:
    """The tooltip of a point: 'dncnn, sigma 25: PSNR (dB) 28.10, 95% interval 27.60–28.50'."""
    bounds = interval(point.low, point.high, measure.digits)
    value = f"{measure.heading} {number(point.value, measure.digits)}"
    return f"{name}, {axis} {level(point.x)}: {value}" + (f", 95% interval {bounds}" if bounds else "")


def legible(levels: Sequence[float], width: float) -> set[float]:
    """Sorted levels on an axis of `width` pixels -> those whose labels do not overlap, the last one included."""
    scale = width / (levels[-1] - levels[0])
    named = [levels[-1]]
    for value in reversed(levels[:-1]):
        room = CHARACTER * (len(level(value)) + len(level(named[-1]))) / 2 + 6
        if (named[-1] - value) * scale >= room:
            named.append(value)
    return set(named)


def spread(positions: Sequence[float], step: float, low: float, high: float) -> list[float]:
    """Sorted positions -> positions at least `step` apart, moved by one pass up and one down."""
    moved = list(positions)
    for index in range(1, len(moved)):
        moved[index] = max(moved[index], moved[index - 1] + step)
    if moved and moved[-1] > high:
        moved[-1] = high
        for index in range(len(moved) - 2, -1, -1):
            moved[index] = min(moved[index], moved[index + 1] - step)
    if moved and moved[0] < low and len(moved) * step > high - low:
        moved = [position + low - moved[0] for position in moved]
    return moved


def description(title: str, measure: Measure, series: Sequence[Series]) -> str:
    """The text alternative: the first and the last value of each line."""
    parts = []
    for line in series:
        first, last = (number(point.value, measure.digits) for point in (line.points[0], line.points[-1]))
        parts.append(f"{line.name} from {first} to {last}")
    return f"Mean {measure.heading} from the lowest to the highest level of {title}: " + "; ".join(parts) + "."
