"""Tests of paired differences, and Holm's correction for many of them.

The default is the permutation test of the mean: if two models were alike, the difference of each photograph could as
well have the other sign. It asks about the mean, as the interval does, so that the two agree; it assumes nothing of
the differences' distribution, and is exact for any number of photographs. Wilcoxon's test asks whether the
differences lie symmetrically about zero by their ranks: less swayed by single images, but a mean that moved because
of a few photographs may escape it, and a median can move where the mean does not.
"""

from __future__ import annotations

import itertools
from functools import lru_cache

import numpy as np
from scipy import stats

from bench.statistics.intervals import FEWEST, by_presence, per_photograph

FLIPS = 9999
TESTS = ("permutation", "wilcoxon")


def p_values(differences: np.ndarray, photographs: np.ndarray | None = None, test: str = TESTS[0]) -> np.ndarray:
    """(N, K) differences of N images, NaN where there is none -> two-sided p (K,); NaN for fewer than 3 photographs.

    The differences of one photograph are summed for the permutation test, whose statistic is the mean over images,
    and averaged for Wilcoxon's. Without `photographs` each image is one of its own.
    """
    sums, counts = per_photograph(np.asarray(differences, float), photographs)
    found = np.full(sums.shape[1], np.nan)
    for there, columns in by_presence(counts > 0):
        if len(there) >= FEWEST:
            chosen = np.ix_(there, columns)
            found[columns] = (
                permutation(sums[chosen]) if test == "permutation" else wilcoxon(sums[chosen] / counts[chosen])
            )
    return found


def permutation(sums: np.ndarray) -> np.ndarray:
    """(P, K) sums of the differences of P photographs -> p (K,): how often flipped signs give as large a mean.

    All 2^P choices of signs up to 13 photographs, else 9,999 random ones and the observed.
    Source: Pitman 1937; as `scipy.stats.permutation_test(permutation_type="samples")`.
    """
    flipped = signs(len(sums))
    observed = np.abs(sums.sum(0)) * (1 - 1e-12)  # equal but for rounding is as large
    as_large = sum((np.abs(part.astype(float) @ sums) >= observed).sum(0) for part in np.array_split(flipped, 8))
    exact = len(flipped) == 2 ** len(sums)
    return as_large / len(flipped) if exact else (as_large + 1) / (len(flipped) + 1)


@lru_cache(maxsize=8)
def signs(photographs: int) -> np.ndarray:
    """Rows (R, P) of -1 and 1: every choice where there are at most 9,999, else so many at random."""
    if 2**photographs <= FLIPS:
        return np.array(list(itertools.product((-1, 1), repeat=photographs)), np.int8)
    return np.random.default_rng(0).choice(np.array([-1, 1], np.int8), (FLIPS, photographs))


def wilcoxon(means: np.ndarray) -> np.ndarray:
    """(P, K) mean differences of P photographs -> p (K,) of the signed-rank test; zeros are left out, 1 where all are.

    Source: Wilcoxon 1945, by `scipy.stats.wilcoxon`: exact up to 50 photographs without ties.
    """
    return np.array([stats.wilcoxon(column).pvalue if column.any() else 1.0 for column in means.T])


def holm(p: np.ndarray) -> np.ndarray:
    """p (K,) of a family of comparisons -> adjusted p (K,); NaN stays and counts for nothing.

    Whoever calls those below 0.05 different is wrong about any of the family in at most 5 of 100 families.
    Source: Holm, Scandinavian Journal of Statistics 1979.
    """
    p = np.asarray(p, float)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    adjusted = np.full(p.shape, np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1)
    return adjusted


def least_p(photographs: int) -> float:
    """The smallest p that the permutation test can give for so many photographs."""
    return 2 / 2**photographs if 2**photographs <= FLIPS else 1 / (FLIPS + 1)
