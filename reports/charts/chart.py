"""A chart: one drawing by matplotlib for the page (SVG with links and hover texts, in its colours) and for papers."""

import math
import re
from collections.abc import Iterable, Sequence
from io import BytesIO
from xml.etree import ElementTree

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import Affine2D

from reports.charts.fonts import use_small_fonts
from reports.charts.style import INK, MUTED, VARIABLES, style
from reports.formatting import level, printable

FONT = "var(--sans, Helvetica, Arial, sans-serif)"
SVG, XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"


class Chart:
    """A figure of `width` inches and `height` points, laid out in points from its top left corner.

    `font` is the size of its text in points; `description` its text alternative.
    """

    def __init__(self, width: float, height: float, font: float, description: str):
        self.width, self.height, self.font = 72 * width, height, font
        self.description = printable(description)
        self.figure = Figure(figsize=(width, height / 72))
        self.figure.patch.set_visible(False)
        self.points = Affine2D().scale(1, -1).translate(0, height).scale(1 / 72) + self.figure.dpi_scale_trans
        self._parts: dict[str, tuple[Artist, str, Sequence[str], Sequence[str], bool]] = {}

    def axes(self, left: float, top: float, right: float, bottom: float, grid: str) -> Axes:
        """Axes between these margins in points, without spines, with the grid of one axis ('x', 'y' or '')."""
        size = (self.width - left - right) / self.width, (self.height - top - bottom) / self.height
        axes = self.figure.add_axes((left / self.width, bottom / self.height, *size), frameon=False)
        axes.grid(visible=False)
        for name, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
            if name == grid:
                axis.grid(visible=True, linewidth=0.08 * self.font, clip_on=False)
                axis.set_major_formatter(FuncFormatter(lambda value, _: level(value)))
            axis.set_tick_params(labelsize=0.97 * self.font, labelcolor=MUTED, bottom=False, left=False)
            axis.set_visible(name == grid)
        return axes

    def text(
        self,
        x: float,
        y: float,
        text: object,
        *,
        size: float = 1,
        bold: bool = False,
        colour: str = INK,
        align: str = "left",
        upright: bool = False,
        link: str = "",
        css_class: str = "",
    ) -> None:
        """Text whose digits are centred on `y`; `size` is in units of the chart's font."""
        drawn = self.figure.text(
            x,
            y,
            printable(text),
            transform=self.points,
            fontsize=size * self.font,
            color=colour,
            fontweight="bold" if bold else "normal",
            ha="center" if upright else align,
            va="bottom" if upright else "center_baseline",
            rotation=90 if upright else 0,
        )
        if link or css_class:
            self.describe(drawn, css_class, [link] if link else [])

    def describe(
        self,
        artist: Artist,
        css_class: str = "",
        links: Sequence[str] = (),
        titles: Sequence[str] = (),
        focusable: bool = True,
    ) -> None:
        """Give an artist, on pages, a CSS class, and its elements links and hover texts; `focusable` by keyboard."""
        artist.set_gid(f"part-{len(self._parts)}")
        self._parts[artist.get_gid()] = artist, css_class, links, titles, focusable

    def pdf(self) -> bytes:
        """The chart as PDF with embedded fonts, without links: equal bytes for equal charts."""
        for axes in self.figure.axes:
            axes.get_xticklabels(), axes.get_yticklabels()  # makes them
        for artist, *_ in self._parts.values():
            artist.set_url(None)
        use_small_fonts(self.figure.findobj(Text))
        return self._saved("pdf", {"Title": self.description, "CreationDate": None})

    def svg(self, pixels: float, salt: str) -> str:
        """The chart as SVG for a page, `pixels` wide; its ids are made with `salt`, which differs within a page."""
        for artist, _, links, *_ in self._parts.values():
            if links:
                artist.set_urls(links) if hasattr(artist, "set_urls") else artist.set_url(links[0])
        metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        root = ElementTree.fromstring(self._saved("svg", metadata, **{"svg.hashsalt": salt}))
        self._simplify(root)
        linked = any(part.get("tabindex") is None for part in root.iter("a"))
        role = "group" if linked else "img"  # the parts of an img are silent, and so must not be links
        spoken = (
            {"class": "chart", "role": role, "aria-label": self.description}
            if self.description
            else {"class": "swatch", "aria-hidden": "true"}
        )
        root.attrib = {
            "xmlns": SVG[1:-1],
            **spoken,
            "width": f"{pixels:.0f}",
            "height": f"{pixels * self.height / self.width:.0f}",
            "viewBox": f"0 0 {self.width:g} {self.height:g}",
            "style": f"font-family:{FONT}",
            "stroke-linejoin": "round",
        }
        return ElementTree.tostring(root, encoding="unicode")

    def _saved(self, kind: str, metadata: dict[str, object], **settings: object) -> bytes:
        written = BytesIO()
        with style(**settings):
            self.figure.savefig(written, format=kind, metadata=metadata)
        return written.getvalue()

    def _simplify(self, root: ElementTree.Element) -> None:
        """matplotlib's SVG -> with classes and titles, without ids of groups, fonts and needless digits."""
        root[:] = [child for child in root if child.tag == f"{SVG}g"]  # neither metadata nor a style for the whole page
        for element in root.iter():
            element.tag = element.tag.removeprefix(SVG)
            element.text = element.text if element.tag in ("text", "title") else None
            element.tail = None
            attributes = {name.removeprefix(XLINK): short(name, value) for name, value in element.items()}
            element.attrib = {name: value for name, value in attributes.items() if value and name != "target"}
            gid = element.attrib.pop("id", "") if element.tag == "g" else ""
            _, css_class, _, titles, focusable = self._parts.get(gid, (None, "", (), (), True))
            if css_class:
                element.set("class", css_class)
            for part, title in zip(element.findall(f".//{SVG}a") or [element], titles, strict=False):
                ElementTree.SubElement(part, "title").text = printable(title)
                if not focusable:
                    part.set("tabindex", "-1")


def short(name: str, value: str) -> str:
    """An attribute of matplotlib's SVG -> two decimals; a style -> the page's font, and its variables for colours."""
    if name == "style":
        kept = "; ".join(part for part in value.split("; ") if not part.startswith("font-family"))
        return re.sub("|".join(VARIABLES), lambda colour: f"var({VARIABLES[colour[0]]}, {colour[0]})", kept)
    value = re.sub(r"rotate\(-0 [^)]*\)", "", value)
    return re.sub(r"(\.\d\d)\d+", r"\1", " ".join(value.split())) if name in ("d", "x", "y", "transform") else value


def standalone(svg: str) -> str:
    """SVG of a page -> SVG for other programs: in points, literal colours and fonts, no links."""
    sized = re.sub(r'width="\d+" height="\d+" (viewBox="0 0 (\S+) (\S+)")', r'width="\2pt" height="\3pt" \1', svg)
    return re.sub(r"</?a\b[^>]*>", "", re.sub(r"var\(--[\w-]+, ([^()]*)\)", r"\1", sized))


def limits(values: Iterable[float], margin: float) -> tuple[float, float]:
    """The range of all finite values; `margin` is added on both sides, as a fraction of it."""
    finite = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(finite), max(finite)
    room = (high - low) * margin or max(abs(high) * 0.05, 0.5)
    return low - room, high + room


def locator(count: int) -> MaxNLocator:
    """At most `count` round values on an axis, and one more."""
    return MaxNLocator(count, steps=[1, 2, 2.5, 5, 10])
