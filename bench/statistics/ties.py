"""Which models are statistically tied, and their ranks: paired by image, on the same noisy pixels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from bench.statistics.intervals import MIN_PHOTOGRAPHS, mean_intervals
from bench.statistics.scores import NOISY

MAX_BEHIND_BEST = 1.0  # dB of PSNR; PSNR drops are compared only among models within this of the best


def intervals_of(table: pd.DataFrame, photographs: pd.Series) -> np.ndarray:
    """Images x columns (NaN: no value) and the photograph of each image -> (columns, 3): mean, low, high."""
    return mean_intervals(table.to_numpy(float), photographs.reindex(table.index).to_numpy(str))


def leaders(
    means: Mapping[str, float], images: pd.DataFrame, higher_is_better: bool, photographs: pd.Series
) -> tuple[str | None, frozenset[str]]:
    """Means by model and scores of images x models -> the best model and the models statistically tied with it.

    Tied: the 95% interval of the paired difference from the best includes zero, or the means are equal. Without
    intervals, only equal means are tied.
    """
    sign = 1 if higher_is_better else -1
    known = {model: sign * mean for model, mean in means.items() if math.isfinite(mean)}
    if not known:
        return None, frozenset()
    best = max(known, key=lambda model: known[model])
    equal = {model for model, mean in known.items() if mean == known[best]}
    rivals = [model for model in known if model in images and best in images and model not in equal]
    if not rivals:
        return best, frozenset(equal)
    lead = sign * images[rivals].rsub(images[best], axis=0)
    close = [model for model in rivals if (lead[model] <= 0).any()]  # worse on every image: worse in every resample
    low = intervals_of(lead[close], photographs)[:, 1] if close else ()
    return best, frozenset(equal | {model for model, end in zip(close, low, strict=True) if end <= 0})


def near_best(images: pd.DataFrame, photographs: pd.Series) -> frozenset[str]:
    """PSNR of images x models and the noisy input -> the models whose PSNR drops are compared.

    Their mean is at least that of the noisy input, and at most MAX_BEHIND_BEST dB below the best or tied with it: a
    model with low PSNR under every noise has a small drop.
    """
    complete = images.dropna()
    means = complete.drop(columns=NOISY, errors="ignore").mean().to_dict() if len(complete) else {}
    if not means:
        return frozenset()
    best, tied = leaders(means, complete, True, photographs)
    minimum = complete[NOISY].mean() if NOISY in complete else -math.inf
    near = (model for model, mean in means.items() if model in tied or means[best] - mean <= MAX_BEHIND_BEST)
    return frozenset(model for model in near if means[model] >= minimum)


def rank_ranges(images: pd.DataFrame, higher_is_better: bool, photographs: pd.Series) -> dict[str, tuple[int, int]]:
    """Scores of images x models -> by model its (best, worst) rank over the images that all models have.

    From 1 + the number of models that are significantly better to the number of models minus those that are
    significantly worse: the 95% interval of the paired difference excludes zero. Not corrected for multiple testing.
    {} for fewer than two models, or too few photographs for intervals.
    """
    shared = images.drop(columns=NOISY, errors="ignore").dropna()
    if len(shared.columns) < 2 or photographs.reindex(shared.index).nunique() < MIN_PHOTOGRAPHS:
        return {}
    above, below = (dict.fromkeys(shared.columns, 0) for _ in range(2))
    pairs = list(combinations(shared.columns, 2))
    sign = 1 if higher_is_better else -1
    wide = pd.DataFrame({pair: sign * (shared[pair[1]] - shared[pair[0]]) for pair in pairs})
    for (one, other), (_, low, high) in zip(pairs, intervals_of(wide, photographs), strict=True):
        if low > 0 or high < 0:
            worse, better = (one, other) if low > 0 else (other, one)
            above[worse] += 1
            below[better] += 1
    return {model: (1 + above[model], len(shared.columns) - below[model]) for model in shared.columns}
