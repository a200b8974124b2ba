"""Masked images and what networks make of them, as in figure 3 of the paper."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.datasets.channels import in_colour
from bench.inside import figures

PAGE = 9.0  # inches


def draw(
    clean: np.ndarray, pictures: Mapping[int, Mapping[str, np.ndarray]], psnr: Mapping[tuple[str, int], float]
) -> Figure:
    """A row a ratio: the masked image, then what each model makes of it; the clean image on the left.

    `clean` (H, W, 1 or 3) in [0, 1]; `pictures` uint8 by ratio and model, 'masked' the first; `psnr` in dB by both.
    """
    models = list(next(iter(pictures.values())))[1:]
    height, width = clean.shape[:2]
    columns, rows = len(models) + 2, len(pictures)
    cell = min(1.75, max(1.1, PAGE / columns))
    with figures.style():
        figure = Figure(figsize=(cell * columns, (cell * height / width + 0.22) * rows + 0.25), layout="constrained")
        figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes in grid.ravel():
            axes.set_axis_off()
        _show(grid[0, 0], clean, "clean")
        for axes, (ratio, some) in zip(grid[:, 1:], pictures.items(), strict=True):
            for one, (model, pixels) in zip(axes, some.items(), strict=True):
                _show(one, pixels, f"{ratio}% gone" if model == "masked" else f"{psnr[model, ratio]:.1f} dB")
        for axes, model in zip(grid[0, 2:], models, strict=True):
            lines = [fill(part, int(cell * 12)) for part in model.replace("(", "\n(", 1).splitlines()]
            axes.annotate("\n".join(lines), (0, 1), xycoords="axes fraction", xytext=(0, 15),
                          textcoords="offset points", fontsize=8.5, fontweight="bold", va="bottom")  # fmt: skip
    return figure


def _show(axes: Axes, image: np.ndarray, title: str) -> None:
    axes.imshow(in_colour(image), interpolation="nearest")
    axes.set_title(title, fontsize=8, fontweight="normal", pad=3)
