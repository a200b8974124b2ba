"""Relative error over all noises, after the mean corruption error (mCE): below 1 is better than the reference model.

Hendrycks and Dietterich (ICLR 2019) divide a classifier's error on a corruption, summed over its levels, by that of a
reference network, and average over corruptions, so that hard corruptions do not dominate. Here the error is the RMSE
in 8-bit levels, 255 / 10^(PSNR / 20): with squared errors the strongest levels and the worst images would dominate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from bench.statistics.intervals import bca, per_photograph
from bench.statistics.scores import ImageScores

REFERENCE_MODEL = "baseline"
COLUMNS = ("relative_error", "relative_error_low", "relative_error_high", "relative_error_images")


def error(psnr: np.ndarray) -> np.ndarray:
    """PSNR in dB -> root mean square error in 8-bit levels (0 to 255)."""
    return 255 / 10 ** (np.asarray(psnr, float) / 20)


def relative_error(
    scores: ImageScores, models: Sequence[str], noises: Mapping[str, Sequence[str]], reference: str = REFERENCE_MODEL
) -> pd.DataFrame:
    """Relative errors of the models, 1 for the reference model, with 95% intervals over photographs; lower is better.

    `noises`: noise name -> specs of its levels. A model's value is over the images that it and the reference model
    have at every level; NaN without such images.
    """
    levels = [spec for specs in noises.values() for spec in specs]
    kinds = np.repeat(np.arange(len(noises)), [len(specs) for specs in noises.values()])
    of_reference = error(scores.of("psnr", reference, levels))
    records = [_relative(error(scores.of("psnr", model, levels)), of_reference, kinds, scores) for model in models]
    return pd.DataFrame(records, pd.Index(models, name="model"), COLUMNS)


def _relative(
    own: np.ndarray, other: np.ndarray, kinds: np.ndarray, scores: ImageScores
) -> tuple[float, float, float, int]:
    """Errors (N, levels) of a model and of the reference, and the noise of each level -> value, low, high, images."""
    complete = np.isfinite(own).all(1) & np.isfinite(other).all(1)
    if not complete.any() or not len(kinds):
        return np.nan, np.nan, np.nan, 0
    by_kind = np.equal.outer(kinds, np.unique(kinds)).astype(float)  # (levels, noises)
    both = np.concatenate([own[complete] @ by_kind, other[complete] @ by_kind], axis=1)
    sums, _ = per_photograph(both, scores.photographs.to_numpy()[complete])

    def score(weights: np.ndarray) -> np.ndarray:
        mine, theirs = np.split(weights @ sums, 2, axis=1)
        return (mine / theirs).mean(1, keepdims=True)

    value, low, high = bca(score, len(sums))[0]
    return value, low, high, int(complete.sum())
