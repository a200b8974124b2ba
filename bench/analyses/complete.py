"""Mask and complete: what networks restore of an image of which most pixels are masked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.complete import completion_psnr
from baselines.train.crops import mask_input
from bench.analyses.core import figures
from bench.analyses.core.outputs import Denoiser, load_denoiser, model_settings, to_levels
from bench.analyses.core.result import CaptionedFigure, Result, TextTable
from bench.analyses.core.scene import Scene
from bench.core.errors import BadInput, shortened
from bench.core.integers import integers_of
from bench.datasets.channels import in_colour
from bench.models import inference
from bench.models.model_specs import Model
from bench.noise import noises

TITLE = "Masked pixels completed"
ORDER = 70
ABOUT = (
    "Masked pixels have the value -0.1 in all channels, as in the training of masked networks; pixels masked at one "
    "ratio are masked at every higher ratio. PSNR in dB against the clean image, of all pixels and of the masked "
    "ones."
)
VERSION = 1
MASKED = "masked"  # the input, in tables
MAX_WIDTH = 9.0  # inches


def parse_ratios(text: str) -> tuple[int, ...]:
    """'50,75,90' -> (50, 75, 90). Raises BadInput."""
    try:
        ratios = integers_of(text)
    except ValueError:
        ratios = ()
    if not ratios or max(ratios) > 100:
        raise BadInput(f"--ratios: expected percentages such as 50,75,90, got {shortened(text)}")
    return tuple(dict.fromkeys(ratios))


def measure(models: Sequence[Model], scene: Scene, ratios: Sequence[int]) -> Result:
    """PSNR in dB of each model's output for an input with a share of its pixels masked, by ratio in percent.

    Raises BadInput for an output that is not an image.
    """
    masks, images = complete([load_denoiser(model, scene.device) for model in models], scene, ratios)
    table = psnr_table(ratios, masks, images, scene.clean)
    psnr = table.set_index(["model", "ratio"])["psnr"]
    rows = [
        scene.measurement("completion_psnr", model, psnr[model.label, ratio], ratio=ratio, version=VERSION)
        for model in models
        for ratio in ratios
    ]
    return Result(
        "complete",
        scene.labels,
        {**scene.settings, "ratios": list(ratios), "version": VERSION},
        [model_settings(model) for model in models],
        {"": table},
        partial(draw, scene),
        partial(summary, scene),
        rows,
        images,
        joins=True,
    )


def summary(scene: Scene, result: Result) -> TextTable:
    """One row per model, the masked input first, and one column per ratio: PSNR of all and of the masked pixels."""
    table = result.tables[""]
    lines = [
        [
            "masked input" if model == MASKED else result.name(model),
            *(f"{row.psnr:.2f} ({row.psnr_gone:.2f})" for row in part.itertuples()),
        ]
        for model, part in table.groupby("model", sort=False)
    ]
    headings = ["model", *(f"{ratio}% masked" for ratio in table["ratio"].unique())]
    return TextTable(f"PSNR in dB (of masked pixels): {scene.title}", headings, lines)


def complete(
    denoisers: Sequence[Denoiser], scene: Scene, ratios: Sequence[int]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The input of a scene masked at each of R ratios in percent, and completed by each model.

    Returns the masked pixels, bool (R, H, W), and uint8 images (R, H, W, C): the input under 'masked', then the models.
    """
    key = noises.stream_key("input mask", noises.pixel_hash(scene.clean), scene.seed)
    x = inference.to_batch(scene.noisy)  # (1, C, H, W)
    one_stream = (torch.Generator().manual_seed(key % 2**63) for _ in ratios)  # for all ratios: masks are nested
    masked = [mask_input(x, (ratio, ratio), generator) for ratio, generator in zip(ratios, one_stream, strict=True)]
    outputs = {one.model.label: [one(image, key) for image in masked] for one in denoisers}
    images = {
        name: to_levels(torch.cat(of_ratio)).permute(0, 2, 3, 1).numpy()
        for name, of_ratio in {MASKED: masked, **outputs}.items()
    }
    return (torch.cat(masked) != x).any(1).numpy(), images


def psnr_table(
    ratios: Sequence[int], masks: np.ndarray, images: Mapping[str, np.ndarray], clean: np.ndarray
) -> pd.DataFrame:
    """One row per ratio and model ('masked' for the input): PSNR in dB of all pixels, and of the masked ones."""
    target = np.rint(clean * 255).astype(np.uint8)
    rows = [
        (model, ratio, *completion_psnr(of_ratio[index], target, masks[index]))
        for index, ratio in enumerate(ratios)
        for model, of_ratio in images.items()
    ]
    return pd.DataFrame(rows, columns=["model", "ratio", "psnr", "psnr_gone"])


def draw(scene: Scene, result: Result) -> list[CaptionedFigure]:
    """The figure of a result."""
    title = f"Mask and complete: {', '.join(scene.labels)}"
    caption = "One row per share of masked pixels: the masked image, and each model's output with its PSNR."
    return [CaptionedFigure(title, caption, draw_images(scene.clean, result))]


def draw_images(clean: np.ndarray, result: Result) -> Figure:
    """One row per ratio, as in figure 3 of Chen et al. (CVPR 2023): masked input and outputs; left the clean image.

    clean    (H, W, C) in [0, 1]
    result   its arrays are uint8 (ratios, H, W, C) by model, the masked input first
    """
    images, table = result.arrays, result.tables[""]
    ratios, psnr = table["ratio"].unique(), table.set_index(["model", "ratio"])["psnr"]
    height, width = clean.shape[:2]
    rows, columns = len(ratios), len(images) + 1
    cell = min(1.75, max(1.1, MAX_WIDTH / columns))
    figure = Figure(figsize=(cell * columns, (cell * height / width + 0.22) * rows + 0.25), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.ravel():
        axes.set_axis_off()
    show(grid[0, 0], clean, "clean")
    for model, column in zip(images, grid.T[1:], strict=True):
        for axes, image, ratio in zip(column, images[model], ratios, strict=True):
            show(axes, image, f"{ratio}% masked" if model == MASKED else f"{psnr[model, ratio]:.1f} dB")
        if model != MASKED:
            column[0].annotate(
                figures.wrapped(result.name(model).replace("(", "\n(", 1), cell, 8.5),
                (0, 1),
                xycoords="axes fraction",
                xytext=(0, 15),
                textcoords="offset points",
                fontsize=8.5,
                fontweight="bold",
                va="bottom",
            )
    return figure


def show(axes: Axes, image: np.ndarray, title: str) -> None:
    """An image (H, W, C) under a small title."""
    axes.imshow(in_colour(image), interpolation="nearest")
    axes.set_title(title, fontsize=8, fontweight="normal", pad=3)
