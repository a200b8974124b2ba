"""Mixture of four noises at four levels."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from noise_zoo.gaussian import Gaussian
from noise_zoo.noise import Noise, as_image
from noise_zoo.photon_counts import photon_counts
from noise_zoo.salt_pepper import SaltPepper
from noise_zoo.speckle import Speckle

PHOTONS = 256  # at intensity 1
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
    levels: ClassVar[tuple] = tuple(RECIPES)
    groups: ClassVar[tuple] = ("paper", "all")
    title: ClassVar[str] = "Mixture"
    formula: ClassVar[str] = "Gaussian(σ), speckle(v), clip to [0, 1], Poisson(256x)/256, salt & pepper(d)"
    source: ClassVar[str] = "defined by this project; Chen et al., CVPR 2023, published no definition"

    level: int

    def __post_init__(self):
        self.check_integer("level", low=min(RECIPES), high=max(RECIPES))

    def __call__(self, clean, rng):
        clean = as_image(clean)
        sigma, var, density = RECIPES[self.level]
        noisy, _ = Gaussian(sigma)(clean, rng)
        noisy, _ = Speckle(var)(noisy, rng)
        photons = photon_counts(rng, np.clip(noisy, 0, 1) * PHOTONS)  # (H, W, C)
        noisy, _ = SaltPepper(density)((photons / PHOTONS).astype(np.float32), rng)
        return noisy, clean
