"""Mask and complete: what networks restore of an image of which most pixels are masked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from analysis.complete import completion_psnr
from baselines.train.crops import mask_input
from bench.analyses.core import figures, measurements
from bench.analyses.core.outputs import Denoiser, load_denoiser, model_settings, to_levels
from bench.analyses.core.result import CaptionedFigure, Result, TextTable
from bench.analyses.core.scene import Scene
from bench.core.errors import BadInput
from bench.datasets.channels import in_colour
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


@dataclass(frozen=True)
class Completion:
    """One ratio in percent: masked pixels (H, W), the masked input and each model's output, uint8 (H, W, C)."""

    ratio: int
    masked: np.ndarray
    images: dict[str, np.ndarray]  # the masked input under 'masked', then the models


def parse_ratios(text: str) -> tuple[int, ...]:
    """'50,75,90' -> (50, 75, 90). Raises BadInput."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdigit() and int(part) <= 100 for part in parts):
        raise BadInput(f"--ratios: expected percentages such as 50,75,90, got {text!r}")
    return tuple(dict.fromkeys(int(part) for part in parts))


def measure(models: Sequence[Model], scene: Scene, ratios: Sequence[int]) -> Result:
    """PSNR in dB of each model's output for an input with a share of its pixels masked, by ratio in percent."""
    completions = complete([load_denoiser(model, scene.device) for model in models], scene, ratios)
    table = psnr_table(completions, scene.clean)
    psnr = table.set_index(["model", "ratio"])["psnr"].to_dict()
    settings = {"image_sha256": scene.settings["image_sha256"], "version": VERSION}
    rows = [
        {
            "measure": "completion_psnr", **measurements.subject(model, "", scene.noise, scene.seed), **scene.columns,
            "settings": measurements.settings_text({"ratio": ratio, **settings}), "value": psnr[model.label, ratio],
        }
        for model in models for ratio in ratios
    ]  # fmt: skip
    texts = [["masked input" if model == MASKED else model,
              *(f"{all_:.2f} ({masked:.2f})" for all_, masked in part[["psnr", "psnr_gone"]].to_numpy())]
             for model, part in table.groupby("model", sort=False)]  # fmt: skip
    headings = ("model", *(f"{ratio}% masked" for ratio in ratios))
    summary = TextTable(f"PSNR in dB (of masked pixels): {scene.title}", headings, texts)

    def draw(tables, models) -> list[CaptionedFigure]:
        title = f"Mask and complete: {', '.join(scene.labels)}"
        caption = "One row per share of masked pixels: the masked image, and each model's output with its PSNR."
        return [CaptionedFigure(title, caption, draw_images(scene.clean, completions, psnr))]

    question = {**scene.settings, "ratios": list(ratios), "version": VERSION}
    return Result("complete", scene.labels, question, [model_settings(model) for model in models], {"": table}, draw,
                  summary, rows)  # fmt: skip


def complete(denoisers: Sequence[Denoiser], scene: Scene, ratios: Sequence[int]) -> list[Completion]:
    """The input of a scene, masked at each ratio in percent, and completed by each model."""
    key = noises.stream_key("input mask", noises.pixel_hash(scene.clean), scene.seed)
    x = torch.from_numpy(scene.noisy).permute(2, 0, 1)[None].contiguous()  # (1, C, H, W)
    completions = []
    for ratio in ratios:
        generator = torch.Generator().manual_seed(key % 2**63)  # one stream for all ratios, so that masks are nested
        masked = mask_input(x, (ratio, ratio), generator)
        outputs = {one.model.label: one(masked, [key]) for one in denoisers}
        images = {
            name: to_levels(image)[0].permute(1, 2, 0).numpy() for name, image in {MASKED: masked, **outputs}.items()
        }
        completions.append(Completion(ratio, (masked != x).any(1)[0].numpy(), images))
    return completions


def psnr_table(completions: Sequence[Completion], clean: np.ndarray) -> pd.DataFrame:
    """One row per ratio and model ('masked' for the input): PSNR in dB of all pixels, and of the masked ones."""
    target = np.rint(clean * 255).astype(np.uint8)
    rows = [
        (model, one.ratio, *completion_psnr(image, target, one.masked))
        for one in completions
        for model, image in one.images.items()
    ]
    return pd.DataFrame(rows, columns=["model", "ratio", "psnr", "psnr_gone"])


def draw_images(clean: np.ndarray, completions: Sequence[Completion], psnr: Mapping[tuple[str, int], float]) -> Figure:
    """One row per ratio, as in figure 3 of Chen et al. (CVPR 2023): masked input and outputs; left the clean image.

    clean   (H, W, C) in [0, 1]
    psnr    dB by model and ratio
    """
    models = list(completions[0].images)[1:]
    height, width = clean.shape[:2]
    rows, columns = len(completions), len(models) + 2
    cell = min(1.75, max(1.1, MAX_WIDTH / columns))
    with figures.style():
        figure = Figure(figsize=(cell * columns, (cell * height / width + 0.22) * rows + 0.25), layout="constrained")
        figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes in grid.ravel():
            axes.set_axis_off()
        titled = [(grid[0, 0], clean, "clean")]
        for line, one in zip(grid, completions, strict=True):
            for axes, (model, image) in zip(line[1:], one.images.items(), strict=True):
                text = f"{one.ratio}% masked" if model == MASKED else f"{psnr[model, one.ratio]:.1f} dB"
                titled.append((axes, image, text))
        for axes, image, text in titled:
            axes.imshow(in_colour(image), interpolation="nearest")
            axes.set_title(text, fontsize=8, fontweight="normal", pad=3)
        for axes, model in zip(grid[0, 2:], models, strict=True):
            lines = [fill(part, int(cell * 12)) for part in model.replace("(", "\n(", 1).splitlines()]
            axes.annotate("\n".join(lines), (0, 1), xycoords="axes fraction", xytext=(0, 15),
                          textcoords="offset points", fontsize=8.5, fontweight="bold", va="bottom")  # fmt: skip
    return figure
