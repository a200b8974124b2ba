"""The standard deviation that a noise states is that of its samples, at each pixel and intensity."""

import numpy as np
import pytest

import noise_zoo
from noise_zoo.banding import Banding
from noise_zoo.colour_gaussian import ColourGaussian
from noise_zoo.correlated import Correlated
from noise_zoo.gaussian import Gaussian
from noise_zoo.isp import Isp
from noise_zoo.jpeg import Jpeg
from noise_zoo.mixture import Mixture
from noise_zoo.monte_carlo import MonteCarlo
from noise_zoo.poisson import Poisson
from noise_zoo.poisson_gaussian import PoissonGaussian
from noise_zoo.random_mixture import RandomMixture
from noise_zoo.real import Real
from noise_zoo.salt_pepper import SaltPepper
from noise_zoo.speckle import Speckle

DEFINED = [Gaussian(25), ColourGaussian(25), Correlated(50), Banding(10), Banding(10, "columns"), Poisson(3),
           PoissonGaussian(30), PoissonGaussian(10, 0), Speckle(0.04), Speckle(0.02, "gaussian"), SaltPepper(0.02),
           Mixture(1), Mixture(4)]  # fmt: skip
UNDEFINED = [Isp(), Jpeg(10), RandomMixture(), Real(), MonteCarlo(64)]
DRAWS = 4000


@pytest.mark.slow
@pytest.mark.parametrize("noise", DEFINED, ids=str)
def test_equals_that_of_samples(noise, philox):
    clean = np.linspace(0, 1, 5 * 4 * 3, dtype=np.float32).reshape(5, 4, 3)
    clean = np.rint(clean * 255).astype(np.float32) / np.float32(255)
    rng = philox(0)
    samples = np.stack([noise(clean, rng)[0] - clean for _ in range(DRAWS)]).astype(np.float64)
    stated = noise.standard_deviation(clean)
    assert stated.shape == clean.shape and stated.dtype == np.float32
    variance, centred = samples.var(0), samples - samples.mean(0)
    error = np.sqrt(((centred**4).mean(0) - variance**2) / DRAWS)
    assert np.all(np.abs(stated.astype(float) ** 2 - variance) <= 5 * error + 1e-7)


@pytest.mark.slow
def test_the_smallest_images_too(philox):
    rng = philox(0)
    for shape in ((1, 1, 1), (1, 7, 3), (2, 2, 3)):
        clean = np.full(shape, 0.5, np.float32)
        samples = np.stack([Correlated(50)(clean, rng)[0] for _ in range(DRAWS)])
        assert Correlated(50).standard_deviation(clean) == pytest.approx(samples.std(0), rel=0.06)


@pytest.mark.parametrize("noise", UNDEFINED, ids=str)
def test_is_not_defined_for_every_noise(noise):
    assert not noise.has_standard_deviation
    with pytest.raises(ValueError, match="known standard deviation"):
        noise.standard_deviation(np.zeros((4, 4, 3), np.float32))


def test_every_noise_is_tested():
    known = {type(noise).__name__ for noise in (*DEFINED, *UNDEFINED)}
    assert known | {"Chain", "Quantization"} == {noise_zoo.class_name(name) for name in noise_zoo.names()}
    assert all(noise.has_standard_deviation for noise in DEFINED)
