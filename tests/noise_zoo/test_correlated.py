import itertools

import numpy as np
import pytest
from scipy import ndimage

from noise_zoo.correlated import Correlated, mean_3x3

# SHA-256 of the output for seeds 0 and 1; where they must change, so must the noise's version.
HASHES = [
    "7432c5f910219b5858f32151ff094d4e1f92722791e32940ed02f5836a5c5b3e",
    "ae6d0f7bb51cdc4f06c92bd369eefc7981dff95cf7aa23edd7140100732c4498",
]

SIGMA = 45
MANY = (7, 8, 30_000)  # a small picture of many channels: many corners


def test_levels_of_the_literature():
    assert Correlated.levels == (40, 45, 50, 55)


def autocorrelation(down, right):
    """Of white noise under a 3x3 mean."""
    return max(3 - abs(down), 0) * max(3 - abs(right), 0) / 9


@pytest.fixture
def field(flat, philox):
    """Added noise in units of sigma, away from the borders: (396, 396, 3)."""
    noisy, clean = Correlated(SIGMA)(flat(0.5, (400, 400, 3)), philox(2))
    return (noisy - clean).astype(np.float64)[2:-2, 2:-2] * 255 / SIGMA


def test_deviation_is_a_third_of_sigma(field):
    lags = range(-2, 3)
    spread = sum(autocorrelation(i, j) for i in lags for j in lags)  # neighbours repeat each other
    assert field.mean() == pytest.approx(0, abs=5 * np.sqrt(spread / 9 / field.size))
    spread = sum(autocorrelation(i, j) ** 2 for i in lags for j in lags)
    assert field.var() == pytest.approx(1 / 9, abs=5 / 9 * np.sqrt(2 * spread / field.size))


@pytest.mark.parametrize("down", [0, 1, 2, 3])
@pytest.mark.parametrize("right", [-3, -2, -1, 0, 1, 2, 3])
def test_autocorrelation(down, right, field):
    height, width, _ = field.shape
    here = field[: height - down, max(-right, 0) : width - max(right, 0)]
    there = field[down:, max(right, 0) : width + min(right, 0)]
    lags = range(-6, 7)  # Bartlett's formula for the variance of an estimated covariance
    spread = 0
    for i, j in itertools.product(lags, lags):
        before, after = autocorrelation(i - down, j - right), autocorrelation(i + down, j + right)
        spread += autocorrelation(i, j) ** 2 + before * after
    error = np.sqrt(spread / here.size)
    assert 9 * np.mean(here * there) == pytest.approx(autocorrelation(down, right), abs=5 * error)


def test_channels_are_independent(field):
    spread = sum(autocorrelation(i, j) ** 2 for i in range(-2, 3) for j in range(-2, 3))
    for one, other in ((0, 1), (0, 2), (1, 2)):
        error = np.sqrt(spread / field[..., 0].size)
        assert abs(9 * np.mean(field[..., one] * field[..., other])) <= 5 * error


def test_borders(flat, philox, check_moments):
    noisy, clean = Correlated(SIGMA)(flat(0.5, MANY), philox(3))
    noise = (noisy - clean) * 255 / SIGMA
    for corner in (noise[0, 0], noise[0, -1], noise[-1, 0], noise[-1, -1]):
        check_moments(corner, 0, (5 / 9) ** 2)
    for edge in (noise[0, 3], noise[-1, 3], noise[3, 0], noise[3, -1]):
        check_moments(edge, 0, 5 / 27)
    check_moments(noise[3, 3], 0, 1 / 9)


@pytest.mark.oracle
@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 9, 1), (2, 2, 3), (31, 17, 4)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_filter_is_that_of_scipy(shape, dtype):
    image = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    theirs = ndimage.uniform_filter(image.astype(np.float64), (3, 3, 1), mode="reflect")
    assert mean_3x3(image).dtype == dtype
    assert np.allclose(mean_3x3(image), theirs, rtol=0, atol=4 * np.finfo(dtype).eps)


def test_output_never_changes(digests):
    assert digests(Correlated(50)) == HASHES
