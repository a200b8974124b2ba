import numpy as np
import pytest
from scipy import stats
from skimage.util import random_noise

from noise_zoo.gaussian import Gaussian
from noise_zoo.legacy import LegacyGenerator

# SHA-256 of the output for seeds 0 and 1; where they must change, so must the noise's version.
HASHES = [
    "5a06aca50414f7d5d817d7da4a76792acf6d606aaef54c73c33c8faf20662ee8",
    "dc258ac88ee9156f7ab626a177854918ff4fba942f90da01236d4d5869a98bd9",
]


def test_levels_of_the_literature():
    assert Gaussian.levels == (15, 25, 50)


@pytest.mark.parametrize("intensity", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("sigma", Gaussian.levels)
def test_law(sigma, intensity, flat, philox, check_moments, check_white):
    noisy, clean = Gaussian(sigma)(flat(intensity), philox(sigma))
    check_moments(noisy - clean, 0, (sigma / 255) ** 2)
    assert stats.kstest(((noisy - clean) * 255 / sigma).ravel(), "norm").pvalue > 1e-6
    check_white(noisy - clean)


def test_is_not_clipped(flat, philox):
    noisy, _ = Gaussian(25)(flat(0.0), philox(0))
    assert np.mean(noisy < 0) == pytest.approx(0.5, abs=5 * 0.5 / noisy.size**0.5)
    noisy, _ = Gaussian(25)(flat(1.0), philox(0))
    assert np.mean(noisy > 1) == pytest.approx(0.5, abs=5 * 0.5 / noisy.size**0.5)


@pytest.mark.oracle
def test_same_law_as_scikit_image(flat, philox):
    noisy, clean = Gaussian(25)(flat(0.5), philox(0))
    theirs = random_noise(clean, "gaussian", rng=1, clip=False, var=(25 / 255) ** 2)
    assert stats.ks_2samp(noisy.ravel(), theirs.ravel()).pvalue > 1e-6


def test_legacy_stream_is_that_of_kair(picture):
    noisy, _ = Gaussian(15)(picture, LegacyGenerator(0))
    kair = picture + np.random.RandomState(0).normal(0, 15 / 255, picture.shape)  # float64
    assert np.array_equal(noisy, kair.astype(np.float32))


def test_zero_is_the_clean_image(picture, philox):
    assert np.array_equal(Gaussian(0)(picture, philox(0))[0], picture)


@pytest.mark.slow
@pytest.mark.parametrize(("sigma", "psnr"), [(15, 24.84), (25, 20.54), (50, 15.00)])
def test_psnr_on_cbsd68(sigma, psnr, stored_psnr):
    assert stored_psnr(Gaussian(sigma)) == pytest.approx(psnr, abs=0.015)


def test_output_never_changes(digests):
    assert digests(Gaussian(25)) == HASHES
