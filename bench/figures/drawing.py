"""What all figures for papers share: size and font, texts that fit, and files that are equal if the figures are."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure

from bench.core.errors import BadInput
from bench.core.files import write
from reports.charts.lettering import wrapped
from reports.charts.style import ONE_COLUMN, TWO_COLUMNS, style

WIDTHS = {"column": ONE_COLUMN, "page": TWO_COLUMNS}  # inches
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
    def context(self) -> AbstractContextManager[None]:
        """The style of all charts in these sizes, for drawing."""
        sizes = ("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize", "legend.fontsize")
        thin = {"axes.linewidth": 0.6, "grid.linewidth": 0.5, "lines.linewidth": 1.1, "lines.markersize": 3.2}
        return style(**dict.fromkeys(sizes, self.font_size), **thin)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PDF, PNG or SVG, by the suffix of the file. Raises BadInput."""
    kind, content = format_of(path), BytesIO()
    with style(**EMBEDDED):
        figure.savefig(content, format=kind, dpi=DOTS_PER_INCH, metadata=METADATA[kind])
    write(path, content.getvalue())


def format_of(path: Path) -> str:
    """The format of a figure's file. Raises BadInput for a suffix that is none."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise BadInput(f"--out: expected a file name that ends in .pdf, .png or .svg, got {path}")
    return kind


def divided(text: object, width: float, size: float) -> list[str]:
    """Text on as many lines of at most `width` points as it needs, divided at punctuation where possible."""
    return wrapped(text, width, size, count=len(str(text)) + 1)
