import numpy as np
import pytest
from scipy import signal, stats

from noise_zoo.correlated import Correlated
from noise_zoo.gaussian import Gaussian
from noise_zoo.noise_statistics import MAX_LAG, MAX_VALUE, MIN_SAMPLES, noise_statistics
from noise_zoo.salt_pepper import SaltPepper


@pytest.fixture
def noisy(picture, philox):
    return np.random.default_rng(5).normal(picture, 0.1).astype(np.float32)


@pytest.mark.oracle
def test_correlation_is_that_of_scipy(noisy, picture):
    found = noise_statistics(noisy, picture).correlation
    noise = (noisy - picture).astype(np.float64)
    noise -= noise.mean(axis=(0, 1))
    noise /= np.sqrt(np.mean(noise**2))
    sums = sum(signal.correlate2d(noise[..., c], noise[..., c], "full") for c in range(3))
    height, width, _ = noise.shape
    for down in range(-MAX_LAG, MAX_LAG + 1):
        for right in range(-MAX_LAG, MAX_LAG + 1):
            pairs = 3 * (height - abs(down)) * (width - abs(right))
            theirs = sums[height - 1 + down, width - 1 + right] / pairs
            assert found[MAX_LAG + down, MAX_LAG + right] == pytest.approx(theirs, abs=1e-6)


@pytest.mark.oracle
def test_variance_is_that_of_scipy(noisy, picture):
    intensity, variance = noise_statistics(noisy, picture).variance
    noise = (noisy.astype(np.float64) - picture).ravel() * 255
    edges = np.linspace(0, 256, 25)
    counts = np.histogram(picture * 255, edges)[0]
    enough = counts >= max(MIN_SAMPLES, noise.size / 300)
    theirs = stats.binned_statistic(picture.ravel() * 255, noise, "std", edges).statistic ** 2
    assert enough.sum() > 10 and variance == pytest.approx(theirs[enough], rel=1e-6)
    assert np.all((intensity >= edges[:-1][enough]) & (intensity <= edges[1:][enough]))


def test_spectrum_of_white_noise_is_one(flat, philox):
    noisy, clean = Gaussian(25)(flat(0.5), philox(0))
    frequency, power = noise_statistics(noisy, clean).spectrum
    assert frequency[0] > 0 and frequency[-1] < 0.5
    rings = 240 * 250 * np.pi * 2 * frequency / 48 * 3  # samples in a ring, over three channels
    assert np.all(np.abs(power - 1) < 6 * np.sqrt(2 / rings))


def test_spectrum_of_a_mean_filter_is_its_transfer_function(flat, philox):
    noisy, clean = Correlated(45)(flat(0.5), philox(0))
    frequency, power = noise_statistics(noisy, clean).spectrum
    down, right = np.meshgrid(np.fft.fftfreq(480), np.fft.fftfreq(500), indexing="ij")
    transfer = ((1 + 2 * np.cos(2 * np.pi * down)) * (1 + 2 * np.cos(2 * np.pi * right))) ** 2 / 9
    ring = np.floor(np.hypot(down, right) * 48).astype(int)
    theirs = np.array([transfer[ring == index].mean() for index in range(24)])
    assert power == pytest.approx(theirs, rel=0.12, abs=0.05)


def test_values(flat, philox):
    noisy, clean = SaltPepper(0.1)(flat(0.4), philox(0))
    statistics = noise_statistics(noisy, clean)
    white, black, clear = (statistics.histogram[MAX_VALUE + value] for value in (153, -102, 0))
    assert statistics.histogram.sum() == pytest.approx(1) and white + black + clear == pytest.approx(1)
    assert white == pytest.approx(0.05, abs=0.005) and statistics.quantile == pytest.approx(153, abs=0.01)


def test_channels_and_deviation(flat, philox):
    grey = np.repeat(philox(0).standard_normal((200, 200, 1)), 3, axis=2) * 0.1
    statistics = noise_statistics(flat(0.5, (200, 200, 3)) + grey, flat(0.5, (200, 200, 3)))
    assert statistics.channels == pytest.approx(1) and statistics.standard_deviation == pytest.approx(25.5, rel=0.02)
    assert np.isnan(noise_statistics(grey[..., :1], flat(0.0, (200, 200, 1))).channels)


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 5, 3), (8, 8, 1)])
def test_small_images(shape):
    random = np.random.default_rng(0)
    statistics = noise_statistics(random.random(shape), random.random(shape))
    assert np.isnan(statistics.correlation).any() == (min(shape[:2]) <= MAX_LAG)
    assert statistics.correlation[MAX_LAG, MAX_LAG] == pytest.approx(1) or shape == (1, 1, 3)


def test_no_noise(picture):
    statistics = noise_statistics(picture, picture)
    assert statistics.standard_deviation == 0 and statistics.quantile == 0 and not statistics.variance[1].any()
