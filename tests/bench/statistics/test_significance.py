"""Tests of paired differences against SciPy's, Holm's correction against R's, and p under the null."""

import numpy as np
import pytest
from scipy import stats

from bench.statistics.significance import holm, min_p, p_values


@pytest.mark.oracle
@pytest.mark.parametrize("count", [3, 7, 12])
def test_few_photographs_are_flipped_in_every_way_as_scipy_does(count):
    differences = np.random.default_rng(1).normal(0.4, 1, (count, 3))
    for column, p in zip(differences.T, p_values(differences), strict=True):
        expected = stats.permutation_test((column,), np.sum, permutation_type="samples", n_resamples=np.inf).pvalue
        assert p == pytest.approx(expected, rel=1e-12)
        assert p >= min_p(count) == 2 / 2**count


def test_many_photographs_are_flipped_at_random():
    """The tolerance is four standard errors of a share in 9,999."""
    differences = np.random.default_rng(2).normal(0.2, 1, 60)
    expected = stats.ttest_1samp(differences, 0).pvalue  # of normal values, close to the permutation's
    (p,) = p_values(differences[:, None])
    by_scipy = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=9999, rng=np.random.default_rng(3)
    ).pvalue
    assert p == pytest.approx(by_scipy, abs=4 * np.sqrt(2 * p * (1 - p) / 9999))
    assert p == pytest.approx(expected, abs=0.02)
    assert min_p(60) == 1e-4 and p_values(np.full((60, 1), 0.3))[0] == 1e-4


def test_crops_of_one_photograph_flip_together():
    photographs = np.repeat(list("abcdefgh"), 4)
    of_photograph = np.random.default_rng(4).normal(0.5, 1, 8)
    differences = np.repeat(of_photograph, 4)[:, None]
    assert p_values(differences, photographs) == pytest.approx(p_values(of_photograph[:, None]))
    assert p_values(differences)[0] < p_values(differences, photographs)[0] / 2  # as if the crops were independent


@pytest.mark.oracle
def test_wilcoxon_is_that_of_scipy():
    differences = np.random.default_rng(5).normal(0.5, 1, (20, 2))
    differences[:, 1] = 0
    differences[3, 0] = np.nan
    p = p_values(differences, test="wilcoxon")
    assert p[0] == stats.wilcoxon(np.delete(differences[:, 0], 3)).pvalue and p[1] == 1
    photographs = np.repeat(np.arange(10), 2)
    means = differences[:, 0].reshape(10, 2)
    expected = stats.wilcoxon(np.nanmean(means, axis=1)).pvalue
    assert p_values(differences, photographs, test="wilcoxon")[0] == expected


@pytest.mark.slow
@pytest.mark.parametrize("test", ["permutation", "wilcoxon"])
def test_p_is_uniform_where_there_is_no_difference(test):
    p = p_values(np.random.default_rng(6).standard_t(4, (16, 600)), test=test)
    assert stats.kstest(p, "uniform").pvalue > 0.001
    assert (p < 0.05).mean() == pytest.approx(0.05, abs=0.03)  # three standard errors


def test_equal_scores_and_few_photographs():
    assert p_values(np.zeros((10, 1)))[0] == 1
    assert np.isnan(p_values(np.ones((2, 1)))[0])
    assert np.isnan(p_values(np.full((5, 1), np.nan))[0])
    assert p_values(np.full((3, 1), 0.1))[0] == 0.25  # equal but for rounding is as large


def test_holm_against_the_multtest_package_of_r():
    """Raw and adjusted values of Bioconductor's multtest, as in the tests of statsmodels (test_multi.py)."""
    raw = [0.838541367553, 0.642193923795, 0.680845947633, 0.967833824309, 0.71626938238, 0.177096952723,
           5.23656777208e-05, 0.0202732688798, 0.00028140506198, 0.0149877310796]  # fmt: skip
    smallest = {6: 5.23656777208e-04, 8: 2.53264555782e-03, 9: 1.1990184863680e-01, 7: 1.4191288215860e-01}
    adjusted = holm(np.array(raw))
    assert {place: adjusted[place] for place in smallest} == pytest.approx(smallest, rel=1e-10)
    assert np.delete(adjusted, list(smallest)).tolist() == [1.0] * 6


def test_holm_by_hand():
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    with_gap = holm(np.array([0.01, np.nan, 0.04]))
    assert with_gap[[0, 2]] == pytest.approx([0.02, 0.04]) and np.isnan(with_gap[1])
    assert len(holm(np.array([]))) == 0
