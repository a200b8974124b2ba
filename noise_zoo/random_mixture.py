"""Random mixture: kinds, order and levels of the noises are drawn for every image."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from noise_zoo.chain import Chain
from noise_zoo.colour_gaussian import ColourGaussian
from noise_zoo.gaussian import Gaussian
from noise_zoo.isp import Isp
from noise_zoo.jpeg import Jpeg
from noise_zoo.noise import Images, Noise, Random, as_image
from noise_zoo.poisson_gaussian import PoissonGaussian
from noise_zoo.speckle import Speckle


@dataclass(frozen=True)
class RandomMixture(Noise):
    """Applies a random chain of noises to (H, W, 3) in [0, 1]: always Gaussian noise, others with a probability.

    Gaussian noise of sigma 2 to 50 is independent (probability 0.4), the same in all channels (0.4) or correlated
    between channels (0.2). Gaussian speckle (standard deviation 2 to 50 of 255), photon noise (100 to 10,000 photons,
    log-uniform) and JPEG (quality 30 to 95) have probability 1/2 each; the order is random. Camera noise (isp) has
    probability 1/4 and is always first. `drawn(rng)` returns the chain.

    Ranges are those of the source; its resizing is omitted.

    Source: defined here, after Zhang et al., 2022, "Practical Blind Denoising via Swin-Conv-UNet and Data Synthesis".
    """

    groups: ClassVar[tuple[str, ...]] = ("extras",)
    needs_colour: ClassVar[bool] = True  # if isp or correlated channels are drawn
    keeps_clean: ClassVar[bool] = False  # if isp is drawn
    title: ClassVar[str] = "Random mixture"
    formula: ClassVar[str] = "Gaussian and, at random, speckle, Poisson and JPEG in random order; isp first"
    source: ClassVar[str] = "defined by this project, after Zhang et al., 2022 (SCUNet)"

    def __call__(self, clean: np.ndarray, rng: Random) -> Images:
        return self.drawn(rng)(as_image(clean), rng)

    def drawn(self, rng: Random) -> Noise:
        """Return the noise drawn from this generator: a Chain, or a single noise."""
        kind, gaussian_level, speckle_level, photon_level, quality_level = rng.random(5)
        present = rng.random(4) < (0.5, 0.5, 0.5, 0.25)
        order = rng.random(4).argsort()
        sigma = between(2, 50, gaussian_level)
        correlation = 0 if kind < 0.4 else 1 if kind < 0.8 else 0.5
        candidates: tuple[Noise, ...] = (
            Gaussian(sigma) if correlation == 0 else ColourGaussian(sigma, correlation),
            Speckle((between(2, 50, speckle_level) / 255) ** 2, "gaussian"),
            PoissonGaussian(round(100 ** (1 + float(photon_level))), 0),
            Jpeg(round(between(30, 95, quality_level))),
        )
        chosen = (True, *present[:3])
        parts = [candidates[index] for index in order if chosen[index]]
        if present[3]:
            parts.insert(0, Isp())
        return Chain(*parts) if len(parts) > 1 else parts[0]


def between(low: float, high: float, share: float) -> float:
    """Interpolate linearly: low at share 0, high at share 1."""
    return low + (high - low) * float(share)
