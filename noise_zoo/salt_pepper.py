"""Impulse noise: dead and saturated samples."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from noise_zoo.noise import Images, Noise, Random, as_image


@dataclass(frozen=True)
class SaltPepper(Noise):
    """Sets samples of (H, W, C) in [0, 1] to 0 with probability density/2 and to 1 with density/2.

    Pixels and channels are independent, so most impulses are coloured dots.

    Source: MATLAB's imnoise(I, 'salt & pepper', density).
    """

    axis: ClassVar[str] = "density"
    levels: ClassVar[tuple[float, ...]] = (0.002, 0.004, 0.008, 0.012, 0.016, 0.02)
    groups: ClassVar[tuple[str, ...]] = ("paper", "all")
    title: ClassVar[str] = "Salt & pepper"
    formula: ClassVar[str] = "y = 0 with probability d/2, 1 with d/2, else x"
    source: ClassVar[str] = "MATLAB imnoise(I, 'salt & pepper', d)"

    density: float

    def __post_init__(self) -> None:
        self.check_number("density", high=1.0)

    def __call__(self, clean: np.ndarray, rng: Random) -> Images:
        clean = as_image(clean)
        uniform = rng.random(clean.shape, dtype=np.float32)  # (H, W, C)
        noisy = clean.copy()
        noisy[uniform < self.density / 2] = 0
        noisy[uniform >= 1 - self.density / 2] = 1
        return noisy, clean

    def standard_deviation(self, clean: np.ndarray) -> np.ndarray:
        """Return the standard deviation of y, float32 (H, W, C), for x fixed: y - x has a mean other than 0."""
        clean = as_image(clean).astype(np.float64)
        return np.sqrt(impulse_variance(clean, clean**2, self.density)).astype(np.float32)


def impulse_variance(mean: np.ndarray, square: np.ndarray, density: float) -> np.ndarray:
    """Return the variance after salt & pepper of samples whose mean and mean square are given, (H, W, C)."""
    after = (1 - density) * mean + density / 2
    return np.maximum((1 - density) * square + density / 2 - after**2, 0)
