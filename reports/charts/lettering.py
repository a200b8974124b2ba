"""Texts that fit: their widths as matplotlib sets them, names in several lines, positions without overlap."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from reports.formatting import printable

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


@lru_cache(maxsize=100_000)
def text_width(text: str, size: float, bold: bool = False) -> float:
    """The width in points of a line of text of `size` points, in DejaVu Sans, which is wider than the pages' fonts."""
    font = FontProperties(size=size, weight="bold" if bold else "normal")
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] if text else 0.0


def longest(texts: Iterable[str], size: float, bold: bool = False) -> float:
    """The width in points of the longest text, 0 of none."""
    return max((text_width(text, size, bold) for text in texts), default=0.0)


def fitted(text: object, width: float, size: float, bold: bool = False) -> str:
    """Text on one line of at most `width` points; what is too long ends in an ellipsis."""
    line = printable(text)[: int(4 * width / size)]  # no letter is narrower than a quarter of the size
    if text_width(line, size, bold) <= width:
        return line
    while line and text_width(line + ELLIPSIS, size, bold) > width:
        line = line[:-1]
    return line.rstrip() + ELLIPSIS


def wrapped(text: object, width: float, size: float, count: int = 3, bold: bool = False) -> list[str]:
    """Text on at most `count` lines of `width` points, divided at punctuation where that is possible."""
    lines, rest = [], printable(text).strip()
    while rest and len(lines) < count - 1 and text_width(rest, size, bold) > width:
        line = fitted(rest, width, size, bold).removesuffix(ELLIPSIS) or rest[0]
        at = max((found.start() for found in re.finditer(r"(?<=[\s),=_:/-])|(?=\()", line)), default=0)
        at = at if at > len(line) / 3 else len(line)
        lines.append(rest[:at].rstrip())
        rest = rest[at:].lstrip()
    return [*lines, fitted(rest, width, size, bold)]


def legible(labels: Sequence[tuple[float, str]], size: float) -> list[tuple[float, str]]:
    """(position in points, label) in order -> those that do not touch when centred there, the last one included."""
    kept = list(labels[-1:])
    for position, label in reversed(labels[:-1]):
        room = (text_width(label, size) + text_width(kept[-1][1], size)) / 2 + 0.5 * size
        if kept[-1][0] - position >= room:
            kept.append((position, label))
    return kept[::-1]


def spread(positions: Sequence[float], step: float, low: float, high: float) -> list[float]:
    """Sorted positions -> positions at least `step` apart, moved by one pass up and one down."""
    moved = list(positions)
    for index in range(1, len(moved)):
        moved[index] = max(moved[index], moved[index - 1] + step)
    if moved and moved[-1] > high:
        moved[-1] = high
        for index in range(len(moved) - 2, -1, -1):
            moved[index] = min(moved[index], moved[index + 1] - step)
    if moved and moved[0] < low and len(moved) * step > high - low:
        moved = [position + low - moved[0] for position in moved]
    return moved
