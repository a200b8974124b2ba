"""Densities of deep features under each noise, as in figure 15 of the paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.distributions import BINS, EDGES, Histograms
from bench.inside import figures
from reports.charts.style import INK, SERIES

JOINED = 8  # neighbouring bins that are drawn as one


def draw(distances: pd.DataFrame, seen: Mapping[str, Mapping[str, Histograms]], drawn: Sequence[str]) -> Figure:
    """A panel a model, a line a noise, on a logarithmic axis so that tails show; the distance beside each.

    `seen` has histograms by model and noise, `distances` a row for each of them; of `drawn` the first is the reference.
    """
    each = colours(drawn)
    values = distances.set_index(["model", "noise"])["wasserstein"]
    columns = min(len(seen), 3)
    lines = -(-len(seen) // columns)
    with figures.style():
        figure = Figure(figsize=(0.6 + 2.35 * columns, 0.75 + 2.3 * lines), layout="constrained")
        grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        for axes, (model, histograms) in zip(grid.ravel(), seen.items(), strict=False):
            for noise in reversed(drawn):
                dash = (0, (4, 1.5)) if noise == drawn[0] else "-"
                axes.plot(*smooth(histograms[noise]), color=each[noise], linestyle=dash, label=noise)
            axes.set_title(model)
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axes.set_ylim(1e-5, 2)
            axes.set_xlim(-12, 12)
            axes.grid()
            axes.tick_params(length=0, which="both")
            for place, noise in enumerate(drawn):
                text = f"{values[model, noise]:.3f}" if place else "distance"
                axes.text(0.97, 0.97 - 0.085 * place, text, color=each[noise], fontsize=7.5, ha="right", va="top",
                          transform=axes.transAxes)  # fmt: skip
        for axes in grid.ravel()[len(seen) :]:
            axes.set_axis_off()
        figure.supxlabel("projected feature, deviations of the reference", fontsize=9)
        figure.supylabel("density", fontsize=9)
        handles, labels = (part[::-1] for part in grid[0, 0].get_legend_handles_labels())
        figure.legend(handles, labels, loc="outside upper left", ncols=figures.legend_columns(figure, labels))
    return figure


def colours(drawn: Sequence[str]) -> dict[str, str]:
    """Ink for the reference, which comes first, and a colour for each other noise."""
    return dict(zip(drawn, (INK, *SERIES), strict=False))


def smooth(found: Histograms) -> tuple[np.ndarray, np.ndarray]:
    """(x, density) of bins joined by eights; bins that nothing is in are gaps."""
    counts = found.counts.sum((0, 1)).reshape(BINS // JOINED, JOINED).sum(1)
    edges = EDGES[::JOINED]
    density = counts / counts.sum() / np.diff(edges)
    return (edges[1:] + edges[:-1]) / 2, np.where(counts > 0, density, np.nan)
