"""Refuse parameters that make no network, by their names: what the constructors of several networks share.

All raise ValueError, one line that says what came and what was wanted. True and False are no numbers.
"""

from __future__ import annotations

import math


def whole(least: int, **values) -> None:
    """Each value has to be a whole number, at least `least`."""
    for name, value in values.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ValueError(f"{name} is {value!r}, wanted a whole number from {least}")


def wholes(least: int, **values) -> None:
    """Each value has to be a sequence of such numbers."""
    for name, value in values.items():
        if not isinstance(value, tuple | list) or not value:
            raise ValueError(f"{name} is {value!r}, wanted several whole numbers such as (1, 2)")
        for entry in value:
            whole(least, **{f"an entry of {name}": entry})


def positive(**values) -> None:
    """Each value has to be a finite number above 0."""
    for name, value in values.items():
        if not _number(value) or not 0 < value < math.inf:
            raise ValueError(f"{name} is {value!r}, wanted a number above 0")


def share(**values) -> None:
    """Each value has to be a number in [0, 1)."""
    for name, value in values.items():
        if not _number(value) or not 0 <= value < 1:
            raise ValueError(f"{name} is {value!r}, wanted a number from 0 to less than 1")


def switch(**values) -> None:
    """Each value has to be True or False."""
    for name, value in values.items():
        if not isinstance(value, bool):
            raise ValueError(f"{name} is {value!r}, wanted True or False")


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
