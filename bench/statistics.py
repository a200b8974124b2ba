"""Means with intervals over images, and the gap to the training noise.

The interval is the 95% bias-corrected and accelerated bootstrap over images (Efron 1987; scipy.stats.bootstrap), from
9,999 resamples of a stream keyed by nothing but its place, so that a table repeats. Seeds of one image are averaged
first. The gap pairs each image with itself: PSNR under Gaussian 15 less PSNR under the noise.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from bench.noise.noises import REFERENCE

NOISY = "noisy"
WORDS = (
    "Intervals are 95% bootstrap intervals of the mean (BCa, 9,999 resamples) over images, the seeds of an image "
    "averaged first. They say how much the mean would move with other images of this kind; they say nothing of "
    "another training of the same network."
)


def mean_interval(values: np.ndarray) -> tuple[float, float, float]:
    """(mean, low, high) of the values of independent images; bounds are NaN for fewer than 3, equal where all agree."""
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return np.nan, np.nan, np.nan
    mean = float(values.mean())
    if np.ptp(values) == 0 and len(values) >= 3:
        return mean, mean, mean
    if len(values) < 3:
        return mean, np.nan, np.nan
    interval = stats.bootstrap((values,), np.mean, vectorized=True, method="BCa", rng=np.random.default_rng(0))
    return mean, float(interval.confidence_interval.low), float(interval.confidence_interval.high)


def measured(rows: pd.DataFrame) -> list[str]:
    """The metrics of a frame of rows: what has a column NAME and one NAME_noisy."""
    return [name for name in rows.columns if f"{name}_noisy" in rows.columns]


def with_noisy(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the models, and the noisy input as one model more."""
    metrics = measured(rows)
    noisy = rows[rows[[f"{metric}_noisy" for metric in metrics]].notna().any(axis=1)]
    noisy = noisy.drop_duplicates(["dataset", "image", "noise", "noise_version", "seed", "protocol"]).copy()
    scores = {metric: noisy[f"{metric}_noisy"] for metric in metrics}
    noisy = noisy.assign(model=NOISY, **scores, status="ok", reason="")
    return pd.concat([rows, noisy], ignore_index=True)


def summarize(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a model x data set x noise: images, failed, and each metric and the gap with bounds, dB and units of it.

    Models keep the order of their first row; the noisy input comes last.
    """
    full, metrics = with_noisy(rows), measured(rows)
    per_image = full[full["status"] == "ok"].groupby(["model", "dataset", "noise", "image"])[metrics].mean()
    found = []
    order = {model: place for place, model in enumerate([*dict.fromkeys(rows["model"]), NOISY])}
    full = full.sort_values("model", key=lambda models: models.map(order), kind="stable")
    cells = full.groupby(["model", "dataset", "noise"], sort=False)
    for (model, dataset, noise), cell in cells:
        line = {"model": model, "dataset": dataset, "noise": noise, "noise_name": cell["noise_name"].iloc[0],
                "level": cell["level"].iloc[0]}  # fmt: skip
        line["failed"] = int((cell["status"] != "ok").sum())
        scores = _of(per_image, model, dataset, noise)
        line["images"] = len(scores)
        for metric in metrics:
            line[metric], line[f"{metric}_low"], line[f"{metric}_high"] = mean_interval(scores[metric].to_numpy(float))
        reference = _of(per_image, model, dataset, REFERENCE)["psnr"]
        drop = (reference - scores["psnr"]).dropna() if noise != REFERENCE else pd.Series(dtype=float)
        line["gap"], line["gap_low"], line["gap_high"] = mean_interval(drop.to_numpy(float))
        found.append(line)
    return pd.DataFrame(found)


def pivot(summary: pd.DataFrame, metric: str = "psnr", digits: int = 2) -> pd.DataFrame:
    """One row a data set x noise, one column a model: 'mean ± half the interval' as text, '' where nothing was run."""
    half = (summary[f"{metric}_high"] - summary[f"{metric}_low"]) / 2
    text = [
        "" if pd.isna(mean) else f"{mean:.{digits}f}" + ("" if pd.isna(h) else f" ± {h:.{digits}f}")
        for mean, h in zip(summary[metric], half, strict=True)
    ]
    wide = summary.assign(text=text).pivot(index=["dataset", "noise"], columns="model", values="text")
    order = summary[["dataset", "noise"]].drop_duplicates().itertuples(index=False, name=None)
    return (
        wide.loc[list(order), list(dict.fromkeys(summary["model"]))].fillna("").reset_index().rename_axis(None, axis=1)
    )


def _of(per_image: pd.DataFrame, model: str, dataset: str, noise: str) -> pd.DataFrame:
    """Scores by image; empty where nothing was measured."""
    if (model, dataset, noise) in per_image.index.droplevel("image"):
        return per_image.loc[(model, dataset, noise)]
    return per_image.iloc[:0].droplevel(["model", "dataset", "noise"])
