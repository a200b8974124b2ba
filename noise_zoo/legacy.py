"""NumPy's legacy random stream with the methods of a Generator that noises call."""

from typing import Any

import numpy as np


class LegacyGenerator:
    """Draws from `np.random.RandomState(seed)` in float64, ignoring `dtype`, in C order (H x W x C).

    KAIR, SwinIR, Restormer and CLIPDenoising call `np.random.seed(0)` before every image and add float64
    noise. A noise called with a new `LegacyGenerator(0)` reproduces their pixels: it adds in float64 and rounds to
    float32 last. Use it for nothing else: all images of one size share one noise field.

    Source: https://github.com/cszn/KAIR, main_test_dncnn.py.
    """

    def __init__(self, seed: int) -> None:
        self._state = np.random.RandomState(seed)

    def standard_normal(self, size: Any = None, dtype: Any = np.float64) -> Any:
        """Return float64 samples of N(0, 1)."""
        return self._state.standard_normal(size)

    def random(self, size: Any = None, dtype: Any = np.float64) -> Any:
        """Return float64 samples of U[0, 1)."""
        return self._state.random_sample(size)

    def poisson(self, lam: Any = 1.0, size: Any = None) -> Any:
        """Return integer samples of Poisson(lam)."""
        return self._state.poisson(lam, size)
