"""Fine detail: share of the clean image kept in the output, and error, by spatial frequency."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.detail import EDGES, RANGES, Spectrum
from bench.analyses.core import figures, measurements
from bench.analyses.core.config import Config
from bench.analyses.core.outputs import denoised, load_denoiser, model_settings, noise_question
from bench.analyses.core.result import CaptionedFigure, Models, Result, Tables, TextTable
from bench.models.model_specs import Model
from bench.noise import noises
from bench.runs.table import cell_text
from bench.statistics import NOISY
from reports.charts.style import INK, MUTED, series_style

TITLE = "Fine detail by spatial frequency"
ORDER = 60
ABOUT = (
    "Spatial frequency in cycles per pixel: coarse below 1/8, middle below 1/4, fine below 1/2. Kept: share of the "
    "clean image in the output. Error: power relative to the error of the noisy input, in dB; above 0 the output is "
    "worse than the input. 95% jackknife intervals over photographs (in at most 16 groups)."
)
VERSION = 1
MEASURES = {"detail_kept": "kept", "detail_error": "error"}


def measure(models: Sequence[Model], config: Config, noise: Any) -> Result:
    """Share of the clean image kept, and error in dB over that of the noisy input, by model and frequency range."""
    denoisers = [load_denoiser(model, config.device) for model in models]
    by_label = {one.model.label: one.model for one in denoisers}
    spectra = {name: Spectrum() for name in (*by_label, NOISY)}
    for batch, outputs in denoised(denoisers, config, noise):
        clipped = {name: output.clamp(0, 1) for name, output in outputs.items()}
        for name, image in {**clipped, NOISY: batch.noisy}.items():
            spectra[name].add(image, batch.clean, batch.images[0])
    table = range_table(spectra)
    rows = [
        {
            "measure": f"{name}_{row['range']}",
            **measurements.subject(by_label[row["model"]], "", noise, config.seed),
            **config.columns(version=VERSION),
            "value": row[column], "low": row[f"{column}_low"], "high": row[f"{column}_high"],
        }
        for row in table[table["model"] != NOISY].to_dict("records")
        for name, column in MEASURES.items()
    ]  # fmt: skip
    label = noises.canonical(noise)
    question = noise_question(config, noise, VERSION)
    return Result("detail", [label], question, [model_settings(model) for model in by_label.values()],
                  {"": table, "curves": curve_table(spectra)}, partial(draw, noise=label), summary(table), rows,
                  joins=True)  # fmt: skip


def range_table(spectra: dict[str, Spectrum]) -> pd.DataFrame:
    """One row per model and range: share of the clean image kept, and error in dB, with intervals."""
    rows = []
    for model, spectrum in spectra.items():
        for name in RANGES:
            kept, error = spectrum.kept_in(name), spectrum.error_in(name, spectra[NOISY])
            rows.append({
                "model": model, "range": name, "kept": kept.value, "kept_low": kept.low, "kept_high": kept.high,
                "error": error.value, "error_low": error.low, "error_high": error.high,
            })  # fmt: skip
    return pd.DataFrame(rows)


def curve_table(spectra: dict[str, Spectrum]) -> pd.DataFrame:
    """One row per model and frequency: share kept, power of the error and of the clean image, for values in [0, 1]."""
    middle = (EDGES[1:] + EDGES[:-1]) / 2
    parts = [
        pd.DataFrame({"model": model, "frequency": middle, "kept": one.kept(), "error_power": one.power(one.error),
                      "clean_power": one.power(one.clean)}).dropna()
        for model, one in spectra.items()
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def summary(table: pd.DataFrame) -> TextTable:
    headings = [f"{what}\n{name}" for what in ("kept", "error, dB") for name in RANGES]
    lines = []
    for model, part in table.groupby("model", sort=False):
        kept = [cell_text(*numbers) for numbers in part[["kept", "kept_low", "kept_high"]].to_numpy()]
        error = [cell_text(*numbers, 1) for numbers in part[["error", "error_low", "error_high"]].to_numpy()]
        lines.append(["noisy input", *kept, *"000"] if model == NOISY else [model, *kept, *error])
    return TextTable("By spatial frequency [95%]", ["model", *headings], lines)


def draw(tables: Tables, models: Models, noise: str) -> list[CaptionedFigure]:
    caption = (
        "Left: share of the clean image kept in the output, by spatial frequency; 1 is all of it. Right: power of the "
        "error, also of the noisy input (dashed), and of the clean image (grey), in dB."
    )
    return [CaptionedFigure(f"Fine detail under {noise}", caption, draw_curves(tables["curves"], noise),
                            numbers="curves")]  # fmt: skip


def draw_curves(table: pd.DataFrame, noise: str) -> Figure:
    """Share kept, and power of the error in dB, against spatial frequency."""
    curves = {model: part for model, part in table.groupby("model", sort=False) if model != NOISY}
    noisy = table[table["model"] == NOISY]
    with figures.style():
        figure = Figure(figsize=(7.2, 3.3), layout="constrained")
        left, right = figure.subplots(1, 2)
        handles = [right.fill_between(noisy["frequency"], decibel(noisy["clean_power"]), -80, color=MUTED, alpha=0.2,
                                      linewidth=0, label="clean image")]  # fmt: skip
        for model, part in (*curves.items(), (NOISY, noisy)):
            line = {"color": series_style([*curves], model).colour, "label": model}
            if model == NOISY:
                line = {"color": INK, "linestyle": "--", "linewidth": 1.2, "label": "noisy input"}
            left.plot(part["frequency"], part["kept"], **line)
            handles += right.plot(part["frequency"], decibel(part["error_power"]), **line)
        lowest = decibel(table["error_power"]).min()
        highest = max(decibel(noisy["clean_power"])[2:].max(), decibel(noisy["error_power"]).max())
        left.set(ylim=(0, 1.12), title="clean image kept", ylabel="share")
        right.set(ylim=(np.floor(lowest / 5) * 5, np.ceil(highest / 5) * 5), title="power of the error", ylabel="dB")
        for axes in (left, right):
            axes.set(xlabel="spatial frequency, cycles per pixel", xlim=(0, 0.5))
            axes.set_xticks([0, 0.125, 0.25, 0.375, 0.5], ["0", "1/8", "1/4", "3/8", "1/2"])
        figures.legend(figure, handles, noise)
    return figure


def decibel(power: pd.Series) -> np.ndarray:
    """Power -> dB, at least -120."""
    return 10 * np.log10(np.maximum(power.to_numpy(), 1e-12))
