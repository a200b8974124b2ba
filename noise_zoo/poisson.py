"""Photon noise: the variance grows with the intensity."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from noise_zoo.legacy import LegacyGenerator
from noise_zoo.noise import Images, Noise, Random, as_image
from noise_zoo.photon_counts import photon_counts


@dataclass(frozen=True)
class Poisson(Noise):
    """Adds photon noise scaled by alpha to x (H, W, C) in [0, 1], rounded to 8 bits: variance alpha^2 x / v.

    v is the number of distinct values in the rounded image, all channels together, raised to a power of two:
    256 for nearly every photograph. The returned clean image is the input, not rounded.

    Source: the notebook published with Chen et al., CVPR 2023; its v is that of skimage.util.random_noise.
    """

    axis: ClassVar[str] = "alpha"
    levels: ClassVar[tuple[float, ...]] = (2, 2.5, 3, 3.5)
    groups: ClassVar[tuple[str, ...]] = ("paper", "all")
    title: ClassVar[str] = "Poisson"
    formula: ClassVar[str] = "y = x + α(p − x), p = Poisson(v·x)/v, v = 2^⌈log₂(number of distinct values)⌉"
    source: ClassVar[str] = "notebook of Chen et al., CVPR 2023"

    alpha: float

    def __post_init__(self) -> None:
        self.check_number("alpha")

    def __call__(self, clean: np.ndarray, rng: Random) -> Images:
        clean = as_image(clean)
        precision = np.float64 if isinstance(rng, LegacyGenerator) else np.float32
        eight_bit = np.rint(np.clip(clean, 0, 1) * 255)  # (H, W, C), 0 to 255
        x = eight_bit.astype(precision) / 255
        v = photons_at_white(eight_bit.astype(np.uint8))
        noisy = photon_counts(rng, x * v) / precision(v)
        noisy -= x
        noisy *= self.alpha
        noisy += x
        return noisy.astype(np.float32, copy=False), clean

    def standard_deviation(self, clean: np.ndarray) -> np.ndarray:
        """Return alpha * sqrt(x / v), float32 (H, W, C), with x rounded to 8 bits."""
        eight_bit = np.rint(np.clip(as_image(clean), 0, 1) * 255)
        return (self.alpha * np.sqrt(eight_bit / 255 / photons_at_white(eight_bit.astype(np.uint8)))).astype(np.float32)


def photons_at_white(eight_bit: np.ndarray) -> int:
    """Return v for uint8 values of any shape: the number of distinct ones, raised to a power of two."""
    return 2 ** math.ceil(math.log2(np.count_nonzero(np.bincount(eight_bit.ravel()))))
