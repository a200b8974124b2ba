"""Matplotlib figures as SVG text whose colours and font are the page's own."""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from reports.charts.style import INK, MUTED, RULE, VARIABLES
from reports.formatting import printable

FONT = "var(--sans, Helvetica, Arial, sans-serif)"
SETTINGS = {
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.linewidth": 1,
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 1,
    "xtick.color": RULE,
    "xtick.labelcolor": MUTED,
    "xtick.labelsize": 11.5,
    "ytick.color": RULE,
    "ytick.labelcolor": MUTED,
    "ytick.labelsize": 11.5,
    "ytick.left": False,
    "lines.solid_capstyle": "round",
}


@dataclass(frozen=True)
class Chart:
    """An SVG, `width` x `height` CSS pixels, and the sentence that says the same in words."""

    svg: str
    width: int
    height: int
    words: str


class Canvas:
    """A figure measured in CSS pixels, y downwards from its top left corner."""

    def __init__(self, width: int, height: int):
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width / 72, height / 72), dpi=72)
        FigureCanvasSVG(self.figure)

    def axes(self, left: float, top: float, right: float, bottom: float):
        """Margins in pixels -> axes."""
        box = (left, bottom, self.width - left - right, self.height - top - bottom)
        scale = (self.width, self.height, self.width, self.height)
        return self.figure.add_axes([value / whole for value, whole in zip(box, scale, strict=True)])

    def overlay(self):
        """Axes over the whole figure whose data are pixels from the top left corner."""
        axes = self.axes(0, 0, 0, 0)
        axes.set(xlim=(0, self.width), ylim=(self.height, 0))
        axes.set_axis_off()
        return axes

    def text(self, x: float, y: float, text: object, **style) -> None:
        """Writes at pixels from the top left corner."""
        style = {"va": "center", "ha": "left"} | style
        self.figure.text(x / self.width, 1 - y / self.height, printable(text), **style)


@contextmanager
def drawing(salt: str) -> Iterator[None]:
    """The settings under which a figure is drawn; equal salts give equal files."""
    with mpl.rc_context(SETTINGS | {"svg.hashsalt": salt}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        yield


def finish(canvas: Canvas, identity: str, words: str) -> Chart:
    """A drawn canvas -> a chart; `identity` keeps its ids apart from those of other charts of the page."""
    buffer = io.StringIO()
    silent = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    canvas.figure.savefig(buffer, format="svg", transparent=True, metadata=silent)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<style type=\"text/css\">.*?</style>", "", text, count=1, flags=re.DOTALL)
    body = text[text.index(">") + 1 :]
    body = re.sub(r'\bid="([^"]*)"', lambda m: _identity(identity, m[1]), body)
    body = re.sub(r"url\(#([^)]*)\)", rf"url(#{identity}-\1)", body)
    body = re.sub(r'xlink:href="#([^"]*)"', rf'xlink:href="#{identity}-\1"', body)
    body = re.sub(r"font-family: [^;\"]*(?:'[^']*'[^;\"]*)*", f"font-family: {FONT}", body)
    body = re.sub(r"(font: (?:[\w.]+ )*[\d.]+px) [^;\"]*", rf"\1 {FONT}", body)
    for colour, variable in VARIABLES.items():
        body = re.sub(rf"(?<=[ :\"]){colour}\b", f"var({variable}, {colour})", body)
    head = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" class="chart" '
        f'role="img" aria-label="{escape(printable(words))}" width="{canvas.width}" height="{canvas.height}" '
        f'viewBox="0 0 {canvas.width} {canvas.height}" '
        'stroke-linejoin="round" stroke-linecap="butt">'
    )
    return Chart(head + body.strip(), canvas.width, canvas.height, printable(words))


def _identity(identity: str, name: str) -> str:
    """The id of a part, and the class of the series that it belongs to."""
    series = re.match(r"(series-(?:\d+|noisy))--", name)
    kind = f' class="{series[1]}"' if series else ""
    return f'id="{identity}-{name}"{kind}'
