"""Figures for papers: one look, and files that are equal where the numbers are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from bench.files import write_whole
from reports.charts.style import INK, MUTED, RULE

STYLE = {
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.7,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "svg.fonttype": "none",  # text stays text
    "pdf.fonttype": 42,  # as TrueType, which journals ask for
    "svg.hashsalt": "maskbench",  # equal figures are equal files
}


@contextmanager
def style() -> Iterator[None]:
    """Draw inside it."""
    with matplotlib.rc_context(STYLE):
        yield


def save(figure: Figure, stem: Path) -> list[Path]:
    """Write STEM.svg, STEM.pdf and STEM.png (200 dots an inch). Raises StoreFull."""
    written = []
    for kind, metadata in (("svg", {"Date": None}), ("pdf", {"CreationDate": None}), ("png", {})):
        content = BytesIO()
        with style():
            figure.savefig(content, format=kind, dpi=200, metadata=metadata, bbox_inches="tight", pad_inches=0.06)
        path = stem.with_name(f"{stem.name}.{kind}")
        write_whole(path, content.getvalue())
        written.append(path)
    return written


def legend_columns(figure: Figure, labels: Sequence[str]) -> int:
    """How many entries stand side by side over a figure; a column is as wide as its longest entry."""
    for columns in range(len(labels), 1, -1):
        longest = (max(map(len, some)) for some in np.array_split(labels, columns))
        if sum(0.065 * length + 0.55 for length in longest) <= figure.get_figwidth():  # inches
            return columns
    return 1
