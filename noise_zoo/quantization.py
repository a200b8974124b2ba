"""Uniform quantization to few levels."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from noise_zoo.noise import Images, Noise, Random, as_image


@dataclass(frozen=True)
class Quantization(Noise):
    """Rounds (H, W, C) in [0, 1] to the nearest of 2^bits equidistant levels from 0 to 1; deterministic.

    Values are clipped to [0, 1] first.

    Source: a uniform mid-tread quantizer, Gersho & Gray, Vector Quantization and Signal Compression (1992), chapter 5.
    """

    axis: ClassVar[str] = "bits"
    levels: ClassVar[tuple[float, ...]] = (2, 3, 4, 5)
    groups: ClassVar[tuple[str, ...]] = ("extras",)
    random: ClassVar[bool] = False
    title: ClassVar[str] = "Quantization"
    formula: ClassVar[str] = "y = round(m·x)/m, m = 2^bits − 1"
    source: ClassVar[str] = "uniform quantizer (Gersho & Gray, 1992)"

    bits: int

    def __post_init__(self) -> None:
        self.check_integer("bits", low=1, high=8)

    def __call__(self, clean: np.ndarray, rng: Random) -> Images:
        clean = as_image(clean)
        steps = np.float32(2**self.bits - 1)
        return np.rint(np.clip(clean, 0, 1) * steps) / steps, clean
