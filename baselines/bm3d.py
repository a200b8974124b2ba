"""BM3D: stacks of similar patches are filtered together, in two passes (Dabov et al., 2007; Mäkinen et al., 2020).

Input and output (B, 1 or 3, H, W) in [0, 1], at least 16x16; colour in opponent colours. The noise level is estimated
in each image, or given as `sigma` (of 255): see baselines/layers/classical.py. The method is the authors' package
`bm3d`, an optional dependency: it is binary, and licensed for informational and non-commercial use only. It runs in
one thread, because with several the order of its sums, and so its output, varies.
"""

from __future__ import annotations

import numpy as np

from baselines.layers.classical import ESTIMATED, Classical

TITLE = "BM3D"
PAPER = "Dabov et al., Image Denoising by Sparse 3-D Transform-Domain Collaborative Filtering, TIP 2007"
LICENCE = "non-commercial use only (Tampere University)"
LIBRARIES = ("bm3d", "bm4d", "PyWavelets")
RECEPTIVE_FIELD = "whole image"  # colours are scaled to their range in the image
PROFILES = {"np": "BM3DProfile", "vn": "BM3DProfileVN", "high": "BM3DProfileHigh"}
MIN_SIDE = 16  # pixels; the package crashes on 8x8


class BM3D(Classical):
    """bm3d.bm3d_rgb, and bm3d.bm3d for greyscale images.

    profile  'np' (the authors' default), 'vn' (for strong noise) or 'high' (smaller steps, slower)
    """

    def __init__(self, sigma=ESTIMATED, profile="np"):
        super().__init__(sigma)
        if profile not in PROFILES:
            raise ValueError(f"profile: expected one of {', '.join(PROFILES)}, got {profile!r}")
        try:
            import bm3d
        except ImportError:
            raise ValueError(f"the package bm3d is not installed: pip install bm3d (licence: {LICENCE})") from None
        self.profile = getattr(bm3d, PROFILES[profile])()
        self.profile.num_threads = 1

    def denoise(self, image: np.ndarray, sigma: float) -> np.ndarray:
        from bm3d import bm3d, bm3d_rgb

        if min(image.shape[:2]) < MIN_SIDE:
            raise ValueError(f"image: expected at least {MIN_SIDE}x{MIN_SIDE}, got {image.shape[0]}x{image.shape[1]}")
        if sigma == 0:
            return image
        if image.shape[-1] == 1:
            return bm3d(image[..., 0], sigma, self.profile).reshape(image.shape)
        red, green, blue = np.moveaxis(image, -1, 0)
        if 0 in (np.ptp(red + green + blue), np.ptp(red - blue), np.ptp(red - 2 * green + blue)):
            raise ValueError(
                "image: expected no constant opponent colour (bm3d divides by zero), got one: perhaps a grey image"
            )
        return bm3d_rgb(image, sigma, self.profile)


network = BM3D
