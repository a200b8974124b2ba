"""Brightness of outputs, with and without the attention mask: measured, kept and drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from analysis.brightness import LEVELS, Brightness
from bench import spec
from bench.inside import findings
from bench.inside.figures import brightness as figure
from bench.inside.look import Drawing, Look
from bench.inside.outputs import Denoiser, described, to_levels
from bench.inside.patches import batches
from bench.inside.setting import Setting
from bench.networks.models import Model
from bench.noise import noises

VERSION = 1
CHANNELS = {3: ("red", "green", "blue"), 1: ("grey",)}  # and "all"
WORDS = (
    "Mean level of the output less that of the clean image, in levels of 255, both clipped and rounded to 8 bits. "
    "Intervals are 95% jackknife intervals over photographs (at most 16 groups)."
)


def with_unmasked(chosen: Sequence[Model]) -> list[Model]:
    """The models, each that masks its attention at test time followed by itself without the mask."""
    found: dict[str, Model] = {}
    for model in chosen:
        found.setdefault(model.label, model)
        if (
            not model.user_defined
            and model.parameters.get("attention_mask")
            and model.parameters.get("mask_at_test", True)
        ):
            twin = _unmasked(model)
            found.setdefault(twin.label, twin)
    return list(found.values())


def _unmasked(model: Model) -> Model:
    """The same weights, wherever they are, without the mask at test time."""
    given = {**dict(spec.parse(model.label).kwargs), "mask_at_test": False}
    order = ("size", "weights", *spec.parameters_of(model.factory))
    label = spec.canonical(model.name, {key: given[key] for key in order if key in given}, {})
    return replace(model, label=label, parameters={**model.parameters, "mask_at_test": False})


def measure(
    denoisers: Sequence[Denoiser], noise: Any, setting: Setting, advance: Callable[[], None]
) -> dict[str, Brightness]:
    """What was seen by model, 'clean' the first; `advance` is called for each patch."""
    channels = setting.patches.channels
    seen = {name: Brightness(channels) for name in ("clean", *(one.model.label for one in denoisers))}
    for batch in batches(setting.patches, noise, setting.seed, setting.protocol, 1):
        clean = to_levels(batch.clean)
        seen["clean"].add(clean, clean, batch.images[0])
        for one in denoisers:
            seen[one.model.label].add(to_levels(one(batch.noisy, batch.keys)), clean, batch.images[0])
        advance()
    return seen


def frame_of(seen: dict[str, Brightness]) -> pd.DataFrame:
    """One row per model and channel, and for all channels together: shift, low, high, in levels."""
    rows = []
    for model, brightness in seen.items():
        shift = brightness.shift()
        for place, channel in enumerate((*channels_of(brightness), "all") if model != "clean" else ()):
            rows.append({"model": model, "channel": channel, "shift": shift.value[place], "low": shift.low[place],
                         "high": shift.high[place]})  # fmt: skip
    return pd.DataFrame(rows)


def channels_of(brightness: Brightness) -> tuple[str, ...]:
    """What its channels are called."""
    return CHANNELS[len(brightness.counts)]


def look(frame: pd.DataFrame, seen: dict[str, Brightness], denoisers: Sequence[Denoiser], noise: Any,
         setting: Setting) -> Look:  # fmt: skip
    """The answer as it is kept."""
    settings = {**setting.described(), **described(denoisers), "noise": noises.canonical(noise), "version": VERSION}
    by_label = {one.model.label: one.model for one in denoisers}
    how = setting.how(version=VERSION)
    found = [
        {
            "measure": f"brightness_{row['channel']}",
            **findings.about(by_label[row["model"]], "", noise, setting.seed),
            **how, "value": row["shift"], "low": row["low"], "high": row["high"],
        }
        for row in frame.to_dict("records")
    ]  # fmt: skip
    histograms = pd.concat([
        pd.DataFrame(brightness.density().T, columns=channels_of(brightness)).assign(model=model, level=range(LEVELS))
        for model, brightness in seen.items()
    ])  # fmt: skip
    title = f"Brightness under {noises.canonical(noise)}"
    caption = (
        "Above: how many pixels of the outputs have a level, in percent, beside the clean images (grey). Below: the "
        "same less the clean images. A curve that is moved to the right is too bright."
    )
    tables = {"": frame, "histograms": histograms[["model", "level", *channels_of(seen["clean"])]]}
    drawing = Drawing(title, caption, figure.draw(seen, noises.canonical(noise)), numbers="histograms")
    return Look("brightness", findings.file_stem(noises.canonical(noise)), title, WORDS, settings, tables, (drawing,),
                found)  # fmt: skip
