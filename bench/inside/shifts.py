"""Brightness of outputs, with and without the attention mask: measured, kept and drawn."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.brightness import LEVELS, Brightness
from bench import models, noises, spec
from bench.inside import figures, findings
from bench.inside.outputs import Denoiser, to_levels
from bench.inside.patches import batches
from bench.inside.setting import Setting, opened, record
from bench.models import Model
from bench.store import write_whole
from reports.charts.style import MUTED, look

VERSION = 1
CHANNELS = ("red", "green", "blue", "all")
WORDS = (
    "Mean level of the output less that of the clean image, in levels of 255, both clipped and rounded to 8 bits. "
    "Intervals are 95% jackknife intervals over photographs (at most 16 groups)."
)


def with_unmasked(chosen: Sequence[Model]) -> list[Model]:
    """The models, each that masks its attention at test time followed by itself without the mask."""
    found: dict[str, Model] = {}
    for model in chosen:
        found.setdefault(model.label, model)
        if not model.outside and model.parameters.get("attention_mask") and model.parameters.get("mask_at_test", True):
            parsed = spec.parse(model.label)
            given = {**dict(parsed.kwargs), "mask_at_test": False}
            twin = models.resolve(spec.canonical(parsed.name, given, {}), model.size)
            found.setdefault(twin.label, twin)
    return list(found.values())


def measure(
    denoisers: Sequence[Denoiser], noise: Any, setting: Setting, advance: Callable[[], None]
) -> dict[str, Brightness]:
    """What was seen by model, 'clean' the first; `advance` is called for each patch."""
    seen = {name: Brightness() for name in ("clean", *(one.model.label for one in denoisers))}
    for batch in batches(setting.patches, noise, setting.seed, setting.protocol, 1):
        clean = to_levels(batch.clean)
        seen["clean"].add(clean, clean, batch.images[0])
        for one in denoisers:
            seen[one.model.label].add(to_levels(one(batch.noisy, batch.keys)), clean, batch.images[0])
        advance()
    return seen


def frame_of(seen: dict[str, Brightness]) -> pd.DataFrame:
    """A row a model and channel: shift, low, high, in levels."""
    rows = []
    for model, brightness in seen.items():
        shift = brightness.shift()
        for place, channel in enumerate(CHANNELS if model != "clean" else ()):
            rows.append({"model": model, "channel": channel, "shift": shift.value[place], "low": shift.low[place],
                         "high": shift.high[place]})  # fmt: skip
    return pd.DataFrame(rows)


def keep(frame: pd.DataFrame, seen: dict[str, Brightness], denoisers: Sequence[Denoiser], noise: Any,
         setting: Setting) -> list[Path]:  # fmt: skip
    """Findings into the run store; shifts, histograms, settings and figure beside it. Raises BadInput."""
    folder = setting.out / "brightness"
    how = {"patches": len(setting.patches.patches), "side": setting.patches.side, "version": VERSION}
    settings = {
        **setting.described(),
        "noise": noises.canonical(noise),
        "models": [one.model.label for one in denoisers],
        "weights_sha256": [one.model.weights_hash for one in denoisers],
        "device": str(setting.device),
        "version": VERSION,
        "words": WORDS,
    }
    by_label = {one.model.label: one.model for one in denoisers}
    rows = [
        {
            "measure": f"brightness_{row['channel']}",
            **findings.about(by_label[row["model"]], "", noise, setting.seed),
            "dataset": ", ".join(setting.patches.datasets), "protocol": setting.protocol.name,
            "settings": findings.settings_text(how), "device": str(setting.device),
            "value": row["shift"], "low": row["low"], "high": row["high"],
        }
        for row in frame.to_dict("records")
    ]  # fmt: skip
    histograms = pd.concat([
        pd.DataFrame(brightness.density().T, columns=CHANNELS[:3]).assign(model=model, level=range(LEVELS))
        for model, brightness in seen.items()
    ])  # fmt: skip
    with opened(setting.out) as store:
        findings.write(store, rows)
        record(store, "brightness", settings)
        texts = {
            "shifts.csv": frame.to_csv(index=False),
            "histograms.csv": histograms[["model", "level", *CHANNELS[:3]]].to_csv(index=False, float_format="%.6g"),
            "brightness.json": json.dumps(settings, indent=1) + "\n",
        }
        for name, text in texts.items():
            write_whole(folder / name, text.encode())
        return [*(folder / name for name in texts), *figures.save(draw(seen, noise), folder / "brightness")]


def draw(seen: dict[str, Brightness], noise: Any, joined: int = 4):
    """Histograms of the channels above, and what each model adds to the clean histogram below, as in figure 5."""
    from matplotlib.figure import Figure

    labels = [model for model in seen if model != "clean"]
    levels = np.arange(LEVELS).reshape(-1, joined).mean(1)
    clean = _joined(seen["clean"], joined)
    with figures.style():
        figure = Figure(figsize=(7.2, 4.3), layout="constrained")
        grid = figure.subplots(2, 3, sharex=True, sharey="row", height_ratios=(1.4, 1))
        for channel in range(3):
            upper, lower = grid[:, channel]
            upper.fill_between(levels, clean[channel], color=MUTED, alpha=0.3, linewidth=0, label="clean")
            for place, model in enumerate(labels):
                style = look(labels, model)
                dash = (0, ((), (4, 1.5), (1.5, 1.2), (5, 1.5, 1.2, 1.5))[place % 4])
                share = _joined(seen[model], joined)[channel]
                upper.plot(levels, share, color=style.colour, linewidth=1.2, linestyle=dash, label=model)
                lower.plot(levels, share - clean[channel], color=style.colour, linewidth=1.2, linestyle=dash)
            upper.set_title(CHANNELS[channel])
            lower.axhline(0, color=MUTED, linewidth=0.8, zorder=1)
            lower.set_xlabel("level")
            lower.set_xlim(0, 255)
            lower.set_xticks((0, 64, 128, 192))
            for axes in (upper, lower):
                axes.grid()
                axes.tick_params(length=0)
        grid[0, 0].set_ylim(0, None)
        grid[0, 0].set_ylabel("pixels, %")
        grid[1, 0].set_ylabel("less clean, %")
        handles, names = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper left", ncols=figures.legend_columns(figure, names),
                      title=noises.canonical(noise), alignment="left",
                      title_fontproperties={"weight": "bold"})  # fmt: skip
    return figure


def _joined(brightness: Brightness, joined: int) -> np.ndarray:
    """Percent of the pixels in neighbouring levels together, (3, 256 / joined)."""
    return 100 * brightness.density().reshape(3, -1, joined).sum(2)
