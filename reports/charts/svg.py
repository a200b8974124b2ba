"""Drawings as SVG text, in CSS pixels from the top left corner, in the page's own colours and font."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape

from matplotlib.ticker import MaxNLocator

from reports.charts import shapes
from reports.charts.shapes import PointXY, Shape, flat
from reports.charts.style import INK, MUTED, RULE
from reports.formatting import level, printable

FONT = "var(--sans, Helvetica, Arial, sans-serif)"


@dataclass(frozen=True)
class Chart:
    """A drawing of `width` x `height` CSS pixels, as shapes and as SVG, with a text alternative (`description`)."""

    svg: str
    width: int
    height: int
    description: str
    shapes: tuple[Shape, ...]


@dataclass(frozen=True)
class Scale:
    """A linear map from values between `low` and `high` to pixels between `start` and `end`."""

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float, margin: float) -> "Scale":
        """The scale that covers all finite values; `margin` is added on both sides, as a fraction of their range."""
        finite = [value for value in values if math.isfinite(value)] or [0.0]
        low, high = min(finite), max(finite)
        room = (high - low) * margin or max(abs(high) * 0.05, 0.5)
        return cls(low - room, high + room, start, end)

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, count: int) -> list[float]:
        """About `count` round values within its range."""
        found = MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]).tick_values(self.low, self.high)
        return [float(value) for value in found if self.low <= value <= self.high]


class Canvas:
    """Collects the shapes of one drawing."""

    def __init__(self, width: int, height: float):
        self.width, self.height = width, round(height)
        self._shapes: list[Shape] = []

    @contextmanager
    def group(self, css_class: str) -> Iterator[None]:
        """Gives all shapes drawn in the block a CSS class, so that a page can hide them."""
        before, self._shapes = self._shapes, []
        yield
        self._shapes = [*before, shapes.ShapeGroup(css_class, tuple(self._shapes))]

    def line(
        self, points: Sequence[PointXY], colour: str, width: float, dash: Sequence[float] = (), opacity: float = 1
    ) -> None:
        """A line through points."""
        self._shapes.append(shapes.Polyline(tuple(points), colour, width, tuple(dash), opacity))

    def area(self, points: Sequence[PointXY], colour: str, opacity: float) -> None:
        """A filled polygon."""
        self._shapes.append(shapes.Area(tuple(points), colour, opacity))

    def box(self, x: float, y: float, width: float, height: float, colour: str, opacity: float) -> None:
        """A filled rectangle."""
        self._shapes.append(shapes.box(x, y, width, height, colour, opacity))

    def marker(self, x: float, y: float, shape: str, colour: str, size: float, hollow: bool = False) -> None:
        """A marker of `shapes.marker`, `size` pixels across; '' draws none."""
        if shape:
            self._shapes.append(shapes.marker(x, y, shape, colour, size / 2, hollow))

    def target(self, x: float, y: float, radius: float, link: str, title: str) -> None:
        """An invisible disc with a link and a tooltip."""
        self._shapes.append(shapes.Target(x, y, radius, link, title))

    def text(self, x: float, y: float, text: object, size: float = 11.5, *, anchor: str = "start", bold: bool = False,
             colour: str = INK, link: str = "", upright: bool = False) -> None:  # fmt: skip
        """Text whose digits are centred on `y`; a link if `link` is given; rotated by 90 degrees if `upright`."""
        self._shapes.append(shapes.TextLabel(x, y, printable(text), size, anchor, bold, colour, link, upright))

    def value_axis(self, scale: Scale, low: float, high: float, count: int, *, upright: bool) -> None:
        """Grid lines from `low` to `high` with their values at the left (`upright`) or below."""
        for value in scale.ticks(count):
            at = scale(value)
            ends = [(low, at), (high, at)] if upright else [(at, low), (at, high)]
            self.line(ends, RULE, 1)
            if upright:
                self.text(low - 6, at, level(value), anchor="end", colour=MUTED)
            else:
                self.text(at, high + 14, level(value), anchor="middle", colour=MUTED)

    def finish(self, description: str) -> Chart:
        """The finished drawing; `description` is its text alternative."""
        spoken = printable(description)
        role = (
            "group"
            if any(isinstance(shape, shapes.TextLabel) and shape.link for shape in flat(self._shapes))
            else "img"
        )
        head = (  # the parts of an img are silent, and so must not be links
            f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="{role}" aria-label="{escape(spoken)}" '
            f'width="{self.width}" height="{self.height}" viewBox="0 0 {self.width} {self.height}" '
            f'stroke-linejoin="round" stroke-linecap="round" style="font-family:{FONT}">'
        )
        svg = head + "".join(shape.svg() for shape in self._shapes) + "</svg>"
        return Chart(svg, self.width, self.height, spoken, tuple(self._shapes))
