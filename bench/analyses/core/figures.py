"""Figures of analyses in the style of the charts, and files that are equal if the numbers are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.core.files import write_whole
from reports.charts.style import series_style, style


def save(figure: Figure, stem: Path) -> list[Path]:
    """Write STEM.svg, STEM.pdf and STEM.png (200 dots per inch). Raises StoreFull."""
    written = []
    for kind, metadata in (("svg", {"Date": None}), ("pdf", {"CreationDate": None}), ("png", {})):
        content = BytesIO()
        with style():
            figure.savefig(content, format=kind, dpi=200, metadata=metadata, bbox_inches="tight", pad_inches=0.06)
        written.append(stem.with_name(f"{stem.name}.{kind}"))
        write_whole(written[-1], content.getvalue())
    return written


def model_colours(models: Iterable[str]) -> dict[str, str]:
    """The colour of each model, by label, in every chart and figure."""
    models = list(dict.fromkeys(models))
    return {model: series_style(models, model).colour for model in models}


def panels(count: int, height: float, share_y: bool = False) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels of `height` inches, at most three in a row."""
    rows = max(1, -(-count // 3))
    columns = max(1, -(-count // rows))
    figure = Figure(figsize=(0.6 + 2.35 * columns, 0.75 + height * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharey=share_y).ravel()
    for axes in grid[count:]:
        axes.set_axis_off()
    return figure, list(grid[:count])


def wrapped(text: str, width: float, points: float) -> str:
    """A bold text of a font size in lines of at most `width` inches."""
    characters = max(8, int(72 * width / (0.7 * points)))  # DejaVu Sans Bold: 0.7 of its size on average
    return "\n".join(fill(line, characters) for line in text.splitlines())


def legend(figure: Figure, handles: Sequence, title: str | None = None) -> None:
    """A legend above the figure, over its width; `handles` are labelled artists."""
    labels = [handle.get_label() for handle in handles]
    figure.legend(
        handles,
        labels,
        loc="outside upper left",
        ncols=legend_columns(figure, labels),
        title=title,
        alignment="left",
        title_fontproperties={"weight": "bold"},
    )


def legend_columns(figure: Figure, labels: Sequence[str]) -> int:
    """How many columns of a legend fit the width of a figure; a column is as wide as its longest label."""
    for columns in range(len(labels), 1, -1):
        longest = (max(map(len, some)) for some in np.array_split(labels, columns))
        if sum(0.065 * length + 0.55 for length in longest) <= figure.get_figwidth():  # inches
            return columns
    return 1
