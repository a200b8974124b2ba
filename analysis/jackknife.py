"""95% intervals by the jackknife: a statistic without one group at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import stats

from analysis.estimate import Estimate

MIN_GROUPS = 3


def interval(
    statistic: Callable[..., np.ndarray],
    *sums: np.ndarray,
    size: np.ndarray,
    low: float = -np.inf,
    high: float = np.inf,
) -> Estimate:
    """A statistic of sums over groups, with its interval clipped to [low, high]; NaN bounds for fewer than 3 groups.

    statistic   takes totals (...), one for each array of `sums`
    sums        (G, ...) each: the sums within each of the G groups
    size        (G,): the sizes of the groups
    """
    value = statistic(*(each.sum(0) for each in sums))
    if len(size) < MIN_GROUPS:
        missing = np.full(np.shape(value), np.nan)[()]
        return Estimate(value, missing, missing)
    without = np.stack([statistic(*(each.sum(0) - each[group] for each in sums)) for group in range(len(size))])
    half = half_width(value, without, size)
    return Estimate(value, np.maximum(value - half, low), np.minimum(value + half, high))


def half_width(value: np.ndarray, without: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Half the width of a 95% interval, of the shape of `value` (...).

    without   (G, ...): the value computed without each of the G groups
    size      (G,): the sizes of the groups; equal sizes give the usual jackknife

    Student's t with G - 1 degrees of freedom.
    Source: Busing et al., Statistics and Computing 1999 (delete-m jackknife for unequal m).
    """
    value = np.asarray(value)
    share = (size.sum() / size).reshape(-1, *[1] * value.ndim)  # (G, 1, ...)
    pseudo = share * value - (share - 1) * without
    mean = len(size) * value - ((1 - 1 / share) * without).sum(0)
    variance = ((pseudo - mean) ** 2 / (share - 1)).mean(0)
    return stats.t.ppf(0.975, len(size) - 1) * np.sqrt(variance)
