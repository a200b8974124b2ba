"""Peak signal-to-noise ratio in dB, over all pixels and channels jointly; equal images have 100 dB."""

from __future__ import annotations

import numpy as np

CAP = 100.0  # dB; equal images have no finite PSNR


def score(output: np.ndarray, clean: np.ndarray) -> float:
    """PSNR in dB of uint8 arrays (H, W, C), capped at 100. As in KAIR and scikit-image's peak_signal_noise_ratio."""
    error = output.astype(np.int16) - clean
    squared = int(np.square(error, dtype=np.int32).sum(dtype=np.int64)) / error.size
    return CAP if squared == 0 else min(CAP, 10 * float(np.log10(255.0**2 / squared)))
