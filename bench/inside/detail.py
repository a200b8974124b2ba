"""How much fine detail each model loses: kept share and error by spatial frequency, measured, kept and drawn."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.frequency import EDGES, RANGES, Spectrum
from bench import noises
from bench.inside import figures, findings
from bench.inside.outputs import Denoiser
from bench.inside.patches import batches
from bench.inside.setting import Setting, opened, record
from bench.statistics import NOISY
from bench.store import write_whole
from reports.charts.style import INK, MUTED, look

VERSION = 1
WORDS = (
    "Frequencies in cycles per pixel: coarse below 1/8, middle below 1/4, fine below 1/2. Kept: the share of the clean "
    "image that is in the output. Error: in dB against that of the noisy input; above 0 the output is worse than the "
    "input. Intervals are 95% jackknife intervals over photographs (at most 16 groups)."
)


def measure(
    denoisers: Sequence[Denoiser], noise: Any, setting: Setting, advance: Callable[[], None]
) -> dict[str, Spectrum]:
    """What was seen by model, the noisy input last; `advance` is called for each patch."""
    seen = {name: Spectrum() for name in (*(one.model.label for one in denoisers), NOISY)}
    for batch in batches(setting.patches, noise, setting.seed, setting.protocol, 1):
        for one in denoisers:
            output = one(batch.noisy, batch.keys).clamp(0, 1)
            seen[one.model.label].add(output, batch.clean, batch.images[0])
        seen[NOISY].add(batch.noisy, batch.clean, batch.images[0])
        advance()
    return seen


def frame_of(seen: dict[str, Spectrum]) -> pd.DataFrame:
    """A row a model and range: share of the clean image kept, and error against the noisy input (dB), with bounds."""
    rows = []
    for model, spectrum in seen.items():
        for name in RANGES:
            kept, error = spectrum.kept_in(name), spectrum.error_in(name, seen[NOISY])
            rows.append({
                "model": model, "range": name, "kept": kept.value, "kept_low": kept.low, "kept_high": kept.high,
                "error": error.value, "error_low": error.low, "error_high": error.high,
            })  # fmt: skip
    return pd.DataFrame(rows)


def curves(seen: dict[str, Spectrum]) -> pd.DataFrame:
    """A row a model and frequency: share kept, power of the error and of the clean image, in the square of [0, 1]."""
    middle = (EDGES[1:] + EDGES[:-1]) / 2
    return pd.concat(
        [
            pd.DataFrame({"model": model, "frequency": middle, "kept": one.kept(), "error_power": one.power(one.error),
                          "clean_power": one.power(one.clean)}).dropna()
            for model, one in seen.items()
        ],
        ignore_index=True,
    )  # fmt: skip


def keep(frame: pd.DataFrame, seen: dict[str, Spectrum], denoisers: Sequence[Denoiser], noise: Any,
         setting: Setting) -> list[Path]:  # fmt: skip
    """Findings into the run store; numbers, curves, settings and figure beside it. Raises BadInput."""
    stem = findings.file_stem(setting.out / "detail", noises.canonical(noise))
    patches = setting.patches
    how = findings.settings_text({"patches": len(patches.patches), "side": patches.side, "version": VERSION})
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
            "measure": f"{measure}_{row['range']}",
            **findings.about(by_label[row["model"]], "", noise, setting.seed),
            "dataset": ", ".join(patches.datasets), "protocol": setting.protocol.name, "settings": how,
            "device": str(setting.device),
            "value": row[column], "low": row[f"{column}_low"], "high": row[f"{column}_high"],
        }
        for row in frame[frame["model"] != NOISY].to_dict("records")
        for measure, column in (("detail_kept", "kept"), ("detail_error", "error"))
    ]  # fmt: skip
    with opened(setting.out) as store:
        findings.write(store, rows)
        record(store, "detail", settings)
        texts = {
            "": frame.to_csv(index=False),
            "-curves": curves(seen).to_csv(index=False, float_format="%.6g"),
        }
        written = [stem.with_name(f"{stem.name}{suffix}.csv") for suffix in texts]
        for path, text in zip(written, texts.values(), strict=True):
            write_whole(path, text.encode())
        written.append(stem.with_name(f"{stem.name}.json"))
        write_whole(written[-1], (json.dumps(settings, indent=1) + "\n").encode())
        return [*written, *figures.save(draw(seen, noise), stem)]


def draw(seen: dict[str, Spectrum], noise: Any):
    """By frequency: the share of the clean image that is kept, and the power of the error beside that of the image."""
    from matplotlib.figure import Figure

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
                      title=noises.canonical(noise), alignment="left",
                      title_fontproperties={"weight": "bold"})  # fmt: skip
    return figure


def _decibel(power: np.ndarray) -> np.ndarray:
    return 10 * np.log10(np.maximum(power, 1e-12))
