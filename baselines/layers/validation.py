"""Validate the parameters of networks, methods and recipes.

`is_...` answer; the others raise ValueError in one line, "NAME: expected X, got Y". Booleans are not numbers.
"""

from __future__ import annotations

import math


def is_integer(value: object) -> bool:
    """Whether a value is an integer; booleans are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Whether a value is an integer or a finite float; booleans are none."""
    return is_integer(value) or (isinstance(value, float) and math.isfinite(value))


def integer(minimum: int, **values) -> None:
    """Each value must be an integer of at least `minimum`."""
    for name, value in values.items():
        if not is_integer(value) or value < minimum:
            raise ValueError(f"{name}: expected an integer of at least {minimum}, got {value!r}")


def integers(minimum: int, **values) -> None:
    """Each value must be a non-empty tuple or list of integers of at least `minimum`."""
    for name, value in values.items():
        if not isinstance(value, tuple | list) or not value:
            raise ValueError(f"{name}: expected several integers such as (1, 2), got {value!r}")
        for index, entry in enumerate(value):
            integer(minimum, **{f"{name}[{index}]": entry})


def positive(**values) -> None:
    """Each value must be a finite number above 0."""
    for name, value in values.items():
        if not is_number(value) or value <= 0:
            raise ValueError(f"{name}: expected a number above 0, got {value!r}")


def fraction(**values) -> None:
    """Each value must be a number in [0, 1)."""
    for name, value in values.items():
        if not is_number(value) or not 0 <= value < 1:
            raise ValueError(f"{name}: expected a number from 0 to less than 1, got {value!r}")


def boolean(**values) -> None:
    """Each value must be True or False."""
    for name, value in values.items():
        if not isinstance(value, bool):
            raise ValueError(f"{name}: expected True or False, got {value!r}")
