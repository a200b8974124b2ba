"""Paired comparisons of models, image by image, on the same noisy pixels."""

import math
from collections.abc import Callable, Mapping
from itertools import combinations

import numpy as np
import pandas as pd

MAX_BEHIND_BEST = 1.0  # dB of PSNR; PSNR drops are compared only among models within this of the best

Intervals = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(N, K) values of N images (NaN: no value) and their photographs (N,) -> (K, 3): mean, ends of the 95% interval."""

TableIntervals = Callable[[pd.DataFrame], np.ndarray]
"""Images x columns (NaN: no value) -> (columns, 3): mean and the ends of its 95% interval."""


def means_alone(values: np.ndarray, photographs: np.ndarray) -> np.ndarray:
    """(N, K) values -> (K, 3) means with NaN for the intervals: the default where no intervals are computed."""
    known = np.isfinite(values)
    count = known.sum(0)
    means = np.divide(np.where(known, values, 0).sum(0), count, out=np.full(len(count), math.nan), where=count > 0)
    return np.column_stack([means, np.full((len(means), 2), math.nan)])


def leaders(
    means: Mapping[str, float], images: pd.DataFrame, higher_is_better: bool, intervals: TableIntervals
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
    low = intervals(lead[close])[:, 1] if close else ()
    return best, frozenset(equal | {model for model, end in zip(close, low, strict=True) if end <= 0})


def near_best(images: pd.DataFrame, noisy: str, intervals: TableIntervals) -> frozenset[str]:
    """PSNR of images x models and the noisy input -> the models whose PSNR drops are compared.

    Their mean is at least that of the noisy input, and at most MAX_BEHIND_BEST dB below the best or tied with it: a
    model with low PSNR under every noise has a small drop.
    """
    complete = images.dropna()
    means = complete.drop(columns=noisy, errors="ignore").mean().to_dict() if len(complete) else {}
    if not means:
        return frozenset()
    best, tied = leaders(means, complete, True, intervals)
    minimum = complete[noisy].mean() if noisy in complete else -math.inf
    near = (model for model, mean in means.items() if model in tied or means[best] - mean <= MAX_BEHIND_BEST)
    return frozenset(model for model in near if means[model] >= minimum)


def rank_ranges(images: pd.DataFrame, higher_is_better: bool, intervals: TableIntervals) -> dict[str, tuple[int, int]]:
    """Scores of images x models -> by model its (best, worst) rank.

    From 1 + the number of models that are significantly better to the number of models minus those that are
    significantly worse: the 95% interval of the paired difference excludes zero. Not corrected for multiple testing.
    """
    above, below = (dict.fromkeys(images.columns, 0) for _ in range(2))
    pairs = list(combinations(images.columns, 2))
    if pairs:
        sign = 1 if higher_is_better else -1
        wide = pd.DataFrame({pair: sign * (images[pair[1]] - images[pair[0]]) for pair in pairs})
        for (one, other), (_, low, high) in zip(pairs, intervals(wide), strict=True):
            if low > 0 or high < 0:
                worse, better = (one, other) if low > 0 else (other, one)
                above[worse] += 1
                below[better] += 1
    return {model: (1 + above[model], len(images.columns) - below[model]) for model in images.columns}
