"""Total variation: the image that varies least among those near the noisy one (Rudin, Osher & Fatemi, 1992).

Input and output (B, 1 or 3, H, W) in [0, 1], solved by Chambolle's algorithm (2004), each channel by itself. The noise
level is estimated in each image, or given as `sigma` (of 255): baselines/classical.py says what that means. Everything
else is scikit-image's, under its names and in its units.
"""

from __future__ import annotations

import numpy as np
from skimage.restoration import denoise_tv_chambolle

from baselines import classical
from baselines.classical import ESTIMATED, Classical

TITLE = "Total variation"
PAPER = "Rudin et al., Nonlinear Total Variation Based Noise Removal Algorithms, Physica D 1992"
LICENCE = "BSD-3-Clause (scikit-image)"
LIBRARIES = ("scikit-image", "PyWavelets")
RECEPTIVE_FIELD = "whole image"  # it is solved for as a whole


class TotalVariation(Classical):
    """denoise_tv_chambolle.

    weight        how much is smoothed; given, it alone decides, and there is no noise level; None: 0.6 noise levels
    eps           it stops when the energy changes by less than this share of the first
    max_num_iter  and after so many iterations at the latest

    0.6 is the best of 30 factors on Gaussian 15, 20 images held out of BSDS400 (29.50 dB):
    tests/benchmarks/classical_defaults.py.
    """

    def __init__(self, sigma=ESTIMATED, weight=None, eps=2e-4, max_num_iter=200):
        super().__init__(sigma)
        if weight is not None and sigma != ESTIMATED:
            raise ValueError(f"weight {weight} and sigma {sigma} were given: the weight alone decides, leave sigma out")
        if weight is not None and weight <= 0:
            raise ValueError(f"weight is {weight}, wanted a positive one, or None for 0.6 noise levels")
        if eps <= 0 or not isinstance(max_num_iter, int) or max_num_iter < 1:
            raise ValueError(f"eps is {eps} and max_num_iter {max_num_iter}, wanted a positive and a whole one from 1")
        self.weight, self.eps, self.max_num_iter = weight, eps, max_num_iter

    def denoise(self, image: np.ndarray, sigma: float) -> np.ndarray:
        weight = 0.6 * sigma if self.weight is None else self.weight
        if weight == 0:
            return image
        return denoise_tv_chambolle(image, weight, self.eps, self.max_num_iter, channel_axis=-1)


def describe_level(sigma=ESTIMATED, weight=None, **others) -> str:
    """Where the noise level comes from, in words."""
    return classical.describe_level(sigma) if weight is None else f"not used: a weight of {weight} was given"


bytes_per_pixel = classical.bytes_per_pixel
network = TotalVariation
