"""Intervals by resampling photographs: equal to SciPy's, of clusters too, and as sure as they say."""

import numpy as np
import pytest
from scipy import stats

from bench.statistics import intervals
from bench.statistics.intervals import mean_interval, mean_intervals


def of_scipy(data, statistic, photographs, **options):
    """SciPy's BCa interval from the draws that we take, at our level for that many photographs."""
    confidence = 1 - 2 * intervals.level(photographs)
    found = stats.bootstrap(
        data, statistic, method="BCa", rng=np.random.default_rng(0), confidence_level=confidence, **options
    )
    return found.confidence_interval


@pytest.mark.oracle
@pytest.mark.parametrize("count", [14, 24, 100])
def test_intervals_are_those_of_scipy(count):
    values = np.random.default_rng(1).gamma(2, 1, (count, 3))
    for column, (mean, low, high) in zip(values.T, mean_intervals(values), strict=True):
        expected = of_scipy((column,), np.mean, count)
        assert mean == pytest.approx(column.mean(), rel=1e-12)
        assert (low, high) == pytest.approx((expected.low, expected.high), rel=1e-9)


@pytest.mark.oracle
def test_crops_of_one_photograph_are_drawn_together_as_scipy_draws_them():
    random = np.random.default_rng(2)
    photographs = np.repeat([f"photograph {i}" for i in range(15)], random.integers(1, 5, 15))
    common = random.normal(0, 2, 15)[np.unique(photographs, return_inverse=True)[1]]
    values = random.normal(30, 1, len(photographs)) + common
    sums, counts = intervals.per_photograph(values[:, None], photographs)
    expected = of_scipy(
        (sums[:, 0], counts[:, 0]), lambda s, n, axis: s.sum(axis) / n.sum(axis), 15, paired=True, vectorized=True
    )
    mean, low, high = mean_interval(values, photographs)
    assert mean == pytest.approx(values.mean(), rel=1e-12)
    assert (low, high) == pytest.approx((expected.low, expected.high), rel=1e-9)
    _, alone_low, alone_high = mean_interval(values)
    assert high - low > 1.3 * (alone_high - alone_low)


def test_what_is_missing_is_left_out_of_its_column_alone():
    values = np.random.default_rng(3).normal(30, 2, (30, 3))
    holes = values.copy()
    holes[:10, 1] = np.nan
    holes[:, 2] = np.nan
    found = mean_intervals(holes)
    assert found[0] == pytest.approx(mean_intervals(values)[0], rel=1e-12)
    assert found[1] == pytest.approx(mean_interval(values[10:, 1]), rel=1e-12)
    assert np.isnan(found[2]).all()


def test_large_sets_are_drawn_in_blocks(monkeypatch):
    values = np.random.default_rng(4).normal(size=(50, 2))
    whole = mean_intervals(values)
    monkeypatch.setattr(intervals, "MAX_DRAWS", 50 * 1000)
    intervals._counted.cache_clear()
    assert mean_intervals(values) == pytest.approx(whole, rel=1e-12)
    intervals._counted.cache_clear()


@pytest.mark.slow
@pytest.mark.parametrize("count", [7, 24])
def test_intervals_cover_the_mean_of_normal_values_in_95_of_100_cases(count):
    """In 1,000 trials, bounds three standard errors away; plain BCa covers 87% at 7 values and 92% at 24."""
    values = np.random.default_rng(5).normal(size=(count, 1000))
    _, low, high = mean_intervals(values).T
    assert 0.93 <= ((low <= 0) & (high >= 0)).mean() <= 0.97


@pytest.mark.parametrize("count", [3, 7, 24, 1000])
def test_the_level_is_the_one_at_which_bootstrap_intervals_are_as_wide_as_student_s(count):
    """As Hesterberg's R package `resample` says it (ExpandProbs): z(level) sqrt((n - 1) / n) = t(0.025, n - 1)."""
    expected = stats.t.ppf(0.025, count - 1)
    assert stats.norm.ppf(intervals.level(count)) * np.sqrt((count - 1) / count) == pytest.approx(expected, rel=1e-9)


def test_few_photographs_have_no_interval():
    few = np.array([1.0, 2.0, 6.0])
    assert mean_interval(few)[0] == 3 and not np.isnan(mean_interval(few)).any()
    assert mean_interval(few[:2])[0] == 1.5 and np.isnan(mean_interval(few[:2])[1:]).all()
    assert mean_interval(few, np.array(["a", "a", "b"]))[0] == 3
    assert np.isnan(mean_interval(few, np.array(["a", "a", "b"]))[1:]).all()
    assert np.isnan(mean_interval(np.array([]))).all()


def test_resamples_equal_to_the_mean_but_for_rounding_are_equal_to_it():
    for whole in ([0, 1, 1, 2, 2, 3], [-1, -1, 0, 1, 1, 1, 2]):  # whose sums are exact; those of tenths are not
        expected = [0.1 * end for end in mean_interval(np.array(whole))]
        assert mean_interval(np.array(whole) * 0.1) == pytest.approx(expected, rel=1e-9)


def test_equal_values_have_an_interval_without_width():
    equal = np.full(8, 0.1)
    assert mean_interval(equal) == (pytest.approx(0.1), pytest.approx(0.1), pytest.approx(0.1))
    scores = np.random.default_rng(6).uniform(30, 40, (8, 50))
    mean, low, high = mean_intervals(scores + 0.1 - scores).T  # equal but for rounding
    assert (low == mean).all() and (high == mean).all() and mean == pytest.approx(0.1)
    assert np.isnan(mean_interval(np.full(2, 0.1))[1])


def test_thousands_of_photographs_need_no_square_matrix(monkeypatch):
    """Blocks are no larger than those of the resamples, and leave each photograph out once."""
    monkeypatch.setattr(intervals, "MAX_DRAWS", 1000)
    blocks = list(intervals.jackknife(300))
    assert max(block.size for block in blocks) <= 1000
    assert np.array_equal(np.concatenate(blocks), 1 - np.eye(300))
