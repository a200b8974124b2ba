"""Masked images and what networks make of them, as in figure 3 of the paper."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from bench.inside import figures


def draw(
    clean: np.ndarray, pictures: Mapping[int, Mapping[str, np.ndarray]], psnr: Mapping[tuple[str, int], float]
) -> Figure:
    """A column a ratio: the masked image above, what each model makes of it below; the clean image first.

    `clean` (H, W, 3) in [0, 1]; `pictures` uint8 by ratio and model, 'masked' the first; `psnr` in dB by both.
    """
    models = list(next(iter(pictures.values())))[1:]
    height, width = clean.shape[:2]
    cell = 1.75  # inches
    with figures.style():
        columns, rows = len(pictures) + 1, len(models) + 1
        size = (cell * columns, (cell * height / width + 0.22) * rows)
        figure = Figure(figsize=size, layout="constrained")
        figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes in grid.ravel():
            axes.set_axis_off()
        grid[0, 0].imshow(clean, interpolation="nearest")
        grid[0, 0].set_title("clean", fontsize=8, fontweight="normal")
        for row, model in enumerate(models, 1):
            grid[row, 0].text(0.98, 0.5, model, fontsize=9, fontweight="bold", ha="right", va="center",
                              transform=grid[row, 0].transAxes, wrap=True)  # fmt: skip
        for column, (ratio, some) in enumerate(pictures.items(), 1):
            for row, (model, pixels) in enumerate(some.items()):
                axes = grid[row, column]
                axes.imshow(pixels, interpolation="nearest")
                title = f"{ratio}% gone" if row == 0 else f"{psnr[model, ratio]:.1f} dB"
                axes.set_title(title, fontsize=8, fontweight="normal")
    return figure
