"""Gaussian noise that neighbouring pixels share, as left by demosaicing or by resizing a noisy image."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from noise_zoo.noise import Images, Noise, Random, as_image


@dataclass(frozen=True)
class Correlated(Noise):
    """Adds to (H, W, C) in [0, 1] Gaussian noise of standard deviation sigma/255 under a 3x3 mean filter.

    The result has standard deviation sigma/3 in the interior, sqrt(5/27) sigma = 0.43 sigma on the edges and
    5/9 sigma = 0.56 sigma in the corners, where the reflected border repeats samples.

    Source: Chen et al., CVPR 2023, "spatially correlated Gaussian noise".
    """

    axis: ClassVar[str] = "sigma"
    levels: ClassVar[tuple[float, ...]] = (40, 45, 50, 55)
    groups: ClassVar[tuple[str, ...]] = ("paper", "all")
    title: ClassVar[str] = "Spatially correlated Gaussian"
    formula: ClassVar[str] = "y = x + mean₃ₓ₃(n), n ~ N(0, (σ/255)²)"
    source: ClassVar[str] = "Chen et al., CVPR 2023: 3x3 mean filter over Gaussian noise"

    sigma: float

    def __post_init__(self) -> None:
        self.check_number("sigma")

    def __call__(self, clean: np.ndarray, rng: Random) -> Images:
        clean = as_image(clean)
        noisy = mean_3x3(rng.standard_normal(clean.shape, dtype=np.float32))  # (H, W, C)
        noisy *= self.sigma / 255
        noisy += clean
        return noisy.astype(np.float32, copy=False), clean

    def standard_deviation(self, clean: np.ndarray) -> np.ndarray:
        """Return sigma/255 times the root of the summed squares of the filter's weights, float32 (H, W, C).

        At the border the reflection gives a sample twice the weight, and in a corner four times.
        """
        height, width, channels = as_image(clean).shape
        down, across = _weight(height), _weight(width)
        deviation = np.sqrt(np.outer(down, across)) * (self.sigma / 255)
        return np.repeat(deviation[..., None], channels, axis=2).astype(np.float32)


def _weight(length: int) -> np.ndarray:
    """Return the sum of the squared weights of a mean of 3 along an axis, (length,); the border is reflected."""
    weights = np.full(length, 3 / 9)
    if length == 1:
        return np.ones(1)
    weights[[0, -1]] = 5 / 9
    return weights


def mean_3x3(image: np.ndarray) -> np.ndarray:
    """Return the mean of the 3x3 pixels around each, (H, W, C), channel by channel; the border is reflected.

    Source: scipy.ndimage.uniform_filter(image, (3, 3, 1)), here six times faster.
    """
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="symmetric")
    rows = padded[:-2] + padded[1:-1]
    rows += padded[2:]
    total = rows[:, :-2] + rows[:, 1:-1]
    total += rows[:, 2:]
    total *= 1 / 9
    return total
