"""What all figures for papers share: size and font, texts that fit, and files that are equal if the figures are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from bench.analyses.core.figures import style
from bench.core.errors import BadInput
from bench.core.files import write
from reports.formatting import printable

WIDTHS = {"column": 3.5, "page": 7.2}  # inches, of papers in two columns
FORMATS = ("pdf", "png", "svg")
DOTS_PER_INCH = 600  # of PNG, and the most that images in a figure have
LINE = 1.25  # distance of two lines of text, in units of the font's size
# PDF and SVG without dates; text in SVG is drawn as shapes, since SVG cannot embed fonts
METADATA = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}
EMBEDDED = {"pdf.fonttype": 42, "pdf.use14corefonts": False, "svg.fonttype": "path"}


@dataclass(frozen=True)
class Look:
    """Width of a figure in inches, and size of its text in points."""

    width: float = WIDTHS["column"]
    font_size: float = 7.0

    @property
    def em(self) -> float:
        """The size of the text in inches."""
        return self.font_size / 72

    @property
    def context(self) -> rc_context:
        """Matplotlib's settings for drawing in this look."""
        sizes = ("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize", "legend.fontsize")
        thin = {"axes.linewidth": 0.6, "grid.linewidth": 0.5, "lines.linewidth": 1.1, "lines.markersize": 3.2}
        return rc_context(dict.fromkeys(sizes, self.font_size) | thin)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PDF, PNG or SVG, by the suffix of the file. Raises BadInput."""
    kind, content = format_of(path), BytesIO()
    with style(), rc_context(EMBEDDED):
        figure.savefig(content, format=kind, dpi=DOTS_PER_INCH, metadata=METADATA[kind])
    write(path, content.getvalue())


def format_of(path: Path) -> str:
    """The format of a figure's file. Raises BadInput for a suffix that is none."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise BadInput(f"--out: expected a file name that ends in .pdf, .png or .svg, got {path}")
    return kind


def text_width(text: str, size: float, bold: bool = False) -> float:
    """The width in points of a line of text of `size` points."""
    font = FontProperties(size=size, weight="bold" if bold else "normal")
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] if text else 0.0


def wrapped(text: object, width: float, size: float) -> list[str]:
    """Text on lines of at most `width` points, divided after spaces and punctuation where possible, never cut off."""
    lines, rest = [], printable(text).strip()
    while text_width(rest, size) > width:
        fitting = next(end for end in range(len(rest) - 1, 0, -1) if end == 1 or text_width(rest[:end], size) <= width)
        ends = [match.end() for match in re.finditer(r"[\s),=_:/-]|.(?=\()", rest[:fitting])]
        if rest[fitting].isspace():
            ends.append(fitting)
        end = max((end for end in ends if end > fitting / 4), default=fitting)
        lines.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*lines, rest]
