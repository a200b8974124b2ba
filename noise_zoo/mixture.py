"""Mixture of four noises at four levels."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import ndtr

from noise_zoo.gaussian import Gaussian
from noise_zoo.noise import Images, Noise, Random, as_image
from noise_zoo.photon_counts import photon_counts
from noise_zoo.salt_pepper import SaltPepper, impulse_variance
from noise_zoo.speckle import Speckle

PHOTONS = 256  # at intensity 1
QUADRATURE_POINTS = 6
RECIPES = {  # level: (sigma of Gaussian, variance of speckle, density of salt & pepper)
    1: (14, 0.003, 0.002),
    2: (16, 0.004, 0.002),
    3: (20, 0.006, 0.003),
    4: (23, 0.008, 0.004),
}


@dataclass(frozen=True)
class Mixture(Noise):
    """Adds Gaussian noise, speckle, Poisson noise and salt & pepper, in this order, to (H, W, C) in [0, 1].

    `level` is an integer from 1 to 4. Values are clipped to [0, 1] before the Poisson step (256 photons at intensity 1)
    only. Stored in 8 bits, CBSD68 has a PSNR of 22.5, 21.8, 20.3 and 19.3 dB at levels 1 to 4. The mixture of Chen et
    al. was never published; this definition is ours and will not change: another mixture gets another name.

    Source: defined here, after "mixing the above different types of noise" of Chen et al., CVPR 2023.
    """

    axis: ClassVar[str] = "level"
    levels: ClassVar[tuple[float, ...]] = tuple(RECIPES)
    groups: ClassVar[tuple[str, ...]] = ("paper", "all")
    title: ClassVar[str] = "Mixture"
    formula: ClassVar[str] = "Gaussian(σ), speckle(v), clip to [0, 1], Poisson(256x)/256, salt & pepper(d)"
    source: ClassVar[str] = "defined by this project; Chen et al., CVPR 2023, published no definition"

    level: int

    def __post_init__(self) -> None:
        self.check_integer("level", low=min(RECIPES), high=max(RECIPES))

    def __call__(self, clean: np.ndarray, rng: Random) -> Images:
        clean = as_image(clean)
        sigma, var, density = RECIPES[self.level]
        noisy, _ = Gaussian(sigma)(clean, rng)
        noisy, _ = Speckle(var)(noisy, rng)
        photons = photon_counts(rng, np.clip(noisy, 0, 1) * PHOTONS)  # (H, W, C)
        noisy, _ = SaltPepper(density)((photons / PHOTONS).astype(np.float32), rng)
        return noisy, clean

    def standard_deviation(self, clean: np.ndarray) -> np.ndarray:
        """Return the standard deviation of y, float32 (H, W, C), for x fixed: y - x has a mean other than 0.

        Given the speckle u, the sample before the clip is normal, N(x (1 + u), (sigma/255 (1 + u))^2), and the moments
        of a clipped normal variable are known; u is integrated by Gauss-Legendre quadrature.
        """
        clean = as_image(clean).astype(np.float64)
        sigma, var, density = RECIPES[self.level]
        mean, square = np.zeros_like(clean), np.zeros_like(clean)
        for node, weight in zip(*np.polynomial.legendre.leggauss(QUADRATURE_POINTS), strict=True):
            gain = 1 + node * math.sqrt(3 * var)  # u is uniform
            first, second = clipped_moments(clean * gain, sigma / 255 * gain)
            mean += weight / 2 * first
            square += weight / 2 * second
        return np.sqrt(impulse_variance(mean, square + mean / PHOTONS, density)).astype(np.float32)


def clipped_moments(mean: np.ndarray, deviation: float) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and mean square of N(mean, deviation^2) clipped to [0, 1], for arrays of means."""
    low, high = -mean / deviation, (1 - mean) / deviation
    inside, above = ndtr(high) - ndtr(low), ndtr(-high)
    at_low, at_high = (np.exp(-(end**2) / 2) / math.sqrt(2 * math.pi) for end in (low, high))
    first = mean * inside + deviation * (at_low - at_high) + above
    second = (mean**2 + deviation**2) * inside + deviation * (mean * at_low - (mean + 1) * at_high) + above
    return first, second
