"""Non-local means: each pixel becomes a weighted mean of nearby pixels with similar patches (Buades et al., 2005).

Input and output (B, 1 or 3, H, W) in [0, 1]. The noise level is estimated in each image, or given as `sigma` (of 255):
see baselines/layers/classical.py. All other parameters are those of scikit-image, with its names and units.
"""

from __future__ import annotations

import numpy as np
from skimage.restoration import denoise_nl_means

from baselines.layers import classical
from baselines.layers.classical import ESTIMATED, Classical
from baselines.layers.validation import integer, positive

TITLE = "Non-local means"
PAPER = "Buades et al., A Non-Local Algorithm for Image Denoising, CVPR 2005"
LICENCE = "BSD-3-Clause (scikit-image)"
LIBRARIES = ("scikit-image", "PyWavelets")
RECEPTIVE_FIELD = "whole image"  # for the estimate of the noise level


class NonLocalMeans(Classical):
    """skimage.restoration.denoise_nl_means on patches of all channels.

    patch_size      side of the patches, pixels
    patch_distance  maximum distance of compared patches, pixels
    h               cut-off distance of patches, in [0, 1]; None: half the noise level
    fast_mode       equal weights for all pixels of a patch

    The defaults are the best of 30 settings on Gaussian 15 for 20 images held out of BSDS400 (30.61 dB; with the
    library's sizes 7 and 11 and its recommended h of 0.8 noise levels 28.99): tests/benchmarks/classical_defaults.py.
    """

    def __init__(self, sigma=ESTIMATED, patch_size=3, patch_distance=6, h=None, fast_mode=True):
        super().__init__(sigma)
        integer(1, patch_size=patch_size, patch_distance=patch_distance)
        if h is not None:  # half the noise level
            positive(h=h)
        self.patch_size, self.patch_distance, self.h, self.fast_mode = patch_size, patch_distance, h, fast_mode

    def denoise(self, image: np.ndarray, sigma: float) -> np.ndarray:
        h = sigma / 2 if self.h is None else self.h
        if h == 0:
            return image
        denoised = denoise_nl_means(
            image, self.patch_size, self.patch_distance, h, self.fast_mode, sigma, preserve_range=True, channel_axis=-1
        )
        return denoised.reshape(image.shape)  # the library drops axes of length one


def receptive_field(sigma=ESTIMATED, patch_size=3, patch_distance=6, **others) -> int | str:
    """Receptive field: side in pixels, or a description."""
    return RECEPTIVE_FIELD if sigma == ESTIMATED else 2 * (patch_distance + patch_size // 2) + 1


bytes_per_pixel = classical.bytes_per_pixel
network = NonLocalMeans
