"""A value with its interval, as all analyses and statistics return it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Estimate(NamedTuple):
    """A value with its 95% interval, `low` to `high`: floats, or arrays of one shape; NaN bounds mean no interval."""

    value: float | np.ndarray
    low: float | np.ndarray
    high: float | np.ndarray
