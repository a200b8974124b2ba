"""Dot plot of mean differences with 95% intervals, one row per noise setting."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from reports.charts.style import INK, MUTED
from reports.charts.svg import Canvas, Chart, Scale
from reports.formatting import shortened, signed

ROW_HEIGHT, GROUP_HEIGHT, TOP, BOTTOM = 24, 26, 30, 26
WIDTH, MIN_WIDE = 620, 500


@dataclass(frozen=True)
class Difference:
    """A mean difference in dB with its 95% interval (NaN without one) and the address of the images behind it."""

    group: str
    label: str
    value: float
    low: float
    high: float
    address: str

    @property
    def significant(self) -> bool:
        """Whether the interval excludes zero."""
        return bool(self.low > 0 or self.high < 0)


def differences_chart(
    differences: Sequence[Difference], colour: str, heading: str, description: str, width: int = WIDTH
) -> Chart:
    """Differences in order -> a chart `width` pixels wide, one row each; filled dots: the interval excludes zero."""
    left, right, ticks = (170, 70, 6) if width > MIN_WIDE else (104, 52, 3)
    tops, y = [], TOP
    for row in range(len(differences)):
        y += GROUP_HEIGHT if _starts_group(differences, row) else 0
        tops.append(y)
        y += ROW_HEIGHT
    canvas = Canvas(width, y + BOTTOM)
    ends = [0.0, *(end for one in differences for end in (one.value, one.low, one.high))]
    scale = Scale.over(ends, left, width - right, 0.06)
    canvas.value_axis(scale, TOP, y, ticks, upright=False)
    canvas.line([(scale(0), TOP), (scale(0), y)], MUTED, 1.2)
    for row, (top, one) in enumerate(zip(tops, differences, strict=True)):
        middle = top + ROW_HEIGHT / 2
        if _starts_group(differences, row):
            canvas.text(0, middle - GROUP_HEIGHT + 2, shortened(one.group, 24), 12, bold=True)
        if isfinite(one.low):
            canvas.line([(scale(one.low), middle), (scale(one.high), middle)], colour, 1.9, opacity=0.55)
        canvas.marker(scale(one.value), middle, "o", colour, 7.5, hollow=not one.significant)
        text = INK if one.significant else MUTED
        canvas.text(0, middle, shortened(one.label, left // 7), 12, colour=text, link=one.address)
        canvas.text(width, middle, signed(one.value, 2), 12, anchor="end", colour=text, link=one.address)
    canvas.text(0, 12, heading, 12, colour=MUTED)
    return canvas.finish(description)


def _starts_group(differences: Sequence[Difference], row: int) -> bool:
    """Whether a row gets a group heading: the first of its group, with a label other than the group's name."""
    one = differences[row]
    return one.label != one.group and (row == 0 or differences[row - 1].group != one.group)
