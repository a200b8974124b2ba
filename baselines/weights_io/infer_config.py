"""Infer a network's configuration from the names and shapes of its tensors: shared by several `infer` functions."""

from __future__ import annotations

import math
from collections.abc import Iterable


def count(names: Iterable[str], prefix: str) -> int:
    """Number of consecutive indices i, from 0, for which some name starts with `prefix`i. (a ModuleList's length)."""
    indices = {name[len(prefix) :].partition(".")[0] for name in names if name.startswith(prefix)}
    return next(number for number in range(len(indices) + 1) if str(number) not in indices)


def ratio(widths: Iterable[tuple[int, int]], usual: float) -> float:
    """`usual` if int(inner * usual) == outer for all (inner, outer), else the shortest decimal with that property."""
    pairs = list(widths)
    if all(int(inner * usual) == outer for inner, outer in pairs):
        return usual
    minimum = max(outer / inner for inner, outer in pairs)
    for digits in range(8):
        candidate = math.ceil(round(minimum * 10**digits, 6)) / 10**digits
        if all(int(inner * candidate) == outer for inner, outer in pairs):
            return candidate
    return minimum
