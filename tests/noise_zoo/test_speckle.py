import numpy as np
import pytest
from scipy import stats
from skimage.util import random_noise

from noise_zoo.legacy import LegacyGenerator
from noise_zoo.speckle import Speckle

# SHA-256 of the output for seeds 0 and 1; where they must change, so must the noise's version.
HASHES = [
    "c4a1154e9ff5cbf4bd52274ce84d5ab49c7e2a51c8f1e2744648b169b1176f72",
    "f1690a11807692e33a10a21a62bbc066be419f6df43be14ad575cf57c7ba924e",
]
GAUSSIAN_HASHES = [
    "875c80a986f7a046fa9ca89ee19d6b9ca6c39405cf542886df8995d98634c800",
    "098db4f658c0eb6d5850118b907f529ded9fdaff85769333eaa89c7b680a5c6e",
]


def test_levels_of_the_literature():
    assert Speckle.levels == (0.02, 0.024, 0.03, 0.04)


@pytest.mark.parametrize("distribution", ["uniform", "gaussian"])
@pytest.mark.parametrize("intensity", [0.1, 0.5, 1.0])
def test_law(intensity, distribution, flat, philox, check_moments, check_white):
    noisy, clean = Speckle(0.03, distribution)(flat(intensity), philox(7))
    check_moments(noisy - clean, 0, 0.03 * intensity**2)
    check_white(noisy - clean)


def test_uniform_marginal(flat, philox):
    noisy, clean = Speckle(0.04)(flat(0.5), philox(1))
    u = (noisy - clean) / clean
    bound = np.sqrt(3 * 0.04)
    assert stats.kstest(u.ravel(), stats.uniform(-bound, 2 * bound).cdf).pvalue > 1e-6
    assert np.abs(u).max() <= bound * (1 + 1e-6)


@pytest.mark.oracle
def test_gaussian_option_has_the_law_of_scikit_image(flat, philox):
    noisy, clean = Speckle(0.04, "gaussian")(flat(0.5), philox(1))
    theirs = random_noise(clean, "speckle", rng=2, clip=False, var=0.04)
    assert stats.ks_2samp(noisy.ravel(), theirs.ravel()).pvalue > 1e-6
    assert stats.kstest(((noisy - clean) / clean / 0.2).ravel(), "norm").pvalue > 1e-6


def test_legacy_stream_in_the_formula_of_matlab(picture):
    noisy, _ = Speckle(0.02)(picture, LegacyGenerator(3))
    uniform = np.random.RandomState(3).random_sample(picture.shape)
    matlab = picture + np.sqrt(12 * 0.02) * picture * (uniform - 0.5)
    assert np.allclose(noisy, matlab, rtol=0, atol=1e-7)


def test_black_stays_black(flat, philox):
    assert not Speckle(0.04)(flat(0.0), philox(0))[0].any()


def test_unknown_distribution():
    with pytest.raises(ValueError, match="distribution"):
        Speckle(0.02, "normal")


def test_output_never_changes(digests):
    assert digests(Speckle(0.03)) == HASHES
    assert digests(Speckle(0.03, "gaussian")) == GAUSSIAN_HASHES
