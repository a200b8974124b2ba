"""95% bootstrap intervals (BCa) for many columns at once, of photographs that are drawn with replacement.

A resample is how often each photograph was drawn, so that a statistic of all resamples is a product of matrices: the
same numbers as `scipy.stats.bootstrap(method="BCa")` with the same draws, about ten times as fast.
Source: Efron, JASA 1987; the level for few photographs: Hesterberg, The American Statistician 2015.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
from scipy import special

RESAMPLES = 9999
CONFIDENCE = 0.95
FEWEST = 3  # photographs that have an interval
COLUMNS = 128  # at once
DRAWS = 4_000_000  # at once

Statistic = Callable[[np.ndarray], np.ndarray]  # weights of photographs (R, P) -> (R, K)


def mean_intervals(values: np.ndarray, photographs: np.ndarray | None = None) -> np.ndarray:
    """(N, K) scores of N images, NaN where there is none, and the photograph of each -> (K, 3): mean, low, high.

    Without `photographs` each image is one of its own. Bounds are NaN for fewer than 3 photographs, and equal to the
    mean where all values are equal.
    """
    values = np.asarray(values, float)
    sums, counts = per_photograph(values, photographs)
    found = np.full((values.shape[1], 3), np.nan)
    for there, columns in by_presence(counts > 0):
        for start in range(0, len(columns), COLUMNS):
            chosen = columns[start : start + COLUMNS]
            total, count = sums[np.ix_(there, chosen)], counts[np.ix_(there, chosen)]
            found[chosen] = bca(_means(total, count), len(total))
    same = constant(values)
    enough = (counts > 0).sum(0) >= FEWEST
    found[same, 1:] = np.where(enough[same, None], found[same, :1], np.nan)
    return found


def mean_interval(values: np.ndarray, photographs: np.ndarray | None = None) -> tuple[float, float, float]:
    """(mean, low, high) of the scores (N,) of images; see `mean_intervals`."""
    mean, low, high = mean_intervals(np.asarray(values, float)[:, None], photographs)[0]
    return float(mean), float(low), float(high)


def bca(statistic: Statistic, photographs: int) -> np.ndarray:
    """A statistic of the weights of photographs -> (K, 3): its value with every weight 1, and its interval's ends."""
    value = statistic(np.ones((1, photographs)))[0]  # (K,)
    found = np.column_stack([value, np.full((len(value), 2), np.nan)])
    if photographs < FEWEST:
        return found
    drawn = np.concatenate([statistic(weights).T for weights in resamples(photographs)], axis=1)  # (K, RESAMPLES)
    without = np.concatenate([statistic(weights) for weights in one_left_out(photographs)])  # (P, K)
    found[:, 1:] = _ends(drawn, value, acceleration(without), level(photographs))
    return found


def level(photographs: int) -> float:
    """The share left out at each end, 0.025 for many photographs, less for few.

    Bootstrap intervals of n values are as narrow as if the deviation were known and divided by n: by the factor
    sqrt((n - 1) / n) z / t. Their level is widened so that this is made good: the expanded percentile interval
    of Hesterberg 2015, as `ExpandProbs` of his R package `resample`.
    """
    t = special.stdtrit(photographs - 1, (1 + CONFIDENCE) / 2)
    return float(special.ndtr(-t * np.sqrt(photographs / (photographs - 1))))


def resamples(photographs: int) -> Iterator[np.ndarray]:
    """Blocks (R, P) of how often each of P photographs was drawn, 9,999 rows in all, the same at every call."""
    counted = _counted(photographs)
    step = max(1, DRAWS // photographs)
    for start in range(0, RESAMPLES, step):
        yield counted[start : start + step].astype(float, copy=False)


@lru_cache(maxsize=8)
def _counted(photographs: int) -> np.ndarray:
    random, step = np.random.default_rng(0), max(1, DRAWS // photographs)
    kept_as = float if RESAMPLES * photographs <= DRAWS else np.uint16  # ready for products, or small
    counted = np.empty((RESAMPLES, photographs), kept_as)
    for start in range(0, RESAMPLES, step):
        drawn = random.integers(0, photographs, (min(step, RESAMPLES - start), photographs))
        drawn += np.arange(len(drawn))[:, None] * photographs  # a range of its own for each resample
        counted[start : start + len(drawn)] = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(drawn.shape)
    return counted


def one_left_out(photographs: int) -> Iterator[np.ndarray]:
    """Blocks (R, P) of weights without one photograph each, P rows in all: no matrix (P, P) for thousands of them."""
    step = max(1, DRAWS // photographs)
    for start in range(0, photographs, step):
        weights = np.ones((min(step, photographs - start), photographs))
        weights[np.arange(len(weights)), start + np.arange(len(weights))] = 0
        yield weights


def acceleration(without: np.ndarray) -> np.ndarray:
    """Values (P, K) of a statistic without each photograph -> (K,), 0 where they do not differ."""
    deviation = without.mean(0) - without
    cubes, squares = (deviation**3).sum(0), (deviation**2).sum(0)
    spread = squares > 0
    return np.divide(cubes, 6 * np.where(spread, squares, 1) ** 1.5, out=np.zeros_like(cubes), where=spread)


def _ends(drawn: np.ndarray, value: np.ndarray, accelerated: np.ndarray, share: float) -> np.ndarray:
    """(K, R) of resamples -> (K, 2): the quantiles that BCa picks; the value itself where the resamples do not vary."""
    rounding = 1e-12 * np.abs(value)[:, None]
    below = np.mean(drawn < value[:, None] - rounding, 1) + np.mean(drawn <= value[:, None] + rounding, 1)
    bias = special.ndtri(below / 2)[:, None]
    shifted = bias + special.ndtri([share, 1 - share])
    with np.errstate(invalid="ignore"):  # of resamples that do not vary
        picked = special.ndtr(bias + shifted / (1 - accelerated[:, None] * shifted))
    ends = np.column_stack([value, value])
    for column in np.flatnonzero(np.isfinite(picked).all(1)):
        ends[column] = np.quantile(drawn[column], picked[column])
    return ends


def _means(total: np.ndarray, count: np.ndarray) -> Statistic:
    """Means over images, of sums and counts (P, K) of each photograph's images."""
    if (count == count[0, 0]).all():
        return lambda weights: weights @ total / (weights.sum(1) * count[0, 0])[:, None]
    return lambda weights: (weights @ total) / (weights @ count)


def per_photograph(values: np.ndarray, photographs: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """(N, K) scores and the photographs (N,) of the images -> sums and counts (P, K), NaN left out."""
    there = np.isfinite(values)
    if photographs is None:
        return np.where(there, values, 0.0), there.astype(float)
    names, codes = np.unique(np.asarray(photographs, str), return_inverse=True)
    sums, counts = np.zeros((2, len(names), values.shape[1]))
    np.add.at(sums, codes, np.where(there, values, 0.0))
    np.add.at(counts, codes, there)
    return sums, counts


def by_presence(there: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Which photographs each column has (P, K) -> those of columns that have the same ones, and these columns."""
    if not there.size:
        return
    kinds, kind = np.unique(there, axis=1, return_inverse=True)
    for place in range(kinds.shape[1]):
        if kinds[:, place].any():
            yield np.flatnonzero(kinds[:, place]), np.flatnonzero(kind.ravel() == place)


def constant(values: np.ndarray) -> np.ndarray:
    """Which columns of (N, K) have equal values but for rounding, NaN left out; not those without a value."""
    there = np.isfinite(values)
    high = np.where(there, values, -np.inf).max(0, initial=-np.inf)
    low = np.where(there, values, np.inf).min(0, initial=np.inf)
    known = there.any(0)
    size = np.maximum(np.abs(np.where(known, high, 0)), np.abs(np.where(known, low, 0)))
    return known & (np.where(known, high, 0) - np.where(known, low, 0) <= 1e-12 * size)
