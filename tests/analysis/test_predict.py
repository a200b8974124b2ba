"""Rank correlations against SciPy's, and their intervals against fresh samples of models and noises."""

import numpy as np
import pytest
from scipy import stats

from analysis import predict as module
from analysis.predict import centred_ranks, rank_correlation, spearman

FAMILIES = list("aabbccdd")


@pytest.fixture
def tables():
    """(5, 8) with ties and holes."""
    random = np.random.default_rng(0)
    x = random.normal(size=(5, 8))
    y = x + random.normal(size=(5, 8))
    x[0], y[3, :4] = x[0].round(), 0.5
    x[2, 5] = x[4, 0] = y[1, 1] = np.nan
    return x, y


def pairs(x, y):
    known = np.isfinite(x) & np.isfinite(y)
    return stats.spearmanr(x[known], y[known]).statistic


@pytest.mark.slow
@pytest.mark.oracle
def test_each_question_is_scipy_s_correlation(tables):
    x, y = tables
    found = {question: rank_correlation(x, y, question, FAMILIES).value for question in module.QUESTIONS}
    assert found["all"] == pytest.approx(pairs(x, y))
    assert found["noises"] == pytest.approx(np.mean([pairs(x[row], y[row]) for row in range(5)]))
    assert found["models"] == pytest.approx(np.mean([pairs(x[:, column], y[:, column]) for column in range(8)]))


@pytest.mark.oracle
def test_centred_ranks_are_scipy_s_less_their_mean(tables):
    x = np.nan_to_num(tables[0])
    np.testing.assert_allclose(centred_ranks(x), stats.rankdata(x, axis=1) - 4.5)


def test_what_does_not_differ_or_is_too_little_has_no_correlation(tables):
    x = tables[0]
    assert np.isnan(spearman(np.ones((1, 8)), x[:1])) and np.isnan(spearman(x[:1, :2], x[1:2, :2]))
    same_for_all_models = np.tile(np.arange(8.0), (5, 1))
    assert np.isnan(rank_correlation(same_for_all_models, x, "models", FAMILIES).value)
    assert np.isnan(rank_correlation(x * np.nan, x, "all", FAMILIES).value)
    with pytest.raises(ValueError, match="'some'"):
        rank_correlation(x, x, "some", FAMILIES)


@pytest.mark.slow
def test_perfect_order_has_no_spread_and_few_clusters_have_no_bounds(tables):
    x = np.nan_to_num(tables[0], nan=0.3)
    for question in module.QUESTIONS:
        found = rank_correlation(x, np.exp(x), question, FAMILIES)
        assert (found.value, found.low, found.high) == pytest.approx((1, 1, 1))
    few = rank_correlation(x[:2], x[:2] ** 3, "all", list("aaaabbbb"))
    assert few.value == pytest.approx(1) and np.isnan(few.low)
    assert np.isfinite(rank_correlation(x[:2], x[:2] ** 3, "all", FAMILIES).low)  # of four noises alone


@pytest.mark.slow
@pytest.mark.parametrize(("question", "size"), [("all", (6, 14)), ("models", (8, 14))])
def test_intervals_hold_the_truth_as_often_as_they_say(monkeypatch, question, size):
    """Unrelated measures whose models and noises have something of their own: rho is 0. Wider is allowed."""
    monkeypatch.setattr(module, "DRAWS", 150)
    random, inside = np.random.default_rng(0), []
    families = np.arange(size[1]) // 2
    for _ in range(80):
        x, y = (
            random.normal(size=size) + random.normal(size=(size[0], 1)) + random.normal(size=7)[families]
            for _ in range(2)
        )
        found = rank_correlation(x, y, question, families.tolist())
        inside.append(found.low <= 0 <= found.high)
    assert np.mean(inside) >= 0.9


def test_levels_of_a_noise_are_no_noises_of_their_own(monkeypatch):
    """Seven copies of each column say nothing new: the interval is that of one column each."""
    monkeypatch.setattr(module, "DRAWS", 400)
    random = np.random.default_rng(1)
    x = random.normal(size=(6, 7))
    y = x + random.normal(size=(6, 7))
    one = rank_correlation(x, y, "noises", list("abcdefg"))
    many = rank_correlation(np.repeat(x, 7, 1), np.repeat(y, 7, 1), "noises", list(np.repeat(list("abcdefg"), 7)))
    assert many.value == pytest.approx(one.value)
    assert many.high - many.low == pytest.approx(one.high - one.low, rel=0.05)
