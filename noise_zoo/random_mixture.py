"""Another mixture for every image: kinds, order and levels are drawn."""

from dataclasses import dataclass
from typing import ClassVar

from noise_zoo.chain import Chain
from noise_zoo.colour_gaussian import ColourGaussian
from noise_zoo.gaussian import Gaussian
from noise_zoo.isp import Isp
from noise_zoo.jpeg import Jpeg
from noise_zoo.noise import Noise, as_image
from noise_zoo.poisson_gaussian import PoissonGaussian
from noise_zoo.speckle import Speckle


@dataclass(frozen=True)
class RandomMixture(Noise):
    """Applies to (H, W, 3) in [0, 1] a chain that it draws for this image: Gaussian noise always, others by chance.

    Gaussian noise of sigma 2 to 50 is independent (chance 0.4), grey (0.4) or correlated between channels (0.2).
    With chance 1/2 each come Gaussian speckle (deviation 2 to 50 of 255), photon noise (100 to 10,000 photons,
    even on a logarithmic scale) and JPEG (quality 30 to 95), all in random order; camera noise (isp), with chance
    1/4, comes before them. `drawn(rng)` tells which chain it was.

    Ranges are those of the source, whose resizing is left out.

    Source: defined here, after Zhang et al., 2022, "Practical Blind Denoising via Swin-Conv-UNet and Data Synthesis".
    """

    groups: ClassVar[tuple] = ("extras",)
    needs_colour: ClassVar[bool] = True  # where isp or correlated channels are drawn
    keeps_clean: ClassVar[bool] = False  # where isp is drawn
    title: ClassVar[str] = "Random mixture"
    formula: ClassVar[str] = "Gaussian and, by chance, speckle, Poisson and JPEG in random order, isp before them"
    source: ClassVar[str] = "defined by this project, after Zhang et al., 2022 (SCUNet)"

    def __call__(self, clean, rng):
        return self.drawn(rng)(as_image(clean), rng)

    def drawn(self, rng):
        """Return the noise that this stream draws, a Chain or one noise alone."""
        kind, gaussian_level, speckle_level, photon_level, quality_level = rng.random(5)
        present = rng.random(4) < (0.5, 0.5, 0.5, 0.25)
        order = rng.random(4).argsort()
        sigma = between(2, 50, gaussian_level)
        correlation = 0 if kind < 0.4 else 1 if kind < 0.8 else 0.5
        candidates = (
            Gaussian(sigma) if correlation == 0 else ColourGaussian(sigma, correlation),
            Speckle((between(2, 50, speckle_level) / 255) ** 2, "gaussian"),
            PoissonGaussian(round(100 ** (1 + float(photon_level))), 0),
            Jpeg(round(between(30, 95, quality_level))),
        )
        wanted = (True, *present[:3])
        parts = [candidates[place] for place in order if wanted[place]]
        if present[3]:
            parts.insert(0, Isp())
        return Chain(*parts) if len(parts) > 1 else parts[0]


def between(low, high, share):
    """Return the value at this share of the way from low to high."""
    return low + (high - low) * float(share)
