import numpy as np
import pytest
from scipy import stats

from noise_zoo.colour_gaussian import ColourGaussian

# SHA-256 of the output for seeds 0 and 1; where they must change, so must the noise's version.
HASHES = [
    "24ebf0b1369dcc46d3884d9f80da080594cc393c52a2a42f47aa5ff7e79d19fd",
    "de0c4ee3d1cb0ad6e0926db2365dac9fe55f933037af4bf0ddf10e9e2812f364",
]


@pytest.mark.oracle
@pytest.mark.parametrize("correlation", [0, 0.3, 0.5, 1])
def test_law_is_that_of_scipy(correlation, flat, philox, check_moments):
    noisy, clean = ColourGaussian(25, correlation)(flat(0.5), philox(1))
    noise = (noisy - clean).astype(np.float64) * 255 / 25
    covariance = np.full((3, 3), correlation) + (1 - correlation) * np.eye(3)
    theirs = stats.multivariate_normal(np.zeros(3), covariance, allow_singular=True)
    check_moments(noise, 0, 1, fourth=3 + 6 * correlation**2)  # channels of a pixel count as fewer samples
    for weights in ([1, 1, 1], [1, -1, 0], [0, 2, -1]):
        variance = np.array(weights) @ theirs.cov @ weights
        check_moments(noise @ np.array(weights, float), 0, variance, fourth=3 * variance**2)
    assert stats.kstest(noise[..., 1].ravel(), "norm").pvalue > 1e-6


def test_pixels_are_independent(flat, philox, check_white):
    reds = [ColourGaussian(25)(flat(0.5), philox(seed))[0][..., 0] for seed in range(3)]
    check_white(np.stack(reds, axis=-1))


def test_grey_noise_is_equal_in_all_channels(flat, philox):
    noisy, clean = ColourGaussian(50, correlation=1)(flat(0.5), philox(0))
    noise = noisy - clean
    assert np.array_equal(noise[..., 0], noise[..., 1]) and np.array_equal(noise[..., 0], noise[..., 2])


def test_no_correlation_is_gaussian(flat, philox, check_white):
    noisy, clean = ColourGaussian(25, correlation=0)(flat(0.5), philox(0))
    check_white(noisy - clean)


@pytest.mark.parametrize("correlation", [-0.1, 1.1, "grey", None])
def test_bad_correlations(correlation):
    with pytest.raises(ValueError, match="^ColourGaussian: correlation"):
        ColourGaussian(25, correlation)


def test_output_never_changes(digests):
    assert digests(ColourGaussian(25)) == HASHES
