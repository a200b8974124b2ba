"""Wavelet shrinkage: small wavelet coefficients are noise, and are made smaller still (Chang et al., 2000).

Input and output (B, 1 or 3, H, W) in [0, 1], from 30x30, colour in luma and chroma by default. The noise level is
estimated in each image, or given as `sigma` (of 255): baselines/classical.py says what that means. Everything else is
scikit-image's, under its names. `method='VisuShrink'` has one threshold for all coefficients (Donoho & Johnstone,
1994), and smooths more.
"""

from __future__ import annotations

import numpy as np
import pywt
from skimage.restoration import denoise_wavelet

from baselines import classical
from baselines.classical import ESTIMATED, Classical

TITLE = "Wavelet shrinkage"
PAPER = "Chang et al., Adaptive Wavelet Thresholding for Image Denoising and Compression, TIP 2000"
LICENCE = "BSD-3-Clause (scikit-image), MIT (PyWavelets)"
LIBRARIES = ("scikit-image", "PyWavelets")
RECEPTIVE_FIELD = "whole image"  # thresholds come from whole bands


class WaveletShrinkage(Classical):
    """denoise_wavelet.

    wavelet         an orthogonal one of PyWavelets, with which white noise stays white: 'db2', 'sym8'
    mode            'soft' or 'hard'
    wavelet_levels  scales at most; a small image has fewer
    convert2ycbcr   luma and chroma by themselves, instead of red, green and blue; of colour images alone
    method          'BayesShrink' or 'VisuShrink'

    Wavelet, levels and method are the best of 30 settings on Gaussian 15, 20 images held out of BSDS400
    (30.72 dB; the library's own 28.36): tests/benchmarks/classical_defaults.py.
    """

    def __init__(self, sigma=ESTIMATED, wavelet="sym8", mode="soft", wavelet_levels=4, convert2ycbcr=True,
                 method="BayesShrink"):  # fmt: skip
        super().__init__(sigma)
        if wavelet not in pywt.wavelist(kind="discrete") or not pywt.Wavelet(wavelet).orthogonal:
            raise ValueError(f"wavelet is {wavelet!r}, wanted an orthogonal one of PyWavelets, such as 'db2' or 'sym8'")
        if mode not in ("soft", "hard"):
            raise ValueError(f"mode is {mode!r}, wanted 'soft' or 'hard'")
        if method not in ("BayesShrink", "VisuShrink"):
            raise ValueError(f"method is {method!r}, wanted 'BayesShrink' or 'VisuShrink'")
        if not isinstance(wavelet_levels, int) or wavelet_levels < 1:
            raise ValueError(f"wavelet_levels is {wavelet_levels!r}, wanted a whole number from 1")
        self.wavelet, self.mode, self.wavelet_levels = wavelet, mode, wavelet_levels
        self.convert2ycbcr, self.method = convert2ycbcr, method

    def denoise(self, image: np.ndarray, sigma: float) -> np.ndarray:
        if sigma == 0:
            return image
        fitting = pywt.dwt_max_level(min(image.shape[:2]), self.wavelet)
        if fitting == 0:
            came, least = "x".join(map(str, image.shape[:2])), 2 * (pywt.Wavelet(self.wavelet).dec_len - 1)
            raise ValueError(f"the image is {came}, too small for wavelet {self.wavelet!r}: {least}x{least} are wanted")
        in_luma = self.convert2ycbcr and image.shape[-1] == 3
        return denoise_wavelet(image, sigma, self.wavelet, self.mode, min(self.wavelet_levels, fitting),
                               in_luma, self.method, channel_axis=-1)  # fmt: skip


bytes_per_pixel = classical.bytes_per_pixel
network = WaveletShrinkage
