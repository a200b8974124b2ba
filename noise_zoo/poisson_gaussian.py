"""Photon noise and read noise: the usual model of a linear sensor."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from noise_zoo.noise import Images, Noise, Random, as_image
from noise_zoo.photon_counts import MAX_MEAN, photon_counts


@dataclass(frozen=True)
class PoissonGaussian(Noise):
    """Replaces x (H, W, C) in [0, 1] by photons of mean peak * x over peak, and adds N(0, (sigma/255)^2).

    Variance x / peak + (sigma/255)^2. Values are clipped to [0, 1] before the Poisson step. By default the read
    noise has a standard deviation of a tenth of the range, as in the published tables (peaks 1 to 120).

    Source: Makitalo & Foi, TIP 2013, "Optimal Inversion of the Generalized Anscombe Transformation".
    """

    axis: ClassVar[str] = "peak"
    levels: ClassVar[tuple[float, ...]] = (10, 30, 60, 120)
    groups: ClassVar[tuple[str, ...]] = ("extras",)
    title: ClassVar[str] = "Poisson-Gaussian"
    formula: ClassVar[str] = "y = Poisson(peak·x)/peak + n, n ~ N(0, (σ/255)²)"
    source: ClassVar[str] = "Mäkitalo & Foi, TIP 2013"

    peak: float
    sigma: float = 25.5

    def __post_init__(self) -> None:
        self.check_number("peak", low=0.01)
        self.check_number("sigma")

    def __call__(self, clean: np.ndarray, rng: Random) -> Images:
        clean = as_image(clean)
        mean = np.clip(clean, 0, 1) * np.float32(self.peak)  # (H, W, C)
        counts = photon_counts(rng, mean) if self.peak <= MAX_MEAN else rng.poisson(mean)
        noisy = (counts / np.float32(self.peak)).astype(np.float32)
        if self.sigma > 0:
            read = rng.standard_normal(clean.shape, dtype=np.float32)
            read *= self.sigma / 255
            noisy += read.astype(np.float32, copy=False)
        return noisy, clean

    def standard_deviation(self, clean: np.ndarray) -> np.ndarray:
        """Return sqrt(x / peak + (sigma/255)^2), float32 (H, W, C)."""
        return np.sqrt(np.clip(as_image(clean), 0, 1) / self.peak + (self.sigma / 255) ** 2).astype(np.float32)
