"""SRGA as bars, as in figure 14 of the paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bench.inside import figures
from reports.charts.style import INK, MUTED, look

ROOM = 13  # levels side by side
BOUND = {"color": MUTED, "linewidth": 1, "linestyle": (0, (2, 1))}


def draw(frame: pd.DataFrame) -> Figure:
    """A panel a noise, a bar a model and level, with each model's noise floor; `frame` has a row a model and noise."""
    models = list(dict.fromkeys(frame["model"]))
    levels = {name: list(dict.fromkeys(part["noise"])) for name, part in frame.groupby("noise_name", sort=False)}
    width = {name: max(len(some), 0.17 * len(name) + 0.2) for name, some in levels.items()}  # room for its title
    rows = _rows(width)
    widest = max(sum(width[name] for name in row) for row in rows)
    top = 1.06 * np.nanmax(frame[["srga", "high", "floor", "floor_high"]].to_numpy(float))
    with figures.style():
        figure = Figure(figsize=(7.2, 0.9 + 1.75 * len(rows)), layout="constrained")
        for subfigure, names in zip(np.atleast_1d(figure.subfigures(len(rows), 1)), rows, strict=True):
            widths = [width[name] for name in names]
            filler = [widest - sum(widths)] if sum(widths) < widest else []
            grid = subfigure.add_gridspec(1, len(widths) + len(filler), width_ratios=widths + filler)
            for column, name in enumerate(names):
                axes = subfigure.add_subplot(grid[column])
                part = frame[frame["noise_name"] == name].set_index(["model", "noise"])
                _panel(axes, part, models, levels[name])
                axes.set_ylim(0, top)
                axes.tick_params(axis="y", labelleft=column == 0, length=0)
                axes.set_ylabel("" if column else "SRGA")
                axes.set_title(name)
                axes.set_xlabel(axis_name(levels[name]), fontsize=8)
        _legend(figure, models)
    return figure


def _panel(axes: Axes, part: pd.DataFrame, models: Sequence[str], levels: Sequence[str]) -> None:
    """The levels of one noise from left to right; the part of a bar that is noise floor is pale."""
    bar = 0.8 / len(models)
    for number, model in enumerate(models):
        shown = part.loc[model].reindex(levels)
        x = np.arange(len(shown)) + bar * (number - (len(models) - 1) / 2)
        axes.bar(x, shown["srga"], bar * 0.92, color=look(models, model).colour, zorder=2)
        axes.bar(x, shown["floor"], bar * 0.92, color="white", alpha=0.55, zorder=3, linewidth=0)
        error = [shown["srga"] - shown["low"], shown["high"] - shown["srga"]]
        axes.errorbar(x, shown["srga"], error, fmt="none", ecolor=INK, elinewidth=0.9, zorder=4)
        bound = shown["floor_high"].fillna(shown["floor"])
        axes.hlines(bound, x - bar / 2, x + bar / 2, zorder=5, **BOUND)
    axes.set_xlim(-0.5, len(levels) - 0.5)
    axes.set_xticks(range(len(levels)), [_level(noise) for noise in levels])
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="y")


def _legend(figure: Figure, models: Sequence[str]) -> None:
    handles = [Patch(facecolor=look(models, model).colour, label=model) for model in models]
    handles += [Patch(facecolor=MUTED, alpha=0.35, label="noise floor"), Line2D([], [], label="its bound", **BOUND)]
    columns = figures.legend_columns(figure, [handle.get_label() for handle in handles])
    figure.legend(handles=handles, loc="outside upper left", ncols=columns)


def _rows(widths: Mapping[str, float]) -> list[list[str]]:
    """Panels of some widths, in order, in as few rows as the page has room for, and these about equally full."""
    fewest = len(_filled(widths, ROOM))
    rooms = np.arange(max(widths.values()), ROOM + 0.5, 0.5)
    return next((rows for room in rooms if len(rows := _filled(widths, room)) == fewest), _filled(widths, ROOM))


def _filled(widths: Mapping[str, float], room: float) -> list[list[str]]:
    """Rows that take panels as long as they fit."""
    rows, used = [[]], 0.0
    for name, width in widths.items():
        if rows[-1] and used + width > room:
            rows.append([])
            used = 0.0
        rows[-1].append(name)
        used += width
    return rows


def _level(noise: str) -> str:
    """'25' of 'gaussian(sigma=25)'; the whole text of a noise with more than a level, nothing for one without."""
    inside = noise.partition("(")[2].removesuffix(")")
    return inside.partition("=")[2] if inside.count("=") == 1 else noise if inside else ""


def axis_name(levels: Sequence[str]) -> str:
    """'sigma', where all are of one parameter; else ''."""
    found = {noise.partition("(")[2].partition("=")[0] for noise in levels if noise.count("=") == 1}
    return found.pop() if len(found) == 1 and all("=" in noise for noise in levels) else ""
