"""Noise x level: how far the noisy input is from the clean image, on each data set."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from bench import noises, statistics
from bench.datasets import Dataset
from bench.errors import BadInput
from bench.picture import noisy_version
from noise_zoo.noise import Noise


def measure(chosen: list[Noise], datasets: list[Dataset], protocol: str, seed: int) -> Iterator[dict]:
    """A row a data set and noise, as soon as it is known: mean PSNR and SSIM of the noisy input with intervals."""
    for dataset in datasets:
        pixels = [_read(image) for image in dataset.images]
        for noise in chosen:
            versions = [noisy_version(image, noise, seed, protocol) for image in pixels]
            row = {
                "dataset": dataset.name,
                "noise": noises.canonical(noise),
                "noise_version": noises.version(noise),
                "level": noises.level(noise),
                "protocol": protocol,
                "seed": seed,
                "images": len(versions),
            }
            for name in ("psnr", "ssim"):
                scores = np.array([getattr(version, name) for version in versions], float)
                row[name], row[f"{name}_low"], row[f"{name}_high"] = statistics.mean_interval(scores)
            yield row


def _read(image) -> np.ndarray:
    try:
        return np.rint(image.read() * 255).astype(np.uint8)
    except ValueError as error:
        raise BadInput(str(error)) from error


def wide(rows: pd.DataFrame) -> pd.DataFrame:
    """Noises down, data sets across: 'PSNR / SSIM'."""
    text = [f"{psnr:.2f} / " + ("-" if pd.isna(ssim) else f"{ssim:.4f}")
            for psnr, ssim in zip(rows["psnr"], rows["ssim"], strict=True)]  # fmt: skip
    across = rows.assign(text=text).pivot(index="noise", columns="dataset", values="text")
    names = list(dict.fromkeys(rows["dataset"]))
    ordered = across.loc[list(dict.fromkeys(rows["noise"])), names]
    counts = rows.groupby("dataset")["images"].first()
    headed = ordered.rename(columns={name: f"{name}, {counts[name]} images" for name in names})
    return headed.reset_index().rename_axis(None, axis=1)
