"""PSNR and SSIM of noisy images for every noise, level and data set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from bench import statistics
from bench.core.errors import BadInput
from bench.datasets import CleanImage, Dataset
from bench.noise import noises
from bench.noise.compatibility import fits
from bench.noise.picture import NoisyVersion, noisy_version, recorded_version
from noise_zoo.noise import Noise


def measure(chosen: list[Noise], datasets: list[Dataset], protocol: str, seed: int) -> Iterator[dict[str, Any]]:
    """One row per data set and noise, as soon as it is computed: mean PSNR (dB) and SSIM with 95% intervals.

    Data sets of pairs have their own recorded noise and Gaussian 15. Raises BadInput.
    """
    reference = noises.load_noise(noises.REFERENCE)
    for dataset in datasets:
        for noise in (noise for noise in chosen if fits(noise, dataset, reference)):
            versions = [_version(image, noise, seed, protocol) for image in dataset.images]
            photographs = np.array([image.photograph for image in dataset.images])
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
                row[name], row[f"{name}_low"], row[f"{name}_high"] = statistics.mean_interval(scores, photographs)
            yield row


def _version(image: CleanImage, noise: Noise, seed: int, protocol: str) -> NoisyVersion:
    try:
        if noise.recorded:
            return recorded_version(image, noise, protocol)
        return noisy_version(np.rint(image.read() * 255).astype(np.uint8), noise, seed, protocol)
    except ValueError as error:
        raise BadInput(str(error)) from error


def wide(rows: pd.DataFrame) -> pd.DataFrame:
    """A table with one row per noise and one column per data set: 'PSNR / SSIM'."""
    text = [
        f"{psnr:.2f} / " + ("-" if pd.isna(ssim) else f"{ssim:.4f}")
        for psnr, ssim in zip(rows["psnr"], rows["ssim"], strict=True)
    ]
    by_dataset = rows.assign(text=text).pivot(index="noise", columns="dataset", values="text")
    names = list(dict.fromkeys(rows["dataset"]))
    ordered = by_dataset.loc[list(dict.fromkeys(rows["noise"])), names].fillna("")
    counts = rows.groupby("dataset")["images"].first()
    titled = ordered.rename(columns={name: f"{name}, {counts[name]} images" for name in names})
    return titled.reset_index().rename_axis(None, axis=1)
