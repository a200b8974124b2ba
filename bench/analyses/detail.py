"""Fine detail: share of the clean image kept in the output, and error, by spatial frequency."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.detail import EDGES, RANGES, Spectrum
from bench.analyses.core import figures
from bench.analyses.core.config import Config
from bench.analyses.core.outputs import denoised, outputs_result
from bench.analyses.core.result import CaptionedFigure, Result, TextTable, estimate_texts
from bench.models.model_specs import Model
from bench.statistics import NOISY
from noise_zoo.noise import Noise
from reports.charts.style import INK, MUTED

TITLE = "Fine detail by spatial frequency"
ORDER = 60
ABOUT = (
    "Spatial frequency in cycles per pixel: coarse below 1/8, middle below 1/4, fine below 1/2. Kept: share of the "
    "clean image in the output. Error: power relative to the error of the noisy input, in dB; above 0 the output is "
    "worse than the input. 95% jackknife intervals over photographs (in at most 16 groups)."
)
VERSION = 1
COLUMNS = {name: (name, f"{name}_low", f"{name}_high") for name in ("kept", "error")}


def measure(models: Sequence[Model], config: Config, noise: Noise) -> Result:
    """Share of the clean image kept, and error in dB over that of the noisy input, by model and frequency range.

    Raises BadInput for an output that is not an image.
    """
    spectra = {name: Spectrum() for name in (*(model.label for model in models), NOISY)}
    for batch, outputs in denoised(models, config, noise):
        clipped = {name: output.clamp(0, 1) for name, output in outputs.items()}
        for name, image in {**clipped, NOISY: batch.noisy}.items():
            spectra[name].add(image, batch.clean, batch.images[0])
    table = range_table(spectra)
    estimates = [
        (f"detail_{name}_{row['range']}", row["model"], [row[column] for column in columns])
        for row in table[table["model"] != NOISY].to_dict("records")
        for name, columns in COLUMNS.items()
    ]
    tables = {"": table, "curves": curve_table(spectra)}
    return outputs_result(
        "detail", models, config, noise, VERSION, estimates, tables=tables, draw=draw, summarize=summary
    )


def range_table(spectra: dict[str, Spectrum]) -> pd.DataFrame:
    """One row per model and range: share of the clean image kept, and error in dB, with intervals."""
    rows = []
    for model, spectrum in spectra.items():
        for name in RANGES:
            kept, error = spectrum.kept_in(name), spectrum.error_in(name, spectra[NOISY])
            rows.append((model, name, kept.value, kept.low, kept.high, error.value, error.low, error.high))
    return pd.DataFrame(rows, columns=["model", "range", *COLUMNS["kept"], *COLUMNS["error"]])


def curve_table(spectra: dict[str, Spectrum]) -> pd.DataFrame:
    """One row per model and frequency: share kept, power of the error and of the clean image, for values in [0, 1]."""
    middle = (EDGES[1:] + EDGES[:-1]) / 2
    parts = [
        pd.DataFrame(
            {
                "model": model,
                "frequency": middle,
                "kept": one.kept(),
                "error_power": one.power(one.error),
                "clean_power": one.power(one.clean),
            }
        ).dropna()
        for model, one in spectra.items()
    ]
    return pd.concat(parts, ignore_index=True)


def summary(result: Result) -> TextTable:
    """One row per model: share kept and error of each range, with intervals."""
    headings = [f"{what}\n{name}" for what in ("kept", "error, dB") for name in RANGES]
    lines = []
    for model, part in result.tables[""].groupby("model", sort=False):
        kept, error = estimate_texts(part, COLUMNS["kept"]), estimate_texts(part, COLUMNS["error"], 1)
        lines.append(["noisy input", *kept, *"000"] if model == NOISY else [result.name(model), *kept, *error])
    return TextTable("By spatial frequency [95%]", ["model", *headings], lines)


def draw(result: Result) -> list[CaptionedFigure]:
    """The figure of a result."""
    caption = (
        "Left: share of the clean image kept in the output, by spatial frequency; 1 is all of it. Right: power of the "
        "error, also of the noisy input (dashed), and of the clean image (grey), in dB."
    )
    title = f"Fine detail under {result.settings['noise']}"
    return [CaptionedFigure(title, caption, draw_curves(result), numbers="curves")]


def draw_curves(result: Result) -> Figure:
    """Share kept, and power of the error in dB, against spatial frequency."""
    table = result.tables["curves"]
    noisy = table[table["model"] == NOISY]
    colours = figures.model_colours(name for name in table["model"] if name != NOISY)
    styles = {model: {"color": colour, "label": result.name(model)} for model, colour in colours.items()}
    styles[NOISY] = {"color": INK, "linestyle": "--", "linewidth": 1.2, "label": "noisy input"}
    figure = Figure(figsize=(7.2, 3.3), layout="constrained")
    left, right = figure.subplots(1, 2)
    handles = [
        right.fill_between(
            noisy["frequency"],
            decibel(noisy["clean_power"]),
            -80,
            color=MUTED,
            alpha=0.2,
            linewidth=0,
            label="clean image",
        )
    ]
    for model, style in styles.items():
        part = table[table["model"] == model]
        left.plot(part["frequency"], part["kept"], **style)
        handles += right.plot(part["frequency"], decibel(part["error_power"]), **style)
    lowest = decibel(table["error_power"]).min()
    highest = max(decibel(noisy["clean_power"])[2:].max(), decibel(noisy["error_power"]).max())
    left.set(ylim=(0, 1.12), title="clean image kept", ylabel="share")
    right.set(ylim=(np.floor(lowest / 5) * 5, np.ceil(highest / 5) * 5), title="power of the error", ylabel="dB")
    for axes in (left, right):
        axes.set(xlabel="spatial frequency, cycles per pixel", xlim=(0, 0.5))
        axes.set_xticks([0, 0.125, 0.25, 0.375, 0.5], ["0", "1/8", "1/4", "3/8", "1/2"])
    figures.legend(figure, handles, result.settings["noise"])
    return figure


def decibel(power: pd.Series) -> np.ndarray:
    """Power -> dB, at least -120."""
    return 10 * np.log10(np.maximum(power.to_numpy(), 1e-12))
