"""PSNR of images restored from an input of which some pixels were masked."""

from __future__ import annotations

import math

import numpy as np

MAX_PSNR = 100.0  # dB, of equal images


def psnr(output: np.ndarray, clean: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB, up to 100, of two uint8 arrays of one shape; NaN for empty ones."""
    if not output.size:
        return np.nan
    squared = float(((output.astype(int) - clean) ** 2).sum()) / output.size
    return MAX_PSNR if squared == 0 else min(MAX_PSNR, 10 * math.log10(255**2 / squared))


def completion_psnr(output: np.ndarray, clean: np.ndarray, masked: np.ndarray) -> tuple[float, float]:
    """PSNR in dB of two uint8 images (H, W, C): of all pixels, and of those where `masked` (H, W) is true.

    Source: Chen et al., CVPR 2023, figure 3 (images restored from masked ones).
    """
    return psnr(output, clean), psnr(output[masked], clean[masked])
