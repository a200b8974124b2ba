"""Paired comparisons: every model sees the same noisy pixels, so differences are taken image by image."""

import math
from collections.abc import Callable, Mapping
from itertools import combinations

import numpy as np
import pandas as pd

NEAR = 1.0  # dB

Intervals = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(N, K) values of N images, NaN where there is none, and their photographs (N,) -> (K, 3): mean and 95% bounds."""

TableIntervals = Callable[[pd.DataFrame], np.ndarray]
"""Images x columns, NaN where there is no value -> (columns, 3): mean and the bounds of its 95% interval."""


def means_alone(values: np.ndarray, photographs: np.ndarray) -> np.ndarray:
    """Means without intervals, for whoever has none: then no two models are told apart."""
    there = np.isfinite(values)
    count = there.sum(0)
    means = np.divide(np.where(there, values, 0).sum(0), count, out=np.full(len(count), math.nan), where=count > 0)
    return np.column_stack([means, np.full((len(means), 2), math.nan)])


def leaders(
    means: Mapping[str, float], images: pd.DataFrame, higher_is_better: bool, intervals: TableIntervals
) -> tuple[str | None, frozenset[str]]:
    """Means by model and scores of images x models -> the best model and those tied with it.

    A model is tied with the best where the interval of their paired difference includes zero, or where their means are
    equal. Where there is no interval only equal means are a tie.
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
    close = [model for model in rivals if (lead[model] <= 0).any()]  # ahead on each image is ahead in each resample
    low = intervals(lead[close])[:, 1] if close else ()
    return best, frozenset(equal | {model for model, end in zip(close, low, strict=True) if end <= 0})


def near_best(images: pd.DataFrame, noisy: str, intervals: TableIntervals) -> frozenset[str]:
    """PSNR of images x models and the noisy input -> the models above the noisy input that are near the best.

    Near: its mean is at most NEAR dB below the best, or it is tied with the best. The drops of other models are not
    compared, because whoever scores low everywhere drops little.
    """
    complete = images.dropna()
    means = complete.drop(columns=noisy, errors="ignore").mean().to_dict() if len(complete) else {}
    if not means:
        return frozenset()
    best, tied = leaders(means, complete, True, intervals)
    least = complete[noisy].mean() if noisy in complete else -math.inf
    near = (model for model, mean in means.items() if model in tied or means[best] - mean <= NEAR)
    return frozenset(model for model in near if means[model] >= least)


def rank_ranges(images: pd.DataFrame, higher_is_better: bool, intervals: TableIntervals) -> dict[str, tuple[int, int]]:
    """Scores of images x models -> the first and the last rank that the intervals of paired differences allow each.

    A model cannot rank above those that are better than it with an interval above zero, nor below those that are worse
    than it so. Pairs are taken one by one, without correction for their number.
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
