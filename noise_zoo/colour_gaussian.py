"""Gaussian noise with correlated channels, as after a colour matrix."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from noise_zoo.noise import Images, Noise, Random, as_image, constant


@dataclass(frozen=True)
class ColourGaussian(Noise):
    """Adds N(0, (sigma/255)^2) to (H, W, C) in [0, 1]; the channels of a pixel have the given correlation.

    Pixels are independent. Correlation 0: independent channels; 1: the same value in all channels.

    Source: the correlated case of Zhang et al., 2022 (SCUNet, github.com/cszn/KAIR), here of equal correlations.
    """

    axis: ClassVar[str] = "sigma"
    levels: ClassVar[tuple[float, ...]] = (15, 25, 50)
    groups: ClassVar[tuple[str, ...]] = ("extras",)
    needs_colour: ClassVar[bool] = True
    title: ClassVar[str] = "Gaussian, channels correlated"
    formula: ClassVar[str] = "y = x + σ/255·(√(1−ρ)·n + √ρ·m), n ~ N(0, 1) per sample, m ~ N(0, 1) per pixel"
    source: ClassVar[str] = "after Zhang et al., 2022 (SCUNet), with equal correlations"

    sigma: float
    correlation: float = 0.5

    def __post_init__(self) -> None:
        self.check_number("sigma")
        self.check_number("correlation", high=1.0)

    def __call__(self, clean: np.ndarray, rng: Random) -> Images:
        clean = as_image(clean)
        noisy = rng.standard_normal(clean.shape, dtype=np.float32)  # (H, W, C)
        noisy *= self.sigma / 255 * math.sqrt(1 - self.correlation)
        shared = rng.standard_normal((*clean.shape[:2], 1), dtype=np.float32)
        shared *= self.sigma / 255 * math.sqrt(self.correlation)
        noisy += shared
        noisy += clean
        return noisy.astype(np.float32, copy=False), clean

    def standard_deviation(self, clean: np.ndarray) -> np.ndarray:
        """Return sigma/255 everywhere, float32 (H, W, C)."""
        return constant(clean, self.sigma / 255)
