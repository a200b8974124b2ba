"""How much fine detail each model loses: kept share and error by spatial frequency, measured, kept and drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from analysis.frequency import EDGES, RANGES, Spectrum
from bench.inside import findings
from bench.inside.figures import spectrum
from bench.inside.look import Drawing, Look
from bench.inside.outputs import Denoiser, described
from bench.inside.patches import batches
from bench.inside.setting import Setting
from bench.noise import noises
from bench.statistics import NOISY

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
    for model, one in seen.items():
        for name in RANGES:
            kept, error = one.kept_in(name), one.error_in(name, seen[NOISY])
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


def look(frame: pd.DataFrame, seen: dict[str, Spectrum], denoisers: Sequence[Denoiser], noise: Any,
         setting: Setting) -> Look:  # fmt: skip
    """The answer as it is kept."""
    settings = {**setting.described(), **described(denoisers), "noise": noises.canonical(noise), "version": VERSION}
    by_label = {one.model.label: one.model for one in denoisers}
    how = setting.how(version=VERSION)
    found = [
        {
            "measure": f"{measure}_{row['range']}",
            **findings.about(by_label[row["model"]], "", noise, setting.seed),
            **how, "value": row[column], "low": row[f"{column}_low"], "high": row[f"{column}_high"],
        }
        for row in frame[frame["model"] != NOISY].to_dict("records")
        for measure, column in (("detail_kept", "kept"), ("detail_error", "error"))
    ]  # fmt: skip
    title = f"Fine detail under {noises.canonical(noise)}"
    caption = (
        "Left: the share of the clean image that is in the output, by spatial frequency; 1 is all of it. Right: the "
        "power of the error, of the noisy input (dashed) and of the clean image (grey), in dB."
    )
    drawing = Drawing(title, caption, spectrum.draw(seen, noises.canonical(noise)), numbers="curves")
    return Look("detail", findings.file_stem(noises.canonical(noise)), title, WORDS, settings,
                {"": frame, "curves": curves(seen)}, (drawing,), found)  # fmt: skip
