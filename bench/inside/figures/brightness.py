"""Levels of outputs and what they add to those of the clean images, as in figure 5 of the paper."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from analysis.brightness import LEVELS, Brightness
from bench.inside import figures
from reports.charts.style import MUTED, look

CHANNELS = {3: ("red", "green", "blue"), 1: ("grey",)}


def draw(seen: dict[str, Brightness], title: str, joined: int = 4) -> Figure:
    """Histograms of the channels above, and what each model adds to the clean histogram below.

    `seen` has what was seen by model, and 'clean'; `joined` levels are drawn as one.
    """
    labels = [model for model in seen if model != "clean"]
    levels = np.arange(LEVELS).reshape(-1, joined).mean(1)
    clean = _joined(seen["clean"], joined)
    channels = CHANNELS[len(clean)]
    with figures.style():
        figure = Figure(figsize=(7.2, 4.3), layout="constrained")
        grid = figure.subplots(2, len(channels), sharex=True, sharey="row", height_ratios=(1.4, 1), squeeze=False)
        for channel, name in enumerate(channels):
            upper, lower = grid[:, channel]
            upper.fill_between(levels, clean[channel], color=MUTED, alpha=0.3, linewidth=0, label="clean")
            for place, model in enumerate(labels):
                style = look(labels, model)
                dash = (0, ((), (4, 1.5), (1.5, 1.2), (5, 1.5, 1.2, 1.5))[place % 4])
                share = _joined(seen[model], joined)[channel]
                upper.plot(levels, share, color=style.colour, linewidth=1.2, linestyle=dash, label=model)
                lower.plot(levels, share - clean[channel], color=style.colour, linewidth=1.2, linestyle=dash)
            upper.set_title(name)
            lower.axhline(0, color=MUTED, linewidth=0.8, zorder=1)
            lower.set_xlabel("level")
            lower.set_xlim(0, 255)
            lower.set_xticks((0, 64, 128, 192))
            for axes in (upper, lower):
                axes.grid()
                axes.tick_params(length=0)
        grid[0, 0].set_ylim(0, None)
        grid[0, 0].set_ylabel("pixels, %")
        grid[1, 0].set_ylabel("minus clean, %")
        handles, names = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper left", ncols=figures.legend_columns(figure, names),
                      title=title, alignment="left",
                      title_fontproperties={"weight": "bold"})  # fmt: skip
    return figure


def _joined(brightness: Brightness, joined: int) -> np.ndarray:
    """Percent of the pixels in neighbouring levels together, (C, 256 / joined)."""
    return 100 * brightness.density().reshape(len(brightness.counts), -1, joined).sum(2)
