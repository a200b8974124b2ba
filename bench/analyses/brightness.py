"""Brightness of outputs, with and without the attention mask at test time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.brightness import LEVELS, Brightness
from bench import spec
from bench.analyses.core import figures
from bench.analyses.core.config import Config
from bench.analyses.core.outputs import denoised, outputs_result, to_levels
from bench.analyses.core.result import CaptionedFigure, Result, TextTable, estimate_texts
from bench.models.model_specs import Model
from noise_zoo.noise import Noise
from reports.charts.style import MUTED

TITLE = "Brightness of outputs"
ORDER = 50
ABOUT = (
    "Mean output level minus mean clean level, in 8-bit levels, of outputs and clean images that are clipped and "
    "rounded to 8 bits. 95% jackknife intervals over photographs (in at most 16 groups)."
)
VERSION = 1
CHANNELS = {3: ("red", "green", "blue"), 1: ("grey",)}  # and "all"
CLEAN = "clean"
LEVELS_PER_POINT = 4  # of a curve
DASHES = ((), (4, 1.5), (1.5, 1.2), (5, 1.5, 1.2, 1.5))


def measure(models: Sequence[Model], config: Config, noise: Noise) -> Result:
    """Shift of the mean output level by model and channel, in 8-bit levels, and histograms of the levels.

    Models that mask their attention at test time are measured without the mask too. Raises BadInput for an output that
    is not an image.
    """
    models = with_unmasked(models)
    measured = {name: Brightness(config.patches.channels) for name in (CLEAN, *(model.label for model in models))}
    for batch, outputs in denoised(models, config, noise):
        for name, image in {CLEAN: batch.clean, **outputs}.items():
            measured[name].add(to_levels(image), to_levels(batch.clean), batch.images[0])
    shifts = shift_table({model.label: measured[model.label] for model in models})
    estimates = [
        (f"brightness_{row.channel}", row.model, (row.shift, row.low, row.high)) for row in shifts.itertuples()
    ]
    tables = {"": shifts, "histograms": histogram_table(measured)}
    return outputs_result(
        "brightness", models, config, noise, VERSION, estimates, tables=tables, draw=draw, summarize=summary
    )


def summary(result: Result) -> TextTable:
    """One row per model, one column per channel: the shift with its interval."""
    shifts = result.tables[""]
    lines = [
        [result.name(model), *estimate_texts(part, ("shift", "low", "high"))]
        for model, part in shifts.groupby("model", sort=False)
    ]
    return TextTable("Shift of the mean level, in 8-bit levels [95%]", ["model", *shifts["channel"].unique()], lines)


def with_unmasked(models: Sequence[Model]) -> list[Model]:
    """The models, each with an attention mask at test time followed by the same without it."""
    chosen: dict[str, Model] = {}
    for model in models:
        chosen.setdefault(model.label, model)
        masks = model.parameters.get("attention_mask") and model.parameters.get("mask_at_test", True)
        if masks and not model.user_defined:
            unmasked = _unmasked(model)
            chosen.setdefault(unmasked.label, unmasked)
    return list(chosen.values())


def _unmasked(model: Model) -> Model:
    """The same weights without the mask at test time."""
    given = {**dict(spec.parse(model.label).kwargs), "mask_at_test": False}
    order = ("size", "weights", *spec.parameters_of(model.factory))
    label = spec.canonical(model.name, {key: given[key] for key in order if key in given}, {})
    return replace(model, label=label, parameters={**model.parameters, "mask_at_test": False})


def shift_table(measured: dict[str, Brightness]) -> pd.DataFrame:
    """One row per model and channel, and for all channels together: shift, low, high, in 8-bit levels."""
    parts = []
    for model, brightness in measured.items():
        shift = brightness.shift()
        parts.append(
            pd.DataFrame(
                {
                    "model": model,
                    "channel": [*channels_of(brightness), "all"],
                    "shift": shift.value,
                    "low": shift.low,
                    "high": shift.high,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def channels_of(brightness: Brightness) -> tuple[str, ...]:
    """Names of its channels."""
    return CHANNELS[len(brightness.counts)]


def histogram_table(measured: dict[str, Brightness]) -> pd.DataFrame:
    """One row per model ('clean' for the clean images) and level: the share of the pixels by channel."""
    parts = [
        pd.DataFrame(one.density().T, columns=channels_of(one)).assign(model=model, level=range(LEVELS))
        for model, one in measured.items()
    ]
    return pd.concat(parts, ignore_index=True)[["model", "level", *channels_of(measured[CLEAN])]]


def draw(result: Result) -> list[CaptionedFigure]:
    """The figure of a result."""
    caption = (
        "Top: share of the pixels by level, of the outputs and of the clean images (grey). Bottom: share of the "
        "outputs minus share of the clean images. A curve shifted to the right is too bright."
    )
    title = f"Brightness under {result.settings['noise']}"
    return [CaptionedFigure(title, caption, draw_histograms(result), numbers="histograms")]


def draw_histograms(result: Result) -> Figure:
    """Histograms of the channels as in figure 5 of Chen et al. (CVPR 2023), and their difference from the clean one."""
    table = result.tables["histograms"]
    percent = 100 * table.groupby(["model", table["level"] // LEVELS_PER_POINT], sort=False).sum().drop(columns="level")
    clean, levels = percent.loc[CLEAN], np.arange(LEVELS).reshape(-1, LEVELS_PER_POINT).mean(1)
    colours = figures.model_colours(name for name in table["model"] if name != CLEAN)
    figure = Figure(figsize=(7.2, 4.3), layout="constrained")
    grid = figure.subplots(2, len(clean.columns), sharex=True, sharey="row", height_ratios=(1.4, 1), squeeze=False)
    for channel, (upper, lower) in zip(clean, grid.T, strict=True):
        filled = upper.fill_between(levels, clean[channel], color=MUTED, alpha=0.3, linewidth=0, label=CLEAN)
        lines = []
        for (model, colour), dash in zip(colours.items(), cycle(DASHES), strict=False):
            style = {"color": colour, "linewidth": 1.2, "linestyle": (0, dash), "label": result.name(model)}
            lines += upper.plot(levels, percent.loc[model, channel], **style)
            lower.plot(levels, percent.loc[model, channel] - clean[channel], **style)
        upper.set_title(channel)
        lower.axhline(0, color=MUTED, linewidth=0.8, zorder=1)
        lower.set(xlabel="level", xlim=(0, 255), xticks=(0, 64, 128, 192))
    grid[0, 0].set(ylim=(0, None), ylabel="pixels, %")
    grid[1, 0].set_ylabel("minus clean, %")
    figures.legend(figure, [filled, *lines], result.settings["noise"])
    return figure
