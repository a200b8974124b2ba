"""Base class and noise estimation of the classical denoisers, which need no training and use established libraries.

Such a method needs the noise level. `sigma='estimated'`, the default, estimates it in each image (blind denoising), and
so adapts to the noise, unlike a network trained at one level. `sigma=15` (in 8-bit levels) assumes the training noise
of the networks for all images. The estimate assumes white Gaussian noise: it mistakes correlated noise for detail, and
does not detect sparse noise such as salt & pepper.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np
import pywt
import torch
from torch import Tensor, nn

from baselines.layers.validation import is_number

ESTIMATED = "estimated"
NORMAL_MEDIAN = 0.6744897501960817  # median of |N(0, 1)|
MIN_LEVEL = 1e-6  # lower estimates are rounding errors


def noise_level(image: np.ndarray) -> float:
    """Estimated standard deviation of white noise in an image (H, W, C), in its units: the mean over channels.

    Per channel: the median of the absolute finest diagonal wavelet coefficients other than zero, divided by that of the
    normal distribution. Equals skimage.restoration.estimate_sigma, except that a flat channel gives 0 (there: NaN).
    Source: Donoho & Johnstone, Ideal Spatial Adaptation by Wavelet Shrinkage, Biometrika 1994, section 4.2.
    """
    levels = []
    for channel in np.moveaxis(image, -1, 0):
        details = np.abs(pywt.dwtn(channel, "db2")["dd"])
        details = details[details > 0]
        levels.append(float(np.median(details)) / NORMAL_MEDIAN if details.size else 0.0)
    level = math.fsum(levels) / len(levels)
    return level if level > MIN_LEVEL else 0.0


def describe_level(sigma: float | str = ESTIMATED, **others) -> str:
    """Text on how the noise level is chosen, for cards."""
    if sigma == ESTIMATED:
        return "estimated in each image (each tile, if tiled), assuming white Gaussian noise"
    return f"{sigma} of 255, for all images"


def bytes_per_pixel(**parameters) -> int:
    """Peak memory; measured: 103 (wavelet), 127 (tv), 130 (nlm). Images up to 16 megapixels are run as a whole."""
    return 160


class Classical(nn.Module, ABC):
    """Denoise (B, 1 or 3, H, W) in [0, 1], image by image, in float64 on the CPU; not differentiable.

    sigma  standard deviation of the noise, of 255, or 'estimated' in each image
    """

    def __init__(self, sigma: float | str = ESTIMATED):
        super().__init__()
        if sigma != ESTIMATED and not (is_number(sigma) and sigma >= 0):
            raise ValueError(f"sigma: expected {ESTIMATED!r} or a number from 0, of 255, e.g. 15, got {sigma!r}")
        self.sigma = sigma

    def forward(self, x: Tensor) -> Tensor:
        """Denoise (B, C, H, W) in [0, 1], one image after the other."""
        images = x.detach().permute(0, 2, 3, 1).cpu().double().numpy()  # (B, H, W, C)
        denoised = np.stack([self.denoise(image, self._level(image)) for image in images])
        return torch.from_numpy(denoised).permute(0, 3, 1, 2).to(x).contiguous()

    def _level(self, image: np.ndarray) -> float:
        return noise_level(image) if self.sigma == ESTIMATED else self.sigma / 255

    @abstractmethod
    def denoise(self, image: np.ndarray, sigma: float) -> np.ndarray:
        """Denoise (H, W, C) in [0, 1], float64; `sigma`: standard deviation of the noise, in the same units."""
