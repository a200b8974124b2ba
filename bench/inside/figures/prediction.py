"""The drop in PSNR against measures of what is inside: all cells, and each noise less its mean over models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.inside import figures
from reports.charts.style import INK, MARKERS, MUTED, SERIES


def draw(cells: pd.DataFrame, correlations: pd.DataFrame, titles: Mapping[str, str]) -> Figure:
    """A column a measure of `titles`; colour is the noise, shape the model.

    `cells` has a row a model and noise (model, noise, noise_name, drop and the measures), `correlations` a row a
    measure and question.
    """
    models, families = (list(dict.fromkeys(cells[column])) for column in ("model", "noise_name"))
    with figures.style():
        figure = Figure(figsize=(0.6 + 2.05 * len(titles), 5.0), layout="constrained")
        grid = figure.subplots(2, len(titles), squeeze=False, sharey="row")
        for (measure, title), (upper, lower) in zip(titles.items(), grid.T, strict=True):
            known = cells[cells[measure].notna()]
            inside = _without_noise(known, measure)
            _panel(upper, known, measure, models, families)
            rho = correlations[correlations["measure"] == measure].set_index("question")
            upper.set_title(title, pad=18)
            _number(upper, rho.loc["all"])
            if np.isnan(rho.loc["models", "rho"]):  # all models have the same number, or there are too few
                lower.set_axis_off()
                continue
            _panel(lower, inside, measure, models, families)
            _number(lower, rho.loc["models"])
            lower.set_xlabel(f"{title},\nless the noise's mean", fontsize=8)
            lower.axhline(0, color=MUTED, linewidth=0.8, zorder=1)
            lower.axvline(0, color=MUTED, linewidth=0.8, zorder=1)
        grid[0, 0].set_ylabel("drop in PSNR, dB")
        grid[1, 0].set_ylabel("less the noise's mean, dB")
        _legend(figure, models, families)
    return figure


def _without_noise(cells: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Measure and drop less their means over the models under a noise at a level."""
    means = cells.groupby("noise")[[measure, "drop"]].transform("mean")
    return cells.assign(**{column: cells[column] - means[column] for column in (measure, "drop")})


def _panel(axes: Axes, cells: pd.DataFrame, measure: str, models: Sequence[str], families: Sequence[str]) -> None:
    for (model, family), some in cells.groupby(["model", "noise_name"], sort=False):
        axes.plot(some[measure], some["drop"], linestyle="none", **_look(models.index(model), families.index(family)))
    axes.grid()
    axes.tick_params(length=0)


def _look(model: int, family: int) -> dict:
    return {"marker": MARKERS[model % len(MARKERS)], "color": SERIES[family % len(SERIES)], "markersize": 4.2,
            "alpha": 0.8, "markeredgewidth": 0}  # fmt: skip


def _number(axes: Axes, found: pd.Series) -> None:
    """Rank correlation and interval above a panel."""
    if np.isnan(found["rho"]):
        text = "nothing to order"
    else:
        bounds = "" if np.isnan(found["low"]) else f" [{found['low']:.2f}, {found['high']:.2f}]"
        text = f"ρ = {found['rho']:.2f}{bounds}"
    axes.text(0, 1.03, text, transform=axes.transAxes, fontsize=8, color=INK)


def _legend(figure: Figure, models: Sequence[str], families: Sequence[str]) -> None:
    handles = [Line2D([], [], linestyle="none", label=name, **{**_look(place, 0), "color": MUTED})
               for place, name in enumerate(models)]  # fmt: skip
    handles += [Line2D([], [], linestyle="none", label=name, **{**_look(0, place), "marker": "s"})
                for place, name in enumerate(families)]  # fmt: skip
    columns = figures.legend_columns(figure, [handle.get_label() for handle in handles])
    figure.legend(handles=handles, loc="outside upper left", ncols=columns)
