"""Read a network's sizes from the names and shapes of its tensors: what the `infer` of several networks share."""

from __future__ import annotations

import math
from collections.abc import Iterable


def count(names: Iterable[str], prefix: str) -> int:
    """How many of `prefix`0., `prefix`1., ... begin some name, up to the first that does not."""
    found = {name[len(prefix) :].partition(".")[0] for name in names if name.startswith(prefix)}
    return next(number for number in range(len(found) + 1) if str(number) not in found)


def ratio(widths: Iterable[tuple[int, int]], usual: float) -> float:
    """`usual`, or else the shortest decimal r, with int(inner * r) == outer for all (inner, outer)."""
    pairs = list(widths)
    if all(int(inner * usual) == outer for inner, outer in pairs):
        return usual
    least = max(outer / inner for inner, outer in pairs)
    for digits in range(8):
        candidate = math.ceil(round(least * 10**digits, 6)) / 10**digits
        if all(int(inner * candidate) == outer for inner, outer in pairs):
            return candidate
    return least
