import numpy as np
import pytest
from scipy import signal, stats

from noise_zoo.correlated import Correlated
from noise_zoo.gaussian import Gaussian
from noise_zoo.portrait import LEAST_SAMPLES, MOST, REACH, portray
from noise_zoo.salt_pepper import SaltPepper


@pytest.fixture
def noisy(picture, philox):
    return np.random.default_rng(5).normal(picture, 0.1).astype(np.float32)


def test_correlation_is_that_of_scipy(noisy, picture):
    found = portray(noisy, picture).correlation
    noise = (noisy - picture).astype(np.float64)
    noise -= noise.mean(axis=(0, 1))
    noise /= np.sqrt(np.mean(noise**2))
    sums = sum(signal.correlate2d(noise[..., c], noise[..., c], "full") for c in range(3))
    height, width, _ = noise.shape
    for down in range(-REACH, REACH + 1):
        for right in range(-REACH, REACH + 1):
            pairs = 3 * (height - abs(down)) * (width - abs(right))
            theirs = sums[height - 1 + down, width - 1 + right] / pairs
            assert found[REACH + down, REACH + right] == pytest.approx(theirs, abs=1e-6)


def test_variance_is_that_of_scipy(noisy, picture):
    intensity, variance = portray(noisy, picture).variance
    noise = (noisy.astype(np.float64) - picture).ravel() * 255
    edges = np.linspace(0, 256, 25)
    counts = np.histogram(picture * 255, edges)[0]
    enough = counts >= max(LEAST_SAMPLES, noise.size / 300)
    theirs = stats.binned_statistic(picture.ravel() * 255, noise, "std", edges).statistic ** 2
    assert enough.sum() > 10 and variance == pytest.approx(theirs[enough], rel=1e-6)
    assert np.all((intensity >= edges[:-1][enough]) & (intensity <= edges[1:][enough]))


def test_spectrum_of_white_noise_is_one(flat, philox):
    noisy, clean = Gaussian(25)(flat(0.5), philox(0))
    frequency, power = portray(noisy, clean).spectrum
    assert frequency[0] > 0 and frequency[-1] < 0.5
    rings = 240 * 250 * np.pi * 2 * frequency / 48 * 3  # samples in a ring, over three channels
    assert np.all(np.abs(power - 1) < 6 * np.sqrt(2 / rings))


def test_spectrum_of_a_mean_filter_is_its_transfer_function(flat, philox):
    noisy, clean = Correlated(45)(flat(0.5), philox(0))
    frequency, power = portray(noisy, clean).spectrum
    down, right = np.meshgrid(np.fft.fftfreq(480), np.fft.fftfreq(500), indexing="ij")
    transfer = ((1 + 2 * np.cos(2 * np.pi * down)) * (1 + 2 * np.cos(2 * np.pi * right))) ** 2 / 9
    ring = np.floor(np.hypot(down, right) * 48).astype(int)
    theirs = np.array([transfer[ring == index].mean() for index in range(24)])
    assert power == pytest.approx(theirs, rel=0.12, abs=0.05)


def test_values(flat, philox):
    noisy, clean = SaltPepper(0.1)(flat(0.4), philox(0))
    portrait = portray(noisy, clean)
    white, black, clear = (portrait.values[MOST + value] for value in (153, -102, 0))
    assert portrait.values.sum() == pytest.approx(1) and white + black + clear == pytest.approx(1)
    assert white == pytest.approx(0.05, abs=0.005) and portrait.reach == pytest.approx(153, abs=0.01)


def test_channels_and_deviation(flat, philox):
    grey = np.repeat(philox(0).standard_normal((200, 200, 1)), 3, axis=2) * 0.1
    portrait = portray(flat(0.5, (200, 200, 3)) + grey, flat(0.5, (200, 200, 3)))
    assert portrait.channels == pytest.approx(1) and portrait.deviation == pytest.approx(25.5, rel=0.02)
    assert np.isnan(portray(grey[..., :1], flat(0.0, (200, 200, 1))).channels)


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 5, 3), (8, 8, 1)])
def test_small_images(shape):
    random = np.random.default_rng(0)
    portrait = portray(random.random(shape), random.random(shape))
    assert np.isnan(portrait.correlation).any() == (min(shape[:2]) <= REACH)
    assert portrait.correlation[REACH, REACH] == pytest.approx(1) or shape == (1, 1, 3)


def test_no_noise(picture):
    portrait = portray(picture, picture)
    assert portrait.deviation == 0 and portrait.reach == 0 and not portrait.variance[1].any()
