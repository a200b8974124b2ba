import numpy as np
import pytest
from scipy import stats

from noise_zoo.poisson_gaussian import PoissonGaussian

# SHA-256 of the output for seeds 0 and 1; where they must change, so must the noise's version.
HASHES = [
    "88f7f9cca51d2a21c5630b08aba499d4892ec002506b713fa08465a747cf4488",
    "42c16a2a149c2c2baea96b4742df5f8fb5bfa1de3f65f66e6bab021facab9e6c",
]
MANY_PHOTONS_HASHES = [
    "e34d2aaa3fb1830637015c41f5a20ee2c2f7cd85ca6880ba88a1ba8608e610cf",
    "9716648528b5803d41c9063058fbb8a7362b4fe284101d1431da46eaca1d53a4",
]


def test_levels_and_read_noise_of_the_literature():
    assert PoissonGaussian.levels == (10, 30, 60, 120)
    assert PoissonGaussian(10).sigma == 255 / 10


@pytest.mark.parametrize("peak", [1, 10, 120, 1000])
@pytest.mark.parametrize("sigma", [0, 25.5])
@pytest.mark.parametrize("x", [0.0, 0.1, 0.8])
def test_law(x, sigma, peak, flat, philox, check_moments, check_white):
    noisy, clean = PoissonGaussian(peak, sigma)(flat(x), philox(peak))
    x, gaussian = float(np.float32(x)), (sigma / 255) ** 2
    variance = x / peak + gaussian
    fourth = 3 * variance**2 + x / peak**3
    check_moments(noisy, x, variance, fourth)
    if x > 0:
        third = np.mean((noisy - x).astype(np.float64) ** 3)  # of the photons alone
        assert third == pytest.approx(x / peak**2, abs=5 * np.sqrt((15 * variance**3 + 25 * x / peak**5) / noisy.size))
        check_white(noisy - clean)


@pytest.mark.oracle
@pytest.mark.parametrize("peak", [30, 1000])
def test_photons_have_the_law_of_scipy(peak, flat, philox):
    noisy, _ = PoissonGaussian(peak, 0)(flat(0.3), philox(0))
    counts = np.rint(noisy.astype(np.float64) * peak)
    assert np.allclose(counts, noisy * peak, atol=1e-2)
    law = stats.poisson(0.3 * peak)
    k = np.arange(law.ppf(1e-4), law.ppf(1 - 1e-4) + 1)
    observed = np.array([np.sum(counts < k[0]), *(np.sum(counts == value) for value in k), np.sum(counts > k[-1])])
    expected = counts.size * np.array([law.cdf(k[0] - 1), *law.pmf(k), law.sf(k[-1])])
    kept = expected > 0
    assert stats.chisquare(observed[kept], expected[kept]).pvalue > 1e-6


def test_values_outside_are_clipped_before_photons_are_counted(philox):
    outside = np.full((200, 200, 1), -0.5, np.float32)
    assert not PoissonGaussian(30, 0)(outside, philox(0))[0].any()
    assert PoissonGaussian(30, 0)(outside + 2, philox(0))[0].mean() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("peak", [0, 0.001])
def test_no_photons_at_all_are_refused(peak):
    with pytest.raises(ValueError, match="^PoissonGaussian: peak"):
        PoissonGaussian(peak)


def test_output_never_changes(digests):
    assert digests(PoissonGaussian(30)) == HASHES
    assert digests(PoissonGaussian(1000, sigma=2)) == MANY_PHOTONS_HASHES
