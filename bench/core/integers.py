"""Integers in the text that users type."""

from __future__ import annotations

MAX_DIGITS = 18  # so that every value fits the 64-bit integers of SQLite, NumPy and torch


def integers_of(text: str, minimum: int = 0, separator: str = ",") -> tuple[int, ...]:
    """'0,12' -> (0, 12): integers of up to 18 digits 0 to 9, at least `minimum`. Raises ValueError for anything else.

    `int` also accepts signs, underscores and digits of other scripts, and takes minutes for millions of digits.
    """
    parts = [part.strip() for part in text.split(separator)]
    if not all(part.isascii() and part.isdigit() and len(part) <= MAX_DIGITS for part in parts):
        raise ValueError(f"expected integers of up to {MAX_DIGITS} digits")
    numbers = tuple(map(int, parts))
    if min(numbers) < minimum:
        raise ValueError(f"expected integers of at least {minimum}")
    return numbers


def integer_of(text: str, minimum: int = 0) -> int:
    """An integer as in `integers_of`. Raises ValueError for anything else."""
    (number,) = integers_of(text, minimum, separator="\n")
    return number
