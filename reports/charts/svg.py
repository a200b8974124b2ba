"""Drawings as SVG text, in CSS pixels from the top left corner, in the page's own colours and font."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape

from matplotlib.ticker import MaxNLocator

from reports.charts.style import INK, MUTED, RULE, VARIABLES
from reports.formatting import level, printable

FONT = "var(--sans, Helvetica, Arial, sans-serif)"
CENTRE = 0.35  # of the font size, from the middle of digits to their base line


Place = tuple[float, float]


@dataclass(frozen=True)
class Chart:
    """An SVG, `width` x `height` CSS pixels, and the sentence that says the same in words."""

    svg: str
    width: int
    height: int
    words: str


@dataclass(frozen=True)
class Scale:
    """A linear map from values between `low` and `high` to pixels between `start` and `end`."""

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float, margin: float) -> "Scale":
        """The scale that shows all finite values with a margin, a part of their range, on both sides."""
        finite = [value for value in values if math.isfinite(value)] or [0.0]
        low, high = min(finite), max(finite)
        room = (high - low) * margin or max(abs(high) * 0.05, 0.5)
        return cls(low - room, high + room, start, end)

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, count: int) -> list[float]:
        """About so many round values on it."""
        found = MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]).tick_values(self.low, self.high)
        return [float(value) for value in found if self.low <= value <= self.high]


class Canvas:
    """Collects the elements of one drawing."""

    def __init__(self, width: int, height: float):
        self.width, self.height = width, round(height)
        self._parts: list[str] = []

    @contextmanager
    def group(self, css_class: str) -> Iterator[None]:
        """What is drawn inside has that class, so that a page can hide it."""
        self._parts.append(f'<g class="{css_class}">')
        yield
        self._parts.append("</g>")

    def line(
        self, points: Sequence[tuple[float, float]], colour: str, width: float, dash=(), opacity: float = 1
    ) -> None:
        """A line through points."""
        place = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dashes = f' stroke-dasharray="{" ".join(f"{part * width:g}" for part in dash)}"' if dash else ""
        style = f"stroke:{themed(colour)};stroke-width:{width:g}" + (f";opacity:{opacity:g}" if opacity < 1 else "")
        self._parts.append(f'<polyline points="{place}" fill="none" style="{style}"{dashes}/>')

    def area(self, points: Sequence[Place], colour: str, opacity: float) -> None:
        """A filled polygon."""
        place = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._parts.append(f'<polygon points="{place}" style="fill:{themed(colour)};opacity:{opacity:g}"/>')

    def box(self, x: float, y: float, width: float, height: float, colour: str, opacity: float) -> None:
        """A filled rectangle."""
        style = f"fill:{themed(colour)};opacity:{opacity:.3g}"
        self._parts.append(f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" style="{style}"/>')

    def marker(self, x: float, y: float, shape: str, colour: str, size: float, hollow: bool = False) -> None:
        """A marker, `size` pixels across: o, s (or P), ^, v, D (or p), X; '' draws none, '|' a stroke."""
        if shape:
            paint = f"fill:none;stroke:{themed(colour)};stroke-width:1.7" if hollow else f"fill:{themed(colour)}"
            self._parts.append(_marker(x, y, shape, size / 2, paint))

    def target(self, x: float, y: float, radius: float, link: str, title: str) -> None:
        """An invisible disc that leads somewhere and says what it is."""
        disc = (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill-opacity="0"><title>{escape(title)}</title></circle>'
        )
        self._parts.append(f'<a href="{escape(link)}" tabindex="-1">{disc}</a>' if link else disc)

    def text(self, x: float, y: float, text: object, size: float = 11.5, *, anchor: str = "start", bold: bool = False,
             colour: str = INK, link: str = "") -> None:  # fmt: skip
        """Text whose digits are centred on `y`; a link where it leads somewhere."""
        style = f"font-size:{size:g}px;fill:{themed(colour)}" + (";font-weight:600" if bold else "")
        place = f'x="{x:.1f}" y="{y + CENTRE * size:.1f}"' + (f' text-anchor="{anchor}"' if anchor != "start" else "")
        element = f'<text {place} style="{style}">{escape(printable(text))}</text>'
        self._parts.append(f'<a href="{escape(link)}">{element}</a>' if link else element)

    def value_axis(self, scale: Scale, low: float, high: float, count: int, *, upright: bool) -> None:
        """Grid lines across the drawing from `low` to `high` with their values: beside it, or below it."""
        for value in scale.ticks(count):
            at = scale(value)
            ends = [(low, at), (high, at)] if upright else [(at, low), (at, high)]
            self.line(ends, RULE, 1)
            if upright:
                self.text(low - 6, at, level(value), anchor="end", colour=MUTED)
            else:
                self.text(at, high + 14, level(value), anchor="middle", colour=MUTED)

    def finish(self, words: str) -> Chart:
        """The drawing, with the sentence that says the same in words."""
        spoken = printable(words)
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" aria-label="{escape(spoken)}" '
            f'width="{self.width}" height="{self.height}" viewBox="0 0 {self.width} {self.height}" '
            f'stroke-linejoin="round" stroke-linecap="round" style="font-family:{FONT}">'
        )
        return Chart(head + "".join(self._parts) + "</svg>", self.width, self.height, spoken)


def themed(colour: str) -> str:
    """A colour of the style -> the page's variable for it, with the colour itself for other programs."""
    return f"var({VARIABLES[colour]}, {colour})"


def _marker(x: float, y: float, shape: str, r: float, paint: str) -> str:
    if shape == "o":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:g}" style="{paint}"/>'
    if shape == "|":
        return f'<rect x="{x - 0.8:.1f}" y="{y - r:.1f}" width="1.6" height="{2 * r:g}" style="{paint}"/>'
    corners = {
        "s": [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
        "^": [(0, -1.1), (1.1, 0.9), (-1.1, 0.9)],
        "v": [(0, 1.1), (1.1, -0.9), (-1.1, -0.9)],
        "D": [(0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)],
        "P": [(-0.4, -1.1), (0.4, -1.1), (0.4, -0.4), (1.1, -0.4), (1.1, 0.4), (0.4, 0.4), (0.4, 1.1), (-0.4, 1.1),
              (-0.4, 0.4), (-1.1, 0.4), (-1.1, -0.4), (-0.4, -0.4)],
        "X": [(-1, -1), (-0.5, -1), (0, -0.5), (0.5, -1), (1, -1), (0.5, 0), (1, 1), (0.5, 1), (0, 0.5), (-0.5, 1),
              (-1, 1), (-0.5, 0)],
        "p": [(0, -1.1), (1.05, -0.3), (0.65, 0.95), (-0.65, 0.95), (-1.05, -0.3)],
    }[shape]  # fmt: skip
    place = " ".join(f"{x + r * across:.1f},{y + r * down:.1f}" for across, down in corners)
    return f'<polygon points="{place}" style="{paint}"/>'
