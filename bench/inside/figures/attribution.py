"""Local attribution maps on their image, and their shares by distance."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis.attribution import Attribution, Window
from bench.datasets.channels import in_colour
from bench.inside import figures
from reports.charts.style import look


def draw(noisy: np.ndarray, noise: str, window: Window, maps: Mapping[str, Attribution]) -> Figure:
    """The input (H, W, C) in [0, 1] with the window, each model's map on it, and how its share grows with distance."""
    models, noisy = list(maps), in_colour(noisy)
    grey = noisy.clip(0, 1) @ np.array([0.299, 0.587, 0.114], np.float32)
    with figures.style():
        columns = len(models) + 1
        figure = Figure(figsize=(1.9 * columns, 4.3), layout="constrained")
        upper, lower = figure.subfigures(2, 1, height_ratios=(1.25, 1))
        grid = upper.subplots(1, columns, squeeze=False)[0]
        for axes, model in zip(grid, ["", *models], strict=True):
            axes.set_axis_off()
            axes.imshow(noisy.clip(0, 1) if not model else 0.5 + 0.5 * grey, cmap="gray", vmin=0, vmax=1)
            frame_ = Rectangle((window.left - 0.5, window.top - 0.5), window.side, window.side, fill=False,
                               edgecolor="#ffffff" if not model else "#1c2024", linewidth=1.2)  # fmt: skip
            if model:
                strength = np.abs(maps[model].map)
                strength = (strength / np.quantile(strength, 0.999)).clip(0, 1) ** 0.5
                colour = np.zeros((*strength.shape, 4))
                colour[..., :3] = np.array([213, 94, 0]) / 255  # vermilion, on grey
                colour[..., 3] = strength
                axes.imshow(colour)
            axes.add_patch(frame_)
            title = f"{model}\ndiffusion index {maps[model].diffusion_index:.1f}" if model else noise
            axes.set_title(title, fontsize=8, fontweight="normal" if not model else "bold")
        axes = lower.subplots()
        for model in models:
            distance, share = maps[model].within(window)
            style = look(models, model)
            axes.plot(distance, 100 * share, color=style.colour, label=model)
        farthest = max(found.reach(window, 0.995) for found in maps.values())
        axes.set_xlim(0, max(4.0, farthest))
        least = min(found.within(window)[1][0] for found in maps.values())
        axes.set_ylim(20 * np.floor(5 * least), 102)
        axes.set_xlabel("distance from the window, pixels")
        axes.set_ylabel("share of the map, %")
        axes.grid()
        axes.tick_params(length=0)
        axes.legend(loc="lower right")
    return figure
