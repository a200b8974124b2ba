"""Additive white Gaussian noise, the noise that denoisers are usually trained on."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from noise_zoo.noise import Images, Noise, Random, as_image, constant


@dataclass(frozen=True)
class Gaussian(Noise):
    """Adds N(0, (sigma/255)^2) to (H, W, C) in [0, 1], independently in every pixel and channel.

    Source: the usual definition, as in KAIR; sigma 15 is the training noise of Chen et al., CVPR 2023.
    """

    axis: ClassVar[str] = "sigma"
    levels: ClassVar[tuple[float, ...]] = (15, 25, 50)
    groups: ClassVar[tuple[str, ...]] = ("paper", "all")
    title: ClassVar[str] = "Gaussian"
    formula: ClassVar[str] = "y = x + n, n ~ N(0, (σ/255)²)"
    source: ClassVar[str] = "additive white Gaussian noise, as in KAIR (github.com/cszn/KAIR)"

    sigma: float

    def __post_init__(self) -> None:
        self.check_number("sigma")

    def __call__(self, clean: np.ndarray, rng: Random) -> Images:
        clean = as_image(clean)
        noisy = rng.standard_normal(clean.shape, dtype=np.float32)  # (H, W, C)
        noisy *= self.sigma / 255
        noisy += clean
        return noisy.astype(np.float32, copy=False), clean

    def standard_deviation(self, clean: np.ndarray) -> np.ndarray:
        """Return sigma/255 everywhere, float32 (H, W, C)."""
        return constant(clean, self.sigma / 255)
