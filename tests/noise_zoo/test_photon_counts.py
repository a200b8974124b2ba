import numpy as np
import pytest
from scipy import stats

from noise_zoo import photon_counts as module
from noise_zoo.legacy import LegacyGenerator
from noise_zoo.photon_counts import photon_counts


@pytest.mark.oracle
def test_distribution_is_that_of_scipy():
    distribution, _ = module._tables()
    for row in (0, 1, 9, 100, 801, len(distribution) - 1):
        theirs = stats.poisson.cdf(np.arange(distribution.shape[1]), row / module.STEPS)
        assert np.allclose(distribution[row, :-1], theirs[:-1], rtol=0, atol=1e-15)


def test_table_inverts_the_distribution():
    """A cell with one count lies between two steps of the distribution; the others start in their first."""
    distribution, table = module._tables()
    below = np.hstack([np.zeros((len(distribution), 1)), distribution])  # below[k] = P(count < k)
    row, cell = np.indices(table.shape)
    whole = table >= 0
    k = np.where(whole, table, ~table)
    low, high = cell / module.CELLS, (cell + 1) / module.CELLS
    assert np.all((below[row, k] <= low) & (low < distribution[row, k]))
    assert np.all((high <= distribution[row, k])[whole])
    assert np.all((high > distribution[row, k])[~whole])
    assert whole.mean() > 0.9


@pytest.mark.oracle
@pytest.mark.parametrize("mean", [0.003, 0.07, 0.125, 1.06, 7.3, 63.99, 128.03, 255.9, 256])
def test_law_is_that_of_scipy(mean, philox, check_moments):
    counts = photon_counts(philox(11), np.full((1000, 400), mean, np.float32))
    check_moments(counts, mean, mean, fourth=mean * (1 + 3 * mean))
    low, high = stats.poisson.ppf([2e-5, 1 - 2e-5], mean)
    k = np.arange(low, high + 1)
    inside = [np.sum(counts == value) for value in k]
    observed = np.array([np.sum(counts < low), *inside, np.sum(counts > high)])
    law = stats.poisson(mean)
    expected = counts.size * np.array([law.cdf(low - 1), *law.pmf(k), law.sf(high)])
    kept = expected > 0
    assert stats.chisquare(observed[kept], expected[kept]).pvalue > 1e-6


def test_every_sample_has_its_own_mean(philox, check_white):
    mean = np.random.default_rng(0).random((300, 300, 3), dtype=np.float32) * 250 + 5
    counts = photon_counts(philox(5), mean)
    residual = (counts - mean) / np.sqrt(mean)
    assert residual.mean() == pytest.approx(0, abs=5 / np.sqrt(mean.size))
    assert residual.var() == pytest.approx(1, abs=5 * np.sqrt(2.1 / mean.size))
    slope = np.corrcoef(residual.ravel(), mean.ravel())[0, 1]
    assert abs(slope) <= 5 / np.sqrt(mean.size)
    check_white(residual)


def test_no_light_no_photons(philox):
    assert not photon_counts(philox(0), np.zeros((50, 50, 3), np.float32)).any()


@pytest.mark.oracle
def test_legacy_stream_is_that_of_numpy():
    mean = np.linspace(0, 256, 300).reshape(10, 10, 3)
    assert np.array_equal(photon_counts(LegacyGenerator(1), mean), np.random.RandomState(1).poisson(mean))
