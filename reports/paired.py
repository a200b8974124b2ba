"""Paired comparisons: every model sees the same noisy pixels, so differences are taken image by image."""

import math
from collections.abc import Mapping

import numpy as np

Z = 1.959963984540054


def t_quantile(freedom: int) -> float:
    """Degrees of freedom -> the 97.5% point of Student's t, to 0.1%; infinite for none.

    Cornish-Fisher expansion (Abramowitz and Stegun 26.7.5), exact values for one and two.
    """
    if freedom < 1:
        return math.inf
    if freedom <= 2:
        return (12.706204736, 4.302652730)[freedom - 1]
    first = (Z**3 + Z) / 4
    second = (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96
    third = (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384
    fourth = (79 * Z**9 + 776 * Z**7 + 1482 * Z**5 - 1920 * Z**3 - 945 * Z) / 92160
    return Z + first / freedom + second / freedom**2 + third / freedom**3 + fourth / freedom**4


def mean_interval(values: np.ndarray) -> tuple[float, float, float]:
    """(N,) values, NaN left out -> mean and the ends of its 95% interval (Student's t); NaN where unknown."""
    values = values[np.isfinite(values)]
    if not len(values):
        return math.nan, math.nan, math.nan
    mean = float(values.mean())
    if len(values) < 2:
        return mean, math.nan, math.nan
    half = t_quantile(len(values) - 1) * float(values.std(ddof=1)) / math.sqrt(len(values))
    return mean, mean - half, mean + half


def leaders(
    means: Mapping[str, float], images: Mapping[str, np.ndarray], higher_is_better: bool
) -> tuple[str | None, frozenset[str]]:
    """Means by model and (N,) scores by model over the same images -> the best model and those tied with it.

    A model is tied with the best where the 95% interval of their paired difference includes zero, or where
    their means are equal. With fewer than two shared images only equal means are a tie.
    """
    sign = 1 if higher_is_better else -1
    known = {model: sign * mean for model, mean in means.items() if math.isfinite(mean)}
    if not known:
        return None, frozenset()
    best = max(known, key=lambda model: known[model])
    tied = {best}
    for model, mean in known.items():
        if mean == known[best]:
            tied.add(model)
        elif model in images and best in images:
            _, low, _ = mean_interval(sign * (images[best] - images[model]))
            if low <= 0:
                tied.add(model)
    return best, frozenset(tied)


def rank_ranges(images: Mapping[str, np.ndarray], higher_is_better: bool) -> dict[str, tuple[int, int]]:
    """(N,) scores by model over the same images -> the ranks that the 95% intervals of paired differences allow.

    A model cannot rank above those that are better than it with an interval above zero, nor below those that are worse
    than it so. Pairs are taken one by one, without correction for their number.
    """
    sign = 1 if higher_is_better else -1
    above = {model: 0 for model in images}
    below = {model: 0 for model in images}
    for model, scores in images.items():
        for other, others in images.items():
            _, low, _ = mean_interval(sign * (others - scores))
            if low > 0:
                above[model] += 1
                below[other] += 1
    return {model: (1 + above[model], len(images) - below[model]) for model in images}
