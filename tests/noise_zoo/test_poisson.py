import numpy as np
import pytest
from scipy import stats
from skimage.util import random_noise

from noise_zoo.legacy import LegacyGenerator
from noise_zoo.poisson import Poisson

# SHA-256 of the output for seeds 0 and 1; where they must change, so must the noise's version.
HASHES = [
    "8b6b252fd94efae178ac0c000d9e94fa9d352f4d9e30c12c9c3d88e783054f16",
    "2c69e1a2145fccd0d6e6a645cbbf5bccd802e4738ce32bac1bb4b594b2d68ba7",
]


def test_levels_of_the_literature():
    assert Poisson.levels == (2, 2.5, 3, 3.5)


@pytest.fixture
def ramp():
    """All 256 levels, one a row: (256, 800, 3), float32."""
    return np.broadcast_to((np.arange(256) / 255).astype(np.float32)[:, None, None], (256, 800, 3))


@pytest.mark.parametrize("alpha", [1, 2, 3.5])
def test_variance_grows_with_the_intensity(alpha, ramp, philox, check_moments):
    noisy, clean = Poisson(alpha)(ramp, philox(3))
    assert np.array_equal(noisy[0], clean[0])  # black is exact
    for x, row in zip(np.arange(1, 256) / 255, noisy[1:], strict=True):
        mean = 256 * x
        check_moments(row, x, alpha**2 * x / 256, fourth=(alpha / 256) ** 4 * mean * (1 + 3 * mean))


def test_probabilities(flat, ramp, philox):
    ramp = ramp.copy()
    ramp[:, 100:] = 20 / 255  # all levels are there, and one of them often
    noisy, _ = Poisson(2)(ramp, philox(4))
    x = 20 / 255
    counts = 256 * ((noisy[:, 100:] - x) / 2 + x)
    assert np.allclose(counts, np.rint(counts), atol=1e-3)
    k = np.arange(4, 40)
    observed = np.array([np.sum(np.rint(counts) == value) for value in k])
    expected = stats.poisson(256 * x).pmf(k) * counts.size
    scores = (observed - expected) / np.sqrt(expected)
    assert np.abs(scores).max() < 5


def test_noise_is_white(ramp, philox, check_white):
    noisy, clean = Poisson(2)(ramp, philox(6))
    check_white((noisy - clean)[128:] / np.sqrt(clean[128:]))


@pytest.mark.parametrize(("distinct", "v"), [(1, 1), (2, 2), (3, 4), (5, 8), (200, 256)])
def test_photons_follow_the_number_of_distinct_values(distinct, v, philox):
    levels = np.arange(30 * 40 * 3).reshape(30, 40, 3) % distinct + 50
    clean = (levels / 255).astype(np.float32)
    p, _ = Poisson(1)(clean, philox(0))
    assert np.allclose(p * v, np.rint(p * v), atol=1e-4)
    assert (np.rint(p * v) % 2 == 1).any()  # and v is not twice too large
    theirs = random_noise(clean.astype(np.float64), "poisson", rng=0, clip=False)
    assert np.allclose(theirs * v, np.rint(theirs * v), atol=1e-9)  # scikit-image has the same v


def test_is_not_clipped(ramp, philox):
    noisy, _ = Poisson(3.5)(ramp, philox(0))
    assert noisy.min() < 0 and noisy.max() > 1


def test_rounds_to_8_bits_and_returns_the_clean_image_as_it_came(picture, philox):
    off = np.clip(picture + 0.3 / 255, 0, 1)
    noisy, clean = Poisson(2)(off, philox(9))
    assert np.array_equal(noisy, Poisson(2)(picture, philox(9))[0])
    assert np.array_equal(clean, off)


def test_legacy_stream_in_the_formula_of_the_notebook(picture):
    noisy, _ = Poisson(2.5)(picture, LegacyGenerator(4))
    x = np.rint(picture * 255).astype(np.uint8) / 255.0
    v = 2 ** np.ceil(np.log2(len(np.unique(x))))
    p = np.random.RandomState(4).poisson(x * v) / float(v)
    assert np.array_equal(noisy, (x + 2.5 * (p - x)).astype(np.float32))


def test_output_never_changes(digests):
    assert digests(Poisson(2)) == HASHES
