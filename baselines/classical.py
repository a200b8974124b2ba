"""Classical denoisers: what methods without training share. The work itself is done by well-kept libraries.

Such a method has to be told how strong the noise is. `sigma='estimated'`, the default, takes the level from each image
by itself, as one who has only the noisy image would; it changes with the noise, which no network trained on one level
can. `sigma=15` (of 255) assumes the noise that the networks were trained on, whatever comes. The estimate is made for
white Gaussian noise: it takes correlated noise for detail, and is blind to sparse noise such as salt & pepper.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np
import pywt
import torch
from torch import Tensor, nn

ESTIMATED = "estimated"
NORMAL_MEDIAN = 0.6744897501960817  # median of |N(0, 1)|
MIN_LEVEL = 1e-6  # an estimate below it is of rounding, not of noise


def noise_level(image: np.ndarray) -> float:
    """Deviation of white noise in (H, W, C), in the image's units: the mean of the channels' estimates.

    A channel's is the median of the finest diagonal wavelet details that are not exactly zero, over that of the normal
    distribution. Equals skimage.restoration.estimate_sigma, except that a flat channel has no noise (there: NaN).
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
    """Where the noise level comes from, in words."""
    if sigma == ESTIMATED:
        return "estimated in each image by itself (in each tile of one that is tiled), as if it were white and Gaussian"
    return f"assumed to be {sigma} of 255, whatever the image"


def bytes_per_pixel(**parameters) -> int:
    """Memory at the peak, measured: 103 (wavelet), 127 (tv), 130 (nlm). So 16 megapixels are run whole."""
    return 160


class Classical(nn.Module, ABC):
    """(B, 1 or 3, H, W) in [0, 1] -> the same, one by one, in float64 on the CPU; no weights, not differentiable.

    sigma  the noise's deviation, of 255, or 'estimated' in each image
    """

    def __init__(self, sigma: float | str = ESTIMATED):
        super().__init__()
        number = isinstance(sigma, int | float) and not isinstance(sigma, bool)
        if sigma != ESTIMATED and not (number and 0 <= sigma < math.inf):
            raise ValueError(f"sigma is {sigma!r}, wanted {ESTIMATED!r} or a noise level of 255, such as 15")
        self.sigma = sigma

    def forward(self, x: Tensor) -> Tensor:
        images = x.detach().permute(0, 2, 3, 1).cpu().double().numpy()  # (B, H, W, C)
        denoised = np.stack([self.denoise(image, self._level(image)) for image in images])
        return torch.from_numpy(denoised).permute(0, 3, 1, 2).to(x).contiguous()

    def _level(self, image: np.ndarray) -> float:
        return noise_level(image) if self.sigma == ESTIMATED else self.sigma / 255

    @abstractmethod
    def denoise(self, image: np.ndarray, sigma: float) -> np.ndarray:
        """(H, W, C) in [0, 1], float64, with noise of deviation `sigma` in the same units -> the same without it."""
