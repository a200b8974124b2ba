import numpy as np
import pytest
from scipy import stats
from skimage.util import random_noise

from noise_zoo.legacy import LegacyGenerator
from noise_zoo.salt_pepper import SaltPepper

# SHA-256 of the output for seeds 0 and 1; where they must change, so must the noise's version.
HASHES = [
    "7f46326337c65b9aa12b626cf1a35b46648974bc245fd3987225f0bb49805263",
    "7974e2dedb7aeb51f6df03822cfca0aee4c6664589bdc6f1683408695dba71ef",
]


def test_levels_of_the_literature():
    assert SaltPepper.levels == (0.002, 0.004, 0.008, 0.012, 0.016, 0.02)


@pytest.mark.parametrize("density", [0.002, 0.02, 0.3, 1.0])
def test_rates(density, flat, philox):
    noisy, _ = SaltPepper(density)(flat(0.4), philox(1))
    error = np.sqrt(density / 2 * (1 - density / 2) / noisy.size)
    assert np.mean(noisy == 0) == pytest.approx(density / 2, abs=5 * error)
    assert np.mean(noisy == 1) == pytest.approx(density / 2, abs=5 * error)
    assert np.mean(noisy == np.float32(0.4)) == pytest.approx(1 - density, abs=10 * error)


def test_hits_are_independent(flat, philox, check_white):
    noisy, clean = SaltPepper(0.2)(flat(0.5), philox(2))
    check_white(noisy - clean)  # salt and pepper
    check_white((noisy != clean).astype(np.float64))  # hit or not


def test_other_samples_are_untouched(picture, philox):
    noisy, _ = SaltPepper(0.1)(picture, philox(3))
    assert set(np.unique(noisy[noisy != picture])) == {0.0, 1.0}


@pytest.mark.oracle
def test_same_rates_as_scikit_image(flat, philox):
    noisy, clean = SaltPepper(0.02)(flat(0.5), philox(4))
    theirs = random_noise(clean, "s&p", rng=1, clip=False, amount=0.02)
    table = [[np.sum(image == value) for value in (0, 0.5, 1)] for image in (noisy, theirs)]
    assert stats.chi2_contingency(table).pvalue > 1e-6


def test_legacy_stream_in_the_formula_of_matlab(picture):
    noisy, _ = SaltPepper(0.2)(picture, LegacyGenerator(5))
    uniform = np.random.RandomState(5).random_sample(picture.shape)
    matlab = np.where(uniform < 0.1, 0, np.where(uniform < 0.9, picture, 1))
    assert np.array_equal(noisy, matlab)


def test_zero_is_the_clean_image(picture, philox):
    assert np.array_equal(SaltPepper(0)(picture, philox(0))[0], picture)


def test_density_is_a_probability():
    with pytest.raises(ValueError, match="density"):
        SaltPepper(1.5)


def test_output_never_changes(digests):
    assert digests(SaltPepper(0.02)) == HASHES
