"""Local attribution maps: which input pixels the structure in a window of the output depends on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis.attribute import Attribution, Window
from analysis.attribute import attribute as attribution_of
from bench.analyses.core import figures
from bench.analyses.core.outputs import Denoiser, load_denoiser, model_settings
from bench.analyses.core.result import CaptionedFigure, Result, TextTable
from bench.analyses.core.scene import Scene
from bench.core.errors import BadInput, as_bad_input, shortened
from bench.core.integers import integers_of
from bench.core.progress import progress
from bench.datasets.channels import in_colour
from bench.models import inference
from bench.models.mask_keys import keyed
from bench.models.model_specs import Model
from bench.noise import noises
from reports.charts.style import INK

TITLE = "Input pixels that an output depends on"
ORDER = 80
ABOUT = (
    "Local attribution maps (Gu & Dong, CVPR 2021): input pixels that the structure in a window of the output depends "
    "on. Diffusion index: 0 if one pixel has all of the map, 100 if all pixels have the same share. Radius of 50% and "
    "90%: distance from the window within which that share of the map lies. Sum: of the map, relative to its exact "
    "value; 1 for steps that are fine enough."
)
VERSION = 1
MAP_COLOUR = (213 / 255, 94 / 255, 0)  # vermilion, on a grey image


def parse_window(at: str | None, side: int, shape: tuple[int, ...]) -> Window:
    """The window of an image (H, W, C) whose top left pixel is `at`, 'row,column'; None for the middle.

    Raises BadInput for a window that is not inside.
    """
    height, width = shape[:2]
    if side > min(height, width):
        raise BadInput(f"--window: expected at most {min(height, width)} pixels, got {side}")
    if at is None:
        return Window((height - side) // 2, (width - side) // 2, side)
    try:
        top, left = integers_of(at)
    except ValueError:
        raise BadInput(
            f"--at: expected row,column of the window's top left pixel such as 40,56, got {shortened(at)}"
        ) from None
    window = Window(top, left, side)
    if window.top > height - side or window.left > width - side:
        raise BadInput(f"--at: expected at most {height - side},{width - side} for a window of {side} pixels, got {at}")
    return window


def measure(models: Sequence[Model], scene: Scene, window: Window, steps: int) -> Result:
    """Diffusion index and reach of each model's attribution map for a window of its output.

    Raises BadInput if an output has no gradient, or does not depend on the input.
    """
    maps = {}
    with progress("models", len(models)) as bar:
        for model in models:
            maps[model.label] = attribution_map(load_denoiser(model, scene.device), scene, window, steps)
            bar.advance()
    table = map_table(maps, window)
    settings = {"window": asdict(window), "steps": steps, "version": VERSION}
    rows = [
        scene.measurement("diffusion_index", model, maps[model.label].diffusion_index, **settings) for model in models
    ]
    return Result(
        "attribute",
        scene.labels,
        {**scene.settings, **settings},
        [model_settings(model) for model in models],
        {"": table, "shares": share_table(maps, window)},
        partial(draw, scene, window),
        partial(summary, scene, window),
        rows,
        {model: one.map for model, one in maps.items()},
        joins=True,
    )


def summary(scene: Scene, window: Window, result: Result) -> TextTable:
    """One row per model: diffusion index, share inside the window, radii, sum."""
    return TextTable(
        f"{scene.title}, window of {window.side}x{window.side} at {window.top},{window.left}",
        ("model", "diffusion index", "inside the window", "radius of 50%", "radius of 90%", "sum"),
        [
            (
                result.name(row.model),
                f"{row.diffusion_index:.1f}",
                f"{100 * row.inside:.0f}%",
                f"{row.half:.1f} pixels",
                f"{row.nine_tenths:.1f} pixels",
                f"{row.completeness:.3f}",
            )
            for row in result.tables[""].itertuples()
        ],
    )


def attribution_map(denoiser: Denoiser, scene: Scene, window: Window, steps: int) -> Attribution:
    """The map of one model. Raises BadInput if its output has no gradient, or does not depend on the input."""
    key = noises.mask_key(noises.pixel_hash(scene.clean), scene.noise, scene.seed)
    x = inference.to_batch(scene.noisy).to(denoiser.device)
    network = denoiser.for_image(x.shape[1])
    options = keyed(network, [key])  # the same masks along the whole path
    network.requires_grad_(False)
    with as_bad_input(f"model {denoiser.model.label}"):
        return attribution_of(lambda image: network(image, **options), x, window, steps)


def map_table(maps: Mapping[str, Attribution], window: Window) -> pd.DataFrame:
    """One row per model: diffusion index, share of the map inside the window, radius of 50% and 90% in pixels, sum."""
    rows = [
        (
            model,
            one.diffusion_index,
            one.within(window)[1][0],
            one.reach(window, 0.5),
            one.reach(window, 0.9),
            one.completeness,
        )
        for model, one in maps.items()
    ]
    return pd.DataFrame(rows, columns=["model", "diffusion_index", "inside", "half", "nine_tenths", "completeness"])


def share_table(maps: Mapping[str, Attribution], window: Window) -> pd.DataFrame:
    """One row per model and distance from the window in pixels: the share of the map within it."""
    parts = (
        pd.DataFrame({"model": model, **dict(zip(("distance", "share"), one.within(window), strict=True))})
        for model, one in maps.items()
    )
    return pd.concat(parts, ignore_index=True)


def draw(scene: Scene, window: Window, result: Result) -> list[CaptionedFigure]:
    """The figure of a result."""
    title = f"Where the output comes from: {scene.image}, {scene.noise_text}"
    caption = (
        "Top: the input with the window, and for each model the pixels that the structure in this window of its "
        "output depends on. Bottom: share of the map by distance from the window."
    )
    return [CaptionedFigure(title, caption, draw_maps(scene, window, result), numbers="shares")]


def draw_maps(scene: Scene, window: Window, result: Result) -> Figure:
    """The input with the window, each model's map on the grey input, and its share by distance from the window."""
    shown = in_colour(scene.noisy).clip(0, 1)
    grey = 0.5 + 0.5 * (shown @ np.array([0.299, 0.587, 0.114], np.float32))
    index = result.tables[""].set_index("model")["diffusion_index"]
    shares = {model: part for model, part in result.tables["shares"].groupby("model", sort=False)}
    figure = Figure(figsize=(1.9 * (len(shares) + 1), 4.3), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=(1.25, 1))
    first, *others = upper.subplots(1, len(shares) + 1)
    first.imshow(shown)
    first.set_title(scene.noise_text, fontsize=8, fontweight="normal")
    for axes, model in zip(others, shares, strict=True):
        weight = np.abs(result.arrays[model])
        opacity = (weight / np.quantile(weight, 0.999)).clip(0, 1) ** 0.5
        axes.imshow(grey, cmap="gray", vmin=0, vmax=1)
        axes.imshow(np.dstack([np.broadcast_to(MAP_COLOUR, (*opacity.shape, 3)), opacity]))
        name = figures.wrapped(result.name(model), 1.9, 8)
        axes.set_title(f"{name}\ndiffusion index {index[model]:.1f}", fontsize=8)
    for axes in (first, *others):
        axes.set_axis_off()
        axes.add_patch(
            Rectangle(
                (window.left - 0.5, window.top - 0.5),
                window.side,
                window.side,
                fill=False,
                edgecolor="white" if axes is first else INK,
                linewidth=1.2,
            )
        )
    axes = lower.subplots()
    for model, colour in figures.model_colours(shares).items():
        axes.plot(shares[model]["distance"], 100 * shares[model]["share"], color=colour, label=result.name(model))
    smallest = min(part["share"].min() for part in shares.values())
    widest = max(part.loc[part["share"] >= 0.995, "distance"].min() for part in shares.values())
    axes.set(
        xlim=(0, max(4.0, widest)),
        xlabel="distance from the window, pixels",
        ylim=(20 * np.floor(5 * smallest), 102),
        ylabel="share of the map, %",
    )
    axes.legend(loc="lower right")
    return figure
