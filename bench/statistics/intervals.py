"""95% BCa bootstrap intervals for many columns at once, resampling photographs with replacement.

A resample is a vector of counts, so that the statistic of all resamples is a matrix product: the same numbers as
`scipy.stats.bootstrap(method="BCa")` with the same draws, about ten times as fast.
Source: Efron, JASA 1987; correction of the level for few photographs: Hesterberg, The American Statistician 2015.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
from scipy import special

from analysis.estimate import Estimate

RESAMPLES = 9999
CONFIDENCE = 0.95
MIN_PHOTOGRAPHS = 3  # for an interval
MAX_COLUMNS = 128  # per block
MAX_DRAWS = 4_000_000  # per block

Statistic = Callable[[np.ndarray], np.ndarray]  # weights of photographs (R, P) -> (R, K)


def mean_intervals(values: np.ndarray, photographs: np.ndarray | None = None) -> np.ndarray:
    """(N, K) scores of N images (NaN: no score) and their photographs (N,) -> (K, 3): mean, low, high.

    Without `photographs`, each image is its own photograph. The ends are NaN for fewer than 3 photographs, and equal
    to the mean if all values are equal.
    """
    values = np.asarray(values, float)
    sums, counts = per_photograph(values, photographs)
    bounds = np.full((values.shape[1], 3), np.nan)
    for known, columns in by_presence(counts > 0):
        for start in range(0, len(columns), MAX_COLUMNS):
            chosen = columns[start : start + MAX_COLUMNS]
            total, count = sums[np.ix_(known, chosen)], counts[np.ix_(known, chosen)]
            bounds[chosen] = bca(_means(total, count), len(total))
    same = constant(values)
    enough = (counts > 0).sum(0) >= MIN_PHOTOGRAPHS
    bounds[same, 1:] = np.where(enough[same, None], bounds[same, :1], np.nan)
    return bounds


def mean_interval(values: np.ndarray, photographs: np.ndarray | None = None) -> Estimate:
    """The mean of the scores (N,) of images, floats; see `mean_intervals`."""
    return Estimate(*mean_intervals(np.asarray(values, float)[:, None], photographs)[0].tolist())


def bca(statistic: Statistic, photographs: int) -> np.ndarray:
    """A statistic of the weights of photographs -> (K, 3): its value at unit weights, and the ends of its interval."""
    value = statistic(np.ones((1, photographs)))[0]  # (K,)
    bounds = np.column_stack([value, np.full((len(value), 2), np.nan)])
    if photographs < MIN_PHOTOGRAPHS:
        return bounds
    drawn = np.concatenate([statistic(weights).T for weights in resamples(photographs)], axis=1)  # (K, RESAMPLES)
    without = np.concatenate([statistic(weights) for weights in jackknife(photographs)])  # (P, K)
    bounds[:, 1:] = _ends(drawn, value, acceleration(without), level(photographs))
    return bounds


def level(photographs: int) -> float:
    """The tail probability at each end: 0.025 for many photographs, lower for few.

    Percentile intervals of n values are too narrow by the factor sqrt((n - 1) / n) z / t, because they use the standard
    deviation with divisor n and normal quantiles. The lower tail probability corrects this: the expanded percentile
    interval of Hesterberg 2015, `ExpandProbs` in his R package `resample`.
    """
    t = special.stdtrit(photographs - 1, (1 + CONFIDENCE) / 2)
    return float(special.ndtr(-t * np.sqrt(photographs / (photographs - 1))))


def resamples(photographs: int) -> Iterator[np.ndarray]:
    """Blocks (R, P) of the counts of each of P photographs in a resample, 9,999 rows in total, equal in every call."""
    counted = _counted(photographs)
    step = max(1, MAX_DRAWS // photographs)
    for start in range(0, RESAMPLES, step):
        yield counted[start : start + step].astype(float, copy=False)


@lru_cache(maxsize=8)
def _counted(photographs: int) -> np.ndarray:
    random, step = np.random.default_rng(0), max(1, MAX_DRAWS // photographs)
    dtype = (
        float if RESAMPLES * photographs <= MAX_DRAWS else np.uint16
    )  # float avoids conversions, uint16 saves memory
    counted = np.empty((RESAMPLES, photographs), dtype)
    for start in range(0, RESAMPLES, step):
        drawn = random.integers(0, photographs, (min(step, RESAMPLES - start), photographs))
        drawn += np.arange(len(drawn))[:, None] * photographs  # separate ranges for the resamples
        counted[start : start + len(drawn)] = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(drawn.shape)
    return counted


def jackknife(photographs: int) -> Iterator[np.ndarray]:
    """Blocks (R, P) of leave-one-out weights, P rows in total; blocks avoid a (P, P) matrix."""
    step = max(1, MAX_DRAWS // photographs)
    for start in range(0, photographs, step):
        weights = np.ones((min(step, photographs - start), photographs))
        weights[np.arange(len(weights)), start + np.arange(len(weights))] = 0
        yield weights


def acceleration(without: np.ndarray) -> np.ndarray:
    """Leave-one-out values (P, K) of a statistic -> its BCa acceleration (K,), 0 for constant values."""
    residual = without.mean(0) - without
    cubes, squares = (residual**3).sum(0), (residual**2).sum(0)
    varies = squares > 0
    return np.divide(cubes, 6 * np.where(varies, squares, 1) ** 1.5, out=np.zeros_like(cubes), where=varies)


def _ends(drawn: np.ndarray, value: np.ndarray, accelerated: np.ndarray, share: float) -> np.ndarray:
    """(K, R) values of resamples -> (K, 2): the BCa quantiles; the value itself for constant resamples."""
    rounding = 1e-12 * np.abs(value)[:, None]
    below = np.mean(drawn < value[:, None] - rounding, 1) + np.mean(drawn <= value[:, None] + rounding, 1)
    bias = special.ndtri(below / 2)[:, None]
    shifted = bias + special.ndtri([share, 1 - share])
    with np.errstate(invalid="ignore"):  # for constant resamples
        picked = special.ndtr(bias + shifted / (1 - accelerated[:, None] * shifted))
    ends = np.column_stack([value, value])
    for column in np.flatnonzero(np.isfinite(picked).all(1)):
        ends[column] = np.quantile(drawn[column], picked[column])
    return ends


def _means(total: np.ndarray, count: np.ndarray) -> Statistic:
    """The mean over images as a statistic, from sums and counts (P, K) of the images of each photograph."""
    if (count == count[0, 0]).all():
        return lambda weights: weights @ total / (weights.sum(1) * count[0, 0])[:, None]
    return lambda weights: (weights @ total) / (weights @ count)


def per_photograph(values: np.ndarray, photographs: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """(N, K) scores and the photographs (N,) of the images -> sums and counts (P, K) per photograph, ignoring NaN."""
    finite = np.isfinite(values)
    if photographs is None:
        return np.where(finite, values, 0.0), finite.astype(float)
    names, codes = np.unique(np.asarray(photographs, str), return_inverse=True)
    sums, counts = np.zeros((2, len(names), values.shape[1]))
    np.add.at(sums, codes, np.where(finite, values, 0.0))
    np.add.at(counts, codes, finite)
    return sums, counts


def by_presence(present: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Whether each column has each photograph (P, K) -> (photographs, columns) for columns with the same ones."""
    if not present.size:
        return
    patterns, pattern = np.unique(present, axis=1, return_inverse=True)
    for index in range(patterns.shape[1]):
        if patterns[:, index].any():
            yield np.flatnonzero(patterns[:, index]), np.flatnonzero(pattern.ravel() == index)


def constant(values: np.ndarray) -> np.ndarray:
    """(N, K) -> whether all finite values of a column are equal up to rounding; False for a column without one."""
    finite = np.isfinite(values)
    high = np.where(finite, values, -np.inf).max(0, initial=-np.inf)
    low = np.where(finite, values, np.inf).min(0, initial=np.inf)
    known = finite.any(0)
    size = np.maximum(np.abs(np.where(known, high, 0)), np.abs(np.where(known, low, 0)))
    return known & (np.where(known, high, 0) - np.where(known, low, 0) <= 1e-12 * size)
