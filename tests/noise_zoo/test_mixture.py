import numpy as np
import pytest

from noise_zoo.gaussian import Gaussian
from noise_zoo.mixture import Mixture
from noise_zoo.photon_counts import photon_counts
from noise_zoo.salt_pepper import SaltPepper
from noise_zoo.speckle import Speckle

# SHA-256 of the output for seeds 0 and 1; where they must change, so must the noise's version.
HASHES = [
    "7b40ce332b521f2c6bf50e1ab44e7ef5d5799df60d291f3f5ef792202a5f165d",
    "87caacaedd48b8b610651ffc78114a243acba36f2f85401a1f715bffe70796fc",
]

RECIPES = [(1, 14, 0.003, 0.002), (2, 16, 0.004, 0.002), (3, 20, 0.006, 0.003), (4, 23, 0.008, 0.004)]


def test_levels():
    assert Mixture.levels == (1, 2, 3, 4)
    assert type(Mixture(2.0).level) is int


@pytest.mark.parametrize(("level", "sigma", "var", "density"), RECIPES)
def test_is_its_parts_in_order(level, sigma, var, density, picture, philox):
    rng = philox(level)
    gaussian, _ = Gaussian(sigma)(picture, rng)
    speckled, _ = Speckle(var)(gaussian, rng)
    assert speckled.min() < 0 and speckled.max() > 1  # so the clip matters
    counted = (photon_counts(rng, np.clip(speckled, 0, 1) * 256) / 256).astype(np.float32)
    expected, _ = SaltPepper(density)(counted, rng)
    assert np.array_equal(Mixture(level)(picture, philox(level))[0], expected)


@pytest.mark.parametrize(("level", "sigma", "var", "density"), RECIPES)
def test_law_on_grey(level, sigma, var, density, flat, philox, check_moments, check_white):
    x, gaussian = 0.5, (sigma / 255) ** 2
    noisy, clean = Mixture(level)(flat(x), philox(level))
    impulse = (noisy == 0) | (noisy == 1)  # grey is too far from black and white for the rest to get there
    error = np.sqrt(density / noisy.size)
    assert impulse.mean() == pytest.approx(density, abs=5 * error)
    check_moments(noisy[~impulse], x, gaussian + var * (x**2 + gaussian) + x / 256)
    check_white(noisy - clean)


def test_is_not_clipped_at_the_end(flat, philox):
    noisy, _ = Mixture(4)(flat(1.0), philox(0))
    assert np.mean(noisy > 1) > 0.1
    assert noisy.min() == 0  # nothing after the Poisson step goes below


@pytest.mark.parametrize("level", [0, 5, 2.5, "2", True, None])
def test_bad_levels(level):
    with pytest.raises(ValueError, match="^Mixture: level"):
        Mixture(level)


@pytest.mark.slow
@pytest.mark.parametrize(("level", "psnr"), [(1, 22.5), (2, 21.8), (3, 20.3), (4, 19.3)])
def test_psnr_on_cbsd68(level, psnr, stored_psnr):
    assert stored_psnr(Mixture(level)) == pytest.approx(psnr, abs=0.05)


def test_output_never_changes(digests):
    assert digests(Mixture(2)) == HASHES
