"""Quality against the level of one noise: a line and a band a model, named at its right end."""

from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from reports.charts.series import Series
from reports.charts.style import INK, MUTED
from reports.charts.svg import Canvas, Chart, drawing, finish
from reports.formatting import level, number, shortened
from reports.measures import Measure

WIDTH, HEIGHT = 352, 252
TOP, BOTTOM, LEFT, RIGHT = 46, 42, 42, 104
LABEL_STEP = 13.5
CHARACTER = 6.8


def level_curve(title: str, axis: str, measure: Measure, series: Sequence[Series], identity: str) -> Chart:
    """Series over at least two levels -> a small chart, 352 x 252 pixels, with 95% bands."""
    with drawing(identity):
        canvas = Canvas(WIDTH, HEIGHT)
        axes = canvas.axes(LEFT, TOP, RIGHT, BOTTOM)
        for line in sorted(series, key=lambda one: -one.look.index):
            _draw(axes, line)
        levels = sorted({point.x for line in series for point in line.points})
        axes.xaxis.set_major_locator(FixedLocator(levels))
        axes.xaxis.set_minor_locator(NullLocator())
        named = legible(levels, WIDTH - LEFT - RIGHT)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: level(value) if value in named else ""))
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        axes.margins(x=0.04, y=0.06)
        axes.tick_params(axis="y", pad=2)
        axes.tick_params(axis="x", length=4)
        canvas.text(0, 11, shortened(title, 40), fontsize=14, fontweight="bold")
        canvas.text(0, 31, measure.heading, fontsize=11.5, color=MUTED)
        plot_centre = LEFT + (WIDTH - LEFT - RIGHT) / 2
        canvas.text(plot_centre, HEIGHT - 9, shortened(axis, 44), fontsize=11.5, color=MUTED, ha="center")
        _label_ends(canvas, axes, series)
        return finish(canvas, identity, words(title, measure, series))


def _draw(axes, line: Series) -> None:
    look = line.look
    x, value, low, high = (
        np.array([getattr(point, part) for point in line.points]) for part in ("x", "value", "low", "high")
    )
    noisy = look.index < 0
    if not noisy:
        band = axes.fill_between(x, low, high, color=look.colour, alpha=0.11, linewidth=0)
        band.set_gid(f"{look.css_class}--band")
    (stroke,) = axes.plot(
        x, value, color=look.colour, linewidth=1.6 if noisy else 1.9, marker=look.marker, markersize=5
    )
    stroke.set_markeredgewidth(0)
    if look.dash:
        stroke.set_dashes(look.dash)
    stroke.set_gid(f"{look.css_class}--line")


def _label_ends(canvas: Canvas, axes, series: Sequence[Series]) -> None:
    """Names the lines at their right ends, moved apart where they would touch."""
    axes.get_xlim(), axes.get_ylim()  # sets the limits that the transformation below needs
    ends = []
    for line in series:
        last = next((point for point in reversed(line.points) if np.isfinite(point.value)), None)
        if last is not None:
            _, up = axes.transData.transform((last.x, last.value))
            ends.append((HEIGHT - up, line))
    ends.sort(key=lambda end: end[0])
    places = spread([end[0] for end in ends], LABEL_STEP, TOP - 4, HEIGHT - BOTTOM - 6)
    left = WIDTH - RIGHT + 4
    overlay = canvas.overlay()
    for place, (_, line) in zip(places, ends, strict=True):
        look = line.look
        (key,) = overlay.plot([left, left + 14], [place, place], color=look.colour, linewidth=1.9)
        (mark,) = overlay.plot([left + 7], [place], color=look.colour, marker=look.marker, markersize=5, mew=0)
        text = overlay.text(left + 19, place, shortened(line.name, 13), fontsize=11.5, va="center", color=INK)
        if look.dash:
            key.set_dashes(look.dash)
        for part, artist in (("key", key), ("mark", mark), ("name", text)):
            artist.set_gid(f"{look.css_class}--{part}")


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
        known = [point for point in line.points if np.isfinite(point.value)]
        if known:
            first, last = (number(point.value, measure.digits) for point in (known[0], known[-1]))
            parts.append(f"{line.name} from {first} to {last}")
    return f"{measure.heading} against the level of {title}: " + "; ".join(parts) + "."
