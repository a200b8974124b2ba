"""CKA of all pairs of layers as a heatmap, as in figure 12 of the paper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import seaborn
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bench.inside import figures


@dataclass(frozen=True)
class Side:
    """An axis: what it is called, and its layers in the order in which they run."""

    label: str
    layers: tuple[str, ...]


def draw(value: np.ndarray, rows: Side, columns: Side) -> Figure:
    """CKA (A, B); rows from the first layer at the bottom. Colours go from the tenth below the smallest value to 1."""
    across, down = len(columns.layers), len(rows.layers)
    longest = max(across, down)
    cell = 0.62 if longest <= 10 else 0.5 if longest <= 16 else 0.26 if longest <= 40 else 0.16  # inches
    written = cell >= 0.5
    least = float(np.nanmin(value)) if np.isfinite(value).any() else 0.0
    low = min(0.9, np.floor(least * 10) / 10)
    with figures.style():
        figure = Figure(figsize=(cell * across + 1.9, cell * down + 1.3))
        axes = figure.subplots()
        bar = axes.inset_axes((1 + 0.12 / (cell * across), 0, 0.14 / (cell * across), 1))  # as high as the map
        seaborn.heatmap(
            value[::-1], ax=axes, vmin=low, vmax=1, cmap="cividis", square=True,
            annot=written, fmt=".3f" if low >= 0.8 else ".2f", annot_kws={"fontsize": 8 if cell > 0.5 else 7},
            linewidths=0.6 if cell > 0.2 else 0, linecolor="white",
            xticklabels=columns.layers, yticklabels=rows.layers[::-1],
            cbar_ax=bar, cbar_kws={"label": "CKA", "ticks": MaxNLocator(min(10, max(1, int(3 * cell * down))))},
        )  # fmt: skip
        for text in axes.texts:  # black or white, whichever is the easier to read on its cell
            colour = axes.collections[0].get_cmap()((float(text.get_text()) - low) / (1 - low))
            text.set_color("black" if luminance(colour) > 0.18 else "white")
        axes.tick_params(length=0, labelsize=8 if written else 6.5)
        axes.set_xticks(axes.get_xticks(), axes.get_xticklabels(), rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(axes.get_yticks(), axes.get_yticklabels(), rotation=0)
        axes.set_xlabel(columns.label, fontweight="bold")
        axes.set_ylabel(rows.label, fontweight="bold")
    return figure


def luminance(colour: tuple[float, ...]) -> float:
    """Relative luminance of an sRGB colour in [0, 1]. Source: WCAG 2.1."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
