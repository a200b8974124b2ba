"""What outputs keep and how large their error is, by spatial frequency."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from analysis.frequency import EDGES, Spectrum
from bench.inside import figures
from bench.statistics import NOISY
from reports.charts.style import INK, MUTED, look


def draw(seen: dict[str, Spectrum], title: str) -> Figure:
    """By frequency: the share of the clean image that is kept, and the power of the error beside that of the image.

    `seen` has what was seen by model, the noisy input among them.
    """
    models = [model for model in seen if model != NOISY]
    middle = (EDGES[1:] + EDGES[:-1]) / 2
    noisy = seen[NOISY]
    with figures.style():
        figure = Figure(figsize=(7.2, 3.3), layout="constrained")
        left, right = figure.subplots(1, 2)
        right.fill_between(middle, _decibel(noisy.power(noisy.clean)), -80, color=MUTED, alpha=0.2, linewidth=0,
                           label="clean image")  # fmt: skip
        for model, one in seen.items():
            style = look(models, model)
            line = {"color": INK if model == NOISY else style.colour, "linestyle": "--" if model == NOISY else "-",
                    "linewidth": 1.2 if model == NOISY else 1.6,
                    "label": "noisy input" if model == NOISY else model}  # fmt: skip
            left.plot(middle, one.kept(), **line)
            right.plot(middle, _decibel(one.power(one.error)), **line)
        left.set_ylim(0, 1.12)
        left.set_title("clean image kept")
        left.set_ylabel("share")
        floor = min(np.nanmin(_decibel(one.power(one.error))) for one in seen.values())
        top = max(np.nanmax(_decibel(noisy.power(noisy.clean))[2:]), np.nanmax(_decibel(noisy.power(noisy.error))))
        right.set_ylim(np.floor(floor / 5) * 5, np.ceil(top / 5) * 5)
        right.set_title("power of the error")
        right.set_ylabel("dB")
        for axes in (left, right):
            axes.set_xlabel("spatial frequency, cycles per pixel")
            axes.set_xlim(0, 0.5)
            axes.set_xticks([0, 0.125, 0.25, 0.375, 0.5], ["0", "1/8", "1/4", "3/8", "1/2"])
            axes.grid()
            axes.tick_params(length=0)
        handles, labels = right.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=figures.legend_columns(figure, labels),
                      title=title, alignment="left",
                      title_fontproperties={"weight": "bold"})  # fmt: skip
    return figure


def _decibel(power: np.ndarray) -> np.ndarray:
    return 10 * np.log10(np.maximum(power, 1e-12))
