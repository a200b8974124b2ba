"""Multiplicative noise, as in radar and ultrasound images."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from noise_zoo.noise import Images, Noise, Random, as_image


@dataclass(frozen=True)
class Speckle(Noise):
    """Adds x * u to x (H, W, C) in [0, 1]; u has mean 0 and variance var, independent in every pixel and channel.

    u is uniform, as in MATLAB, which the published sets were made with; distribution='gaussian' is scikit-image's.

    Source: MATLAB's imnoise(I, 'speckle', var): I + sqrt(12 var) * I .* (rand(size(I)) - 0.5).
    """

    axis: ClassVar[str] = "var"
    levels: ClassVar[tuple[float, ...]] = (0.02, 0.024, 0.03, 0.04)
    groups: ClassVar[tuple[str, ...]] = ("paper", "all")
    title: ClassVar[str] = "Speckle"
    formula: ClassVar[str] = "y = x + x·u, u ~ U(−√(3v), √(3v)), variance v (an option: u ~ N(0, v))"
    source: ClassVar[str] = "MATLAB imnoise(I, 'speckle', v)"

    var: float
    distribution: str = "uniform"

    def __post_init__(self) -> None:
        self.check_number("var")
        self.check_choice("distribution", ("uniform", "gaussian"))

    def __call__(self, clean: np.ndarray, rng: Random) -> Images:
        clean = as_image(clean)
        if self.distribution == "uniform":
            noisy = rng.random(clean.shape, dtype=np.float32)  # (H, W, C)
            noisy -= 0.5
            noisy *= math.sqrt(12 * self.var)
        else:
            noisy = rng.standard_normal(clean.shape, dtype=np.float32)
            noisy *= math.sqrt(self.var)
        noisy *= clean
        noisy += clean
        return noisy.astype(np.float32, copy=False), clean

    def standard_deviation(self, clean: np.ndarray) -> np.ndarray:
        """Return sqrt(var) * |x|, float32 (H, W, C)."""
        return (np.abs(as_image(clean)) * math.sqrt(self.var)).astype(np.float32)
