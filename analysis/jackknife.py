"""Intervals from leaving groups out."""

from __future__ import annotations

import numpy as np
from scipy import stats


def half_width(value: np.ndarray, without: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Half of a 95% interval (...) of `value` (...), from values (G, ...) without each of G groups of given sizes.

    Student's t with G - 1 degrees of freedom; groups of equal size give the usual jackknife.
    Source: Busing et al., Statistics and Computing 1999 (delete-m jackknife for unequal m).
    """
    value = np.asarray(value)
    share = (size.sum() / size).reshape(-1, *[1] * value.ndim)  # (G, 1, ...)
    pseudo = share * value - (share - 1) * without
    mean = len(size) * value - ((1 - 1 / share) * without).sum(0)
    variance = ((pseudo - mean) ** 2 / (share - 1)).mean(0)
    return stats.t.ppf(0.975, len(size) - 1) * np.sqrt(variance)
