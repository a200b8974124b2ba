"""Means with 95% intervals over photographs, and PSNR drops from the reference noise.

Seeds are averaged first. The PSNR drop, in the columns `drop`, is paired by image: PSNR at the reference noise minus
PSNR at the noise.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.noise.noises import REFERENCE
from bench.statistics.intervals import mean_intervals
from bench.statistics.scores import NOISY, ImageScores, by_dataset, measured, with_noisy

CELL = ["model", "dataset", "noise"]
DROP = "drop"  # the name of its columns
GAIN = "gain"
BELOW = " (below the noisy input)"
BOUNDS = ["", "_low", "_high", "_images"]


def summarize(rows: pd.DataFrame, reference: str = REFERENCE) -> pd.DataFrame:
    """One row per model x data set x noise: images, failed rows, the mean of each metric and the PSNR drop.

    Means have their 95% interval in NAME_low and NAME_high, and the number of their images in NAME_images.
    `below_noisy`: the mean PSNR is below that of the noisy input over the same images. Without a reference noise (''),
    there are no drops. Models are in the order of their first row, the noisy input is last.
    """
    full = with_noisy(rows)
    order = {model: index for index, model in enumerate([*dict.fromkeys(rows["model"]), NOISY])}
    full = full.sort_values("model", key=lambda models: models.map(order), kind="stable")
    full = full.assign(failed=full["status"] != "ok")
    cells = full.groupby(CELL, sort=False).agg(
        noise_name=("noise_name", "first"), level=("level", "first"), failed=("failed", "sum")
    )
    counts = full[~full["failed"]].groupby(CELL)["image"].nunique()
    cells["images"] = counts.reindex(cells.index, fill_value=0)
    columns = [f"{name}{bound}" for name in (*measured(rows), DROP) for bound in BOUNDS]
    parts = [_of_dataset(scores, reference) for scores in by_dataset(full)]
    numbers = pd.concat(parts) if parts else pd.DataFrame(index=cells.index)
    cells["below_noisy"] = (numbers[GAIN].reindex(cells.index) < 0) if GAIN in numbers else False
    counted = {name: "Int64" for name in columns if name.endswith("_images")}
    return cells.join(numbers.reindex(columns=columns)).astype(counted).reset_index()


def _of_dataset(scores: ImageScores, reference: str) -> pd.DataFrame:
    """Mean, interval and images of each metric, the PSNR drop and the gain, by model, data set and noise."""
    wide = pd.concat([scores.table, _drops(scores, reference), _gains(scores)], axis=1)
    bounds = mean_intervals(wide.to_numpy(float), scores.photographs.to_numpy())
    columns = wide.columns.set_names(["metric", "model", "noise"])
    bounds = np.c_[bounds, wide.notna().sum()]
    long = pd.DataFrame(bounds, columns, BOUNDS).unstack("metric")
    long.columns = [f"{metric}{bound}" for bound, metric in long.columns]
    long["dataset"] = scores.dataset
    return long.reset_index().set_index(CELL)


def _drops(scores: ImageScores, reference: str) -> pd.DataFrame:
    """PSNR drops in dB: images x (`drop`, model, noise)."""
    psnr = scores.table["psnr"]
    models, noises = (psnr.columns.get_level_values(name) for name in ("model", "noise"))
    at_reference = scores.table.reindex(columns=pd.MultiIndex.from_product([["psnr"], models, [reference]]))
    drops = pd.DataFrame(at_reference.to_numpy() - psnr.to_numpy(), psnr.index, psnr.columns)
    return pd.concat({DROP: drops.loc[:, noises != reference]}, axis=1)


def _gains(scores: ImageScores) -> pd.DataFrame:
    """PSNR minus that of the noisy input in dB: images x (`gain`, model, noise)."""
    psnr = scores.table["psnr"]
    inputs = scores.table.reindex(columns=pd.MultiIndex.from_product([["psnr"], [NOISY], psnr.columns.levels[1]]))
    inputs = inputs["psnr"][NOISY][psnr.columns.get_level_values("noise")]
    return pd.concat({GAIN: pd.DataFrame(psnr.to_numpy() - inputs.to_numpy(), psnr.index, psnr.columns)}, axis=1)


def pivot(summary: pd.DataFrame, metric: str = "psnr", digits: int = 2) -> pd.DataFrame:
    """One row per data set x noise, one column per model: 'mean ± half the width of its interval', '' without a value;
    models below the noisy input are marked."""
    half = (summary[f"{metric}_high"] - summary[f"{metric}_low"]) / 2
    text = [
        "" if pd.isna(mean) else f"{mean:.{digits}f}" + ("" if pd.isna(h) else f" ± {h:.{digits}f}") + BELOW * below
        for mean, h, below in zip(summary[metric], half, summary["below_noisy"], strict=True)
    ]
    wide = summary.assign(text=text).pivot(index=["dataset", "noise"], columns="model", values="text")
    order = summary[["dataset", "noise"]].drop_duplicates().itertuples(index=False, name=None)
    return (
        wide.loc[list(order), list(dict.fromkeys(summary["model"]))].fillna("").reset_index().rename_axis(None, axis=1)
    )
