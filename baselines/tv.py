"""Total variation: minimizes variation plus distance to the noisy image (Rudin, Osher & Fatemi, 1992).

Input and output (B, 1 or 3, H, W) in [0, 1], solved by Chambolle's algorithm (2004), per channel. The noise level is
estimated in each image, or given as `sigma` (of 255): see baselines/layers/classical.py. All other parameters are those
of scikit-image, with its names and units.
"""

from __future__ import annotations

import numpy as np
from skimage.restoration import denoise_tv_chambolle

from baselines.layers import classical
from baselines.layers.classical import ESTIMATED, Classical
from baselines.layers.validation import integer, positive

TITLE = "Total variation"
PAPER = "Rudin et al., Nonlinear Total Variation Based Noise Removal Algorithms, Physica D 1992"
LICENCE = "BSD-3-Clause (scikit-image)"
LIBRARIES = ("scikit-image", "PyWavelets")
RECEPTIVE_FIELD = "whole image"  # a global optimization


class TotalVariation(Classical):
    """skimage.restoration.denoise_tv_chambolle.

    weight        strength of smoothing, replaces the noise level; None: 0.6 noise levels
    eps           stop if the energy changes by less than this fraction of its initial value
    max_num_iter  maximum number of iterations

    0.6 is the best of 30 factors on Gaussian 15 for 20 images held out of BSDS400 (29.50 dB):
    tests/benchmarks/classical_defaults.py.
    """

    def __init__(self, sigma=ESTIMATED, weight=None, eps=2e-4, max_num_iter=200):
        super().__init__(sigma)
        if weight is not None and sigma != ESTIMATED:
            raise ValueError(f"expected weight or sigma, got both (weight {weight}, sigma {sigma}): remove sigma")
        if weight is not None:  # 0.6 noise levels
            positive(weight=weight)
        positive(eps=eps)
        integer(1, max_num_iter=max_num_iter)
        self.weight, self.eps, self.max_num_iter = weight, eps, max_num_iter

    def denoise(self, image: np.ndarray, sigma: float) -> np.ndarray:
        weight = 0.6 * sigma if self.weight is None else self.weight
        if weight == 0:
            return image
        return denoise_tv_chambolle(image, weight, self.eps, self.max_num_iter, channel_axis=-1)


def describe_level(sigma=ESTIMATED, weight=None, **others) -> str:
    """Text on how the noise level is chosen, for cards."""
    return classical.describe_level(sigma) if weight is None else f"not used: weight is {weight}"


bytes_per_pixel = classical.bytes_per_pixel
network = TotalVariation
