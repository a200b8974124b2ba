"""Quality against the level of one noise: a line and a band a model, named at its right end."""

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
    """Series over at least two levels -> a small chart, 424 x 284 pixels or higher for many, with 95% bands."""
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
    for line in sorted(series, key=lambda one: -one.look.index):
        with canvas.group(line.look.css_class):
            _draw(canvas, line, across, up)
    _label_ends(canvas, series, up, height)
    for line in series:
        with canvas.group(line.look.css_class):
            for point in line.points:
                title_ = told(line.name, axis, measure, point)
                canvas.target(across(point.x), up(point.value), 6, point.address, title_)
    canvas.text(0, 11, shortened(title, 40), 14, bold=True)
    canvas.text(0, 31, measure.heading, colour=MUTED)
    centre = LEFT + (WIDTH - LEFT - RIGHT) / 2
    canvas.text(centre, height - 9, shortened(axis, 44), anchor="middle", colour=MUTED)
    return canvas.finish(words(title, measure, series))


def _draw(canvas: Canvas, line: Series, across: Scale, up: Scale) -> None:
    look = line.look
    known = [point for point in line.points if isfinite(point.low)]
    if look.index >= 0 and len(known) > 1:
        lows = [(across(point.x), up(point.low)) for point in known]
        highs = [(across(point.x), up(point.high)) for point in reversed(known)]
        canvas.area([*lows, *highs], look.colour, 0.11)
    places = [(across(point.x), up(point.value)) for point in line.points]
    canvas.line(places, look.colour, 1.6 if look.index < 0 else 1.9, look.dash)
    for x, y in places:
        canvas.marker(x, y, look.marker, look.colour, 5.5)


def _label_ends(canvas: Canvas, series: Sequence[Series], up: Scale, height: float) -> None:
    """Names the lines at their right ends, moved apart where they would touch."""
    ends = sorted(((up(line.points[-1].value), line) for line in series), key=lambda end: end[0])
    places = spread([end for end, _ in ends], LABEL_STEP, TOP - 4, height - BOTTOM - 6)
    left = WIDTH - RIGHT + 8
    for place, (_, line) in zip(places, ends, strict=True):
        look = line.look
        with canvas.group(look.css_class):
            canvas.line([(left, place), (left + 14, place)], look.colour, 1.9, look.dash)
            canvas.marker(left + 7, place, look.marker, look.colour, 5.5)
            canvas.text(left + 19, place, shortened(line.name, 13))


def told(name: str, axis: str, measure: Measure, point: Point) -> str:
    """A point in words, for those who rest on it."""
    spread_ = interval(point.low, point.high, measure.digits)
    value = f"{measure.heading} {number(point.value, measure.digits)}"
    return f"{name}, {axis} {level(point.x)}: {value}" + (f", 95% interval {spread_}" if spread_ else "")


def legible(levels: Sequence[float], width: float) -> set[float]:
    """Sorted levels on an axis of `width` pixels -> those whose labels do not touch; the last one always."""
    scale = width / (levels[-1] - levels[0])
    named = [levels[-1]]
    for value in reversed(levels[:-1]):
        room = CHARACTER * (len(level(value)) + len(level(named[-1]))) / 2 + 6
        if (named[-1] - value) * scale >= room:
            named.append(value)
    return set(named)


def spread(wanted: Sequence[float], step: float, low: float, high: float) -> list[float]:
    """Sorted places -> places at least `step` apart, moved as little as a single pass up and down does."""
    places = list(wanted)
    for index in range(1, len(places)):
        places[index] = max(places[index], places[index - 1] + step)
    if places and places[-1] > high:
        places[-1] = high
        for index in range(len(places) - 2, -1, -1):
            places[index] = min(places[index], places[index + 1] - step)
    if places and places[0] < low:
        places = [place + low - places[0] for place in places] if len(places) * step > high - low else places
    return places


def words(title: str, measure: Measure, series: Sequence[Series]) -> str:
    """The chart in a sentence: each line's first and last value."""
    parts = []
    for line in series:
        first, last = (number(point.value, measure.digits) for point in (line.points[0], line.points[-1]))
        parts.append(f"{line.name} from {first} to {last}")
    return f"{measure.heading} against the level of {title}: " + "; ".join(parts) + "."
