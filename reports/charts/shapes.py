"""Shapes of drawings: coordinates in CSS pixels from the top left corner, sizes in CSS pixels, colours of `style`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from reports.charts.style import VARIABLES
from reports.formatting import printable

CENTRE = 0.35  # of the font size, from the middle of digits to their base line
PointXY = tuple[float, float]


def themed(colour: str) -> str:
    """A colour of the style -> its CSS variable, with the colour as the fallback for other programs."""
    return f"var({VARIABLES[colour]}, {colour})"


def svg_points(points: Sequence[PointXY]) -> str:
    """Points -> the value of an SVG attribute `points`."""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


@dataclass(frozen=True)
class Polyline:
    """A line through points; `dash` is in units of its width."""

    points: tuple[PointXY, ...]
    colour: str
    width: float
    dash: tuple[float, ...] = ()
    opacity: float = 1

    def svg(self) -> str:
        """The SVG element."""
        dashes = f' stroke-dasharray="{" ".join(f"{p * self.width:g}" for p in self.dash)}"' if self.dash else ""
        style = f"stroke:{themed(self.colour)};stroke-width:{self.width:g}"
        style += f";opacity:{self.opacity:g}" if self.opacity < 1 else ""
        return f'<polyline points="{svg_points(self.points)}" fill="none" style="{style}"{dashes}/>'


@dataclass(frozen=True)
class Area:
    """A filled polygon."""

    points: tuple[PointXY, ...]
    colour: str
    opacity: float = 1

    def svg(self) -> str:
        """The SVG element."""
        style = f"fill:{themed(self.colour)}" + (f";opacity:{self.opacity:.3g}" if self.opacity < 1 else "")
        return f'<polygon points="{svg_points(self.points)}" style="{style}"/>'


@dataclass(frozen=True)
class Disc:
    """A filled disc, or a ring with a line of 1.7 pixels."""

    x: float
    y: float
    radius: float
    colour: str
    hollow: bool = False

    def svg(self) -> str:
        """The SVG element."""
        ink = themed(self.colour)
        paint = f"fill:none;stroke:{ink};stroke-width:1.7" if self.hollow else f"fill:{ink}"
        return f'<circle cx="{self.x:.1f}" cy="{self.y:.1f}" r="{self.radius:g}" style="{paint}"/>'


@dataclass(frozen=True)
class TextLabel:
    """Text whose digits are centred on `y`; rotated by 90 degrees if `upright`; a link if `link` is not empty."""

    x: float
    y: float
    text: str
    size: float
    anchor: str
    bold: bool
    colour: str
    link: str
    upright: bool

    def svg(self) -> str:
        """The SVG element."""
        style = f"font-size:{self.size:g}px;fill:{themed(self.colour)}" + (";font-weight:600" if self.bold else "")
        position = f'x="{self.x:.1f}" y="{self.y + CENTRE * self.size:.1f}"'
        if self.upright:
            position = f'transform="translate({self.x + CENTRE * self.size:.1f} {self.y:.1f}) rotate(-90)"'
        position += f' text-anchor="{self.anchor}"' if self.anchor != "start" else ""
        element = f'<text {position} style="{style}">{escape(self.text)}</text>'
        return f'<a href="{escape(self.link)}">{element}</a>' if self.link else element


@dataclass(frozen=True)
class Target:
    """An invisible disc with a tooltip and a link; only pages have it, files of charts do not."""

    x: float
    y: float
    radius: float
    link: str
    title: str

    def svg(self) -> str:
        """The SVG element."""
        title = f"<title>{escape(printable(self.title))}</title>"
        disc = f'<circle cx="{self.x:.1f}" cy="{self.y:.1f}" r="{self.radius:g}" fill-opacity="0">{title}</circle>'
        return f'<a href="{escape(self.link)}" tabindex="-1">{disc}</a>' if self.link else disc


@dataclass(frozen=True)
class ShapeGroup:
    """Shapes with a common CSS class, so that a page can hide them."""

    css_class: str
    shapes: tuple["Shape", ...]

    def svg(self) -> str:
        """The SVG element."""
        return f'<g class="{self.css_class}">{"".join(shape.svg() for shape in self.shapes)}</g>'


Shape = Polyline | Area | Disc | TextLabel | Target | ShapeGroup


def flat(nested: Sequence[Shape]) -> Iterator[Shape]:
    """Shapes without their groups and without targets, which only pages have."""
    for shape in nested:
        if isinstance(shape, ShapeGroup):
            yield from flat(shape.shapes)
        elif not isinstance(shape, Target):
            yield shape


CORNERS = {
    "s": [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
    "^": [(0, -1.1), (1.1, 0.9), (-1.1, 0.9)],
    "v": [(0, 1.1), (1.1, -0.9), (-1.1, -0.9)],
    "D": [(0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)],
    "P": [(-0.4, -1.1), (0.4, -1.1), (0.4, -0.4), (1.1, -0.4), (1.1, 0.4), (0.4, 0.4), (0.4, 1.1), (-0.4, 1.1),
          (-0.4, 0.4), (-1.1, 0.4), (-1.1, -0.4), (-0.4, -0.4)],
    "X": [(-1, -1), (-0.5, -1), (0, -0.5), (0.5, -1), (1, -1), (0.5, 0), (1, 1), (0.5, 1), (0, 0.5), (-0.5, 1),
          (-1, 1), (-0.5, 0)],
    "p": [(0, -1.1), (1.05, -0.3), (0.65, 0.95), (-0.65, 0.95), (-1.05, -0.3)],
}  # fmt: skip


def marker(x: float, y: float, shape: str, colour: str, radius: float, hollow: bool = False) -> Disc | Area:
    """A marker by its matplotlib letter (o, s, ^, v, D, P, X, p, or | for a stroke); only 'o' can be hollow."""
    if shape == "o":
        return Disc(x, y, radius, colour, hollow)
    if shape == "|":
        return box(x - 0.8, y - radius, 1.6, 2 * radius, colour)
    return Area(tuple((x + radius * across, y + radius * down) for across, down in CORNERS[shape]), colour)


def box(x: float, y: float, width: float, height: float, colour: str, opacity: float = 1) -> Area:
    """A filled rectangle."""
    return Area(((x, y), (x + width, y), (x + width, y + height), (x, y + height)), colour, opacity)
