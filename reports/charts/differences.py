"""Differences noise by noise: a dot and an interval a setting on either side of zero."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from reports.charts.style import INK, MUTED
from reports.charts.svg import Canvas, Chart, Scale
from reports.formatting import shortened, signed

STEP, GROUP, TOP, BOTTOM = 24, 26, 30, 26
WIDTH, WIDE = 620, 500


@dataclass(frozen=True)
class Difference:
    """A mean difference in dB with its interval (NaN where unknown), and where the number leads."""

    group: str
    label: str
    value: float
    low: float
    high: float
    address: str

    @property
    def told(self) -> bool:
        """Whether the interval excludes zero."""
        return bool(self.low > 0 or self.high < 0)


def differences_chart(
    differences: Sequence[Difference], colour: str, heading: str, words: str, width: int = WIDTH
) -> Chart:
    """Differences in reading order -> a chart of that width in pixels, a row each; a full dot excludes zero."""
    left, right, ticks = (170, 70, 6) if width > WIDE else (104, 52, 3)
    tops, y = [], TOP
    for place in range(len(differences)):
        y += GROUP if _headed(differences, place) else 0
        tops.append(y)
        y += STEP
    canvas = Canvas(width, y + BOTTOM)
    ends = [0.0, *(end for one in differences for end in (one.value, one.low, one.high))]
    scale = Scale.over(ends, left, width - right, 0.06)
    canvas.value_axis(scale, TOP, y, ticks, upright=False)
    canvas.line([(scale(0), TOP), (scale(0), y)], MUTED, 1.2)
    for place, (top, one) in enumerate(zip(tops, differences, strict=True)):
        middle = top + STEP / 2
        if _headed(differences, place):
            canvas.text(0, middle - GROUP + 2, shortened(one.group, 24), 12, bold=True)
        if isfinite(one.low):
            canvas.line([(scale(one.low), middle), (scale(one.high), middle)], colour, 1.9, opacity=0.55)
        canvas.marker(scale(one.value), middle, "o", colour, 7.5, hollow=not one.told)
        text = INK if one.told else MUTED
        canvas.text(0, middle, shortened(one.label, left // 7), 12, colour=text, link=one.address)
        canvas.text(width, middle, signed(one.value, 2), 12, anchor="end", colour=text, link=one.address)
    canvas.text(0, 12, heading, 12, colour=MUTED)
    return canvas.finish(words)


def _headed(differences: Sequence[Difference], place: int) -> bool:
    """Whether a heading stands above: a new group with labels of its own."""
    one = differences[place]
    return one.label != one.group and (place == 0 or differences[place - 1].group != one.group)
