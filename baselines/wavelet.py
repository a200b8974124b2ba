"""Wavelet shrinkage: thresholds wavelet coefficients, of which small ones are mostly noise (Chang et al., 2000).

Input and output (B, 1 or 3, H, W) in [0, 1], at least 30x30; colour in luma and chroma by default. The noise level is
estimated in each image, or given as `sigma` (of 255): see baselines/layers/classical.py. All other parameters are those
of scikit-image. `method='VisuShrink'` uses one threshold for all coefficients (Donoho & Johnstone, 1994), and smooths
more.
"""

from __future__ import annotations

import numpy as np
import pywt
from skimage.restoration import denoise_wavelet

from baselines.layers import classical
from baselines.layers.classical import ESTIMATED, Classical
from baselines.layers.validation import integer

TITLE = "Wavelet shrinkage"
PAPER = "Chang et al., Adaptive Wavelet Thresholding for Image Denoising and Compression, TIP 2000"
LICENCE = "BSD-3-Clause (scikit-image), MIT (PyWavelets)"
LIBRARIES = ("scikit-image", "PyWavelets")
RECEPTIVE_FIELD = "whole image"  # thresholds are estimated over whole subbands


class WaveletShrinkage(Classical):
    """skimage.restoration.denoise_wavelet.

    wavelet         orthogonal wavelet of PyWavelets, which keeps white noise white: 'db2', 'sym8'
    mode            thresholding: 'soft' or 'hard'
    wavelet_levels  maximum number of scales; small images have fewer
    convert2ycbcr   denoise colour images in luma and chroma instead of RGB
    method          'BayesShrink' or 'VisuShrink'

    Wavelet, levels and method are the best of 30 settings on Gaussian 15 for 20 images held out of BSDS400
    (30.72 dB; with the library's defaults 28.36): tests/benchmarks/classical_defaults.py.
    """

    def __init__(
        self, sigma=ESTIMATED, wavelet="sym8", mode="soft", wavelet_levels=4, convert2ycbcr=True, method="BayesShrink"
    ):
        super().__init__(sigma)
        if wavelet not in pywt.wavelist(kind="discrete") or not pywt.Wavelet(wavelet).orthogonal:
            raise ValueError(
                f"wavelet: expected an orthogonal wavelet of PyWavelets, e.g. 'db2' or 'sym8', got {wavelet!r}"
            )
        if mode not in ("soft", "hard"):
            raise ValueError(f"mode: expected 'soft' or 'hard', got {mode!r}")
        if method not in ("BayesShrink", "VisuShrink"):
            raise ValueError(f"method: expected 'BayesShrink' or 'VisuShrink', got {method!r}")
        integer(1, wavelet_levels=wavelet_levels)
        self.wavelet, self.mode, self.wavelet_levels = wavelet, mode, wavelet_levels
        self.convert2ycbcr, self.method = convert2ycbcr, method

    def denoise(self, image: np.ndarray, sigma: float) -> np.ndarray:
        if sigma == 0:
            return image
        max_levels = pywt.dwt_max_level(min(image.shape[:2]), self.wavelet)
        if max_levels == 0:
            size, minimum = "x".join(map(str, image.shape[:2])), 2 * (pywt.Wavelet(self.wavelet).dec_len - 1)
            raise ValueError(f"image: expected at least {minimum}x{minimum} for wavelet {self.wavelet!r}, got {size}")
        in_luma = self.convert2ycbcr and image.shape[-1] == 3
        return denoise_wavelet(
            image,
            sigma,
            self.wavelet,
            self.mode,
            min(self.wavelet_levels, max_levels),
            in_luma,
            self.method,
            channel_axis=-1,
        )


bytes_per_pixel = classical.bytes_per_pixel
network = WaveletShrinkage
