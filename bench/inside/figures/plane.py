"""Deep features on the two components on which the reference noise varies most, by noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.ndimage import gaussian_filter

from analysis.distributions import PLANE, PLANE_REACH, Histograms
from bench.inside import figures
from bench.inside.figures.densities import colours

SMOOTHED = 1.5  # cells: the deviation of the Gaussian that contours are smoothed with
REACH = 4  # deviations that are drawn


def draw(
    seen: Mapping[str, Mapping[str, Histograms]], shares: Mapping[str, np.ndarray], drawn: Sequence[str]
) -> Figure:
    """Half and nine tenths of the pixels of each noise lie inside its contours; of `drawn` the first is the reference.

    `seen` has histograms by model and noise, `shares` the components' shares of the variance by model.
    """
    each = colours(drawn)
    shown = [model for model in seen if len(shares[model]) > 1]
    columns = max(1, min(len(shown), 3))
    lines = max(1, -(-len(shown) // columns))
    centres = (np.arange(PLANE) + 0.5) * (2 * PLANE_REACH / PLANE) - PLANE_REACH
    with figures.style():
        figure = Figure(figsize=(0.6 + 2.35 * columns, 0.75 + 2.5 * lines), layout="constrained")
        grid = figure.subplots(lines, columns, squeeze=False)
        for axes, model in zip(grid.ravel(), shown, strict=False):
            for noise in reversed(drawn):
                density = gaussian_filter(seen[model][noise].plane.astype(float), SMOOTHED)
                axes.contour(centres, centres, density.T, levels=mass_levels(density, (0.9, 0.5)), colors=each[noise],
                             linewidths=(1.0, 1.6), linestyles="dashed" if noise == drawn[0] else "solid")  # fmt: skip
            axes.set_title(model)
            for name, share, label in zip("12", shares[model], (axes.set_xlabel, axes.set_ylabel), strict=False):
                label(f"component {name} ({100 * share:.0f}%)")
            axes.set_aspect("equal")
            axes.set_xlim(-REACH, REACH)
            axes.set_ylim(-REACH, REACH)
            axes.grid()
            axes.tick_params(length=0)
        for axes in grid.ravel()[len(shown) :]:
            axes.set_axis_off()
        handles = [Line2D([], [], color=each[noise], linestyle="--" if noise == drawn[0] else "-") for noise in drawn]
        figure.legend(handles, drawn, loc="outside upper left", ncols=figures.legend_columns(figure, drawn))
    return figure


def mass_levels(density: np.ndarray, shares: Sequence[float]) -> list[float]:
    """The densities above which the given shares (falling) of the mass lie, rising."""
    ordered = np.sort(density.ravel())[::-1]
    inside = np.cumsum(ordered) / ordered.sum()
    levels = [float(ordered[np.searchsorted(inside, share)]) for share in shares]
    return [level * (1 + 1e-9 * place) for place, level in enumerate(levels)]  # strictly rising
