"""The jackknife against the standard error of a mean, and with groups of unequal size by simulation."""

import numpy as np
import pytest
from scipy import stats

from analysis.jackknife import half_width


def test_the_jackknife_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(0).normal(size=12)
    without = (values.sum() - values) / 11
    half = half_width(values.mean(), without, np.ones(12, dtype=int))
    low, high = stats.t.interval(0.95, 11, values.mean(), stats.sem(values))
    assert (values.mean() - half, values.mean() + half) == pytest.approx((low, high))


@pytest.mark.slow
def test_the_jackknife_with_groups_of_unequal_size_is_right_on_average():
    size = np.array([4, 4, 4, 4, 1])
    ends = np.cumsum(size)
    random, found = np.random.default_rng(0), []
    for _ in range(4000):
        values = random.normal(size=17)
        sums = np.array([group.sum() for group in np.split(values, ends[:-1])])
        half = half_width(values.mean(), (values.sum() - sums) / (17 - size), size)
        found.append((half / stats.t.ppf(0.975, 4)) ** 2)
    assert np.mean(found) == pytest.approx(1 / 17, abs=5 * np.std(found) / 4000**0.5)
