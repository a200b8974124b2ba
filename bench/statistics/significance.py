"""Tests of paired differences, and Holm's correction for multiple testing.

The default is the sign-flip permutation test of the mean: under the null hypothesis, the difference of each photograph
could equally have the opposite sign. It tests the mean, as the interval does, without a distributional assumption, and
is exact for any number of photographs. Wilcoxon's signed-rank test is less sensitive to single images, but tests for
symmetry about zero: it may miss a mean that differs because of a few photographs.
"""

from __future__ import annotations

import itertools
from functools import lru_cache

import numpy as np
from scipy import stats

from bench.statistics.intervals import MIN_PHOTOGRAPHS, by_presence, per_photograph

MAX_FLIPS = 9999
TESTS = ("permutation", "wilcoxon")


def p_values(differences: np.ndarray, photographs: np.ndarray | None = None, test: str = TESTS[0]) -> np.ndarray:
    """(N, K) differences of N images (NaN: none) -> two-sided p values (K,); NaN for fewer than 3 photographs.

    The differences of a photograph are summed for the permutation test, whose statistic is the mean over images, and
    averaged for Wilcoxon's test. Without `photographs`, each image is its own photograph.
    """
    sums, counts = per_photograph(np.asarray(differences, float), photographs)
    p = np.full(sums.shape[1], np.nan)
    for known, columns in by_presence(counts > 0):
        if len(known) >= MIN_PHOTOGRAPHS:
            chosen = np.ix_(known, columns)
            p[columns] = permutation(sums[chosen]) if test == "permutation" else wilcoxon(sums[chosen] / counts[chosen])
    return p


def permutation(sums: np.ndarray) -> np.ndarray:
    """(P, K) sums of the differences of P photographs -> p (K,): the share of sign flips with at least as large a mean.

    All 2^P sign flips up to 13 photographs, otherwise 9,999 random ones and the observed one.
    Source: Pitman 1937; as `scipy.stats.permutation_test(permutation_type="samples")`.
    """
    flipped = signs(len(sums))
    observed = np.abs(sums.sum(0)) * (1 - 1e-12)  # counts means that are equal up to rounding
    as_large = sum((np.abs(part.astype(float) @ sums) >= observed).sum(0) for part in np.array_split(flipped, 8))
    exact = len(flipped) == 2 ** len(sums)
    return as_large / len(flipped) if exact else (as_large + 1) / (len(flipped) + 1)


@lru_cache(maxsize=8)
def signs(photographs: int) -> np.ndarray:
    """Sign flips (R, P) of -1 and 1: all if at most 9,999, otherwise 9,999 random ones."""
    if 2**photographs <= MAX_FLIPS:
        return np.array(list(itertools.product((-1, 1), repeat=photographs)), np.int8)
    return np.random.default_rng(0).choice(np.array([-1, 1], np.int8), (MAX_FLIPS, photographs))


def wilcoxon(means: np.ndarray) -> np.ndarray:
    """(P, K) mean differences of P photographs -> p (K,) of the signed-rank test; zeros are dropped, 1 if all are zero.

    Source: Wilcoxon 1945, as `scipy.stats.wilcoxon`: exact up to 50 photographs without ties.
    """
    return np.array([stats.wilcoxon(column).pvalue if column.any() else 1.0 for column in means.T])


def holm(p: np.ndarray) -> np.ndarray:
    """p values (K,) of a family of comparisons -> adjusted p values (K,); NaN stays NaN and is not counted.

    Controls the family-wise error rate. Source: Holm, Scandinavian Journal of Statistics 1979.
    """
    p = np.asarray(p, float)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    adjusted = np.full(p.shape, np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1)
    return adjusted


def min_p(photographs: int) -> float:
    """The smallest p value that the permutation test can give for this number of photographs."""
    return 2 / 2**photographs if 2**photographs <= MAX_FLIPS else 1 / (MAX_FLIPS + 1)
