"""One number for how a model does on all noises, relative to another: in the manner of mCE.

Hendrycks and Dietterich (ICLR 2019) divide a classifier's error on a corruption, summed over its levels, by that of a
reference network, and average over the corruptions, so that hard ones do not outweigh easy ones. Here the error of a
denoiser is the root mean square error in grey levels, in which the noise's own sigma is given: 255 / 10^(PSNR / 20).
Squared errors would let the strongest levels and the worst images decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from bench.statistics.intervals import bca, per_photograph
from bench.statistics.scores import Scores

REFERENCE_MODEL = "baseline"
COLUMNS = ("robustness", "robustness_low", "robustness_high", "robustness_images")


def error(psnr: np.ndarray) -> np.ndarray:
    """PSNR in dB -> root mean square error in grey levels of 255."""
    return 255 / 10 ** (np.asarray(psnr, float) / 20)


def robustness(
    scores: Scores, models: Sequence[str], noises: Mapping[str, Sequence[str]], reference: str = REFERENCE_MODEL
) -> pd.DataFrame:
    """The models' scores relative to a reference model's, 1, with 95% intervals over photographs; below 1 is better.

    `noises` are the levels (specs) of each noise. A model is scored over the images that it and the reference have at
    every level; NaN where there are none.
    """
    levels = [spec for specs in noises.values() for spec in specs]
    kinds = np.repeat(np.arange(len(noises)), [len(specs) for specs in noises.values()])
    of_reference = error(scores.of("psnr", reference, levels))
    found = [_against(error(scores.of("psnr", model, levels)), of_reference, kinds, scores) for model in models]
    return pd.DataFrame(found, pd.Index(models, name="model"), COLUMNS)


def _against(own: np.ndarray, other: np.ndarray, kinds: np.ndarray, scores: Scores) -> tuple[float, float, float, int]:
    """Errors (N, levels) of a model and of the reference, and the noise of each level -> score, low, high, images."""
    there = np.isfinite(own).all(1) & np.isfinite(other).all(1)
    if not there.any() or not len(kinds):
        return np.nan, np.nan, np.nan, 0
    by_kind = np.equal.outer(kinds, np.unique(kinds)).astype(float)  # (levels, noises)
    both = np.concatenate([own[there] @ by_kind, other[there] @ by_kind], axis=1)
    sums, _ = per_photograph(both, scores.photographs.to_numpy()[there])

    def score(weights: np.ndarray) -> np.ndarray:
        mine, theirs = np.split(weights @ sums, 2, axis=1)
        return (mine / theirs).mean(1, keepdims=True)

    value, low, high = bca(score, len(sums))[0]
    return value, low, high, int(there.sum())
