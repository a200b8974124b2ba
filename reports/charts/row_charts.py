"""Charts of rows: scores under one noise setting, PSNR drops, and mean differences."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, nan

from reports.charts.chart import Chart
from reports.charts.lines import Series
from reports.charts.rows import Mark, Row, row_chart
from reports.charts.style import MUTED, NOISY_COLOUR, NOISY_DASH, ONE_COLUMN, SeriesStyle
from reports.formatting import interval, number, signed
from reports.measures import Measure


def dots(
    title: str,
    measure: Measure,
    series: Sequence[Series],
    width: float = ONE_COLUMN,
    font: float = 7,
    *,
    heading: str = "",
    bars: bool = False,
    name_lines: int = 3,
) -> Chart:
    """Series of one point each -> the mean and 95% interval of each model under one noise setting.

    heading     above the scale, by default the measure
    bars        bars from the mean of the noisy input (without it, from 0) instead of dots, the best number in bold
    name_lines  of a name; what is too long ends in an ellipsis
    """
    rows, noisy = [], None
    values = [one.points[0].value for one in series if one.style.index >= 0 and isfinite(one.points[0].value)]
    best = number((max if measure.higher_is_better else min)(values, default=nan), measure.digits)
    start = next((one.points[0].value for one in series if one.style.index < 0), 0.0) if bars else nan
    for one in series:
        (point,), look = one.points, one.style
        mean, bounds = number(point.value, measure.digits), interval(point.low, point.high, measure.digits)
        hover = f"{one.name}: {measure.heading} {mean}" + (f", 95% interval {bounds}" if bounds else "")
        marks = (Mark(point.value, look.marker or "|"),)
        rows.append(
            Row(
                one.name,
                look.colour,
                marks,
                (point.low, point.high),
                mean,
                point.address,
                look.index < 0,
                title=hover,
                css_class=look.css_class,
                start=start if look.index >= 0 else nan,
                bold=bars and look.index >= 0 and mean == best,
            )
        )
        if look.index < 0 and isfinite(point.value):
            noisy = point.value, {"color": NOISY_COLOUR, "linewidth": 0.09 * font, "linestyle": (0, NOISY_DASH)}
    spoken = "; ".join(f"{row.name} {row.number}" for row in rows)
    description = f"Mean {measure.heading} under {title}: {spoken}."
    line = noisy or ((0.0, {"color": MUTED, "linewidth": 0.1 * font}) if bars else None)
    heading = heading or measure.heading
    return row_chart(rows, heading, description, width, font, title=title, line=line, name_lines=name_lines)


@dataclass(frozen=True)
class ModelDrop:
    """One model: PSNR in dB at the reference noise, its OOD mean, the PSNR drop (NaN without a reference noise), the
    address of the images behind it, and whether the OOD mean is below that of the noisy input."""

    label: str
    style: SeriesStyle
    reference: float
    ood: float
    drop: float
    address: str = ""
    below: bool = False


def drop_chart(drops: Sequence[ModelDrop], reference: str, ood: str, width: float, font: float = 8.5) -> Chart:
    """Models in order -> PSNR of each: a ring at the reference noise, a dot at the OOD mean, a bar for the drop.

    `reference` ('' for none) and `ood` label the ring and the dot.
    """
    rows = []
    for drop in drops:
        known = isfinite(drop.reference)
        marks = (Mark(drop.ood), *([Mark(drop.reference, hollow=True)] if known else []))
        shown = f"{number(drop.drop if isfinite(drop.drop) else drop.ood, 2)} dB"
        rows.append(
            Row(
                drop.label,
                drop.style.colour,
                marks,
                (drop.ood, drop.reference if known else nan),
                shown,
                drop.address,
                drop.style.index < 0,
                note="below noisy input" if drop.below else "",
                title=_spoken(drop),
            )
        )
    narrow = width <= ONE_COLUMN
    heading = f"PSNR (dB): {f'○ {reference}, ' if reference else ''}● {'OOD mean' if narrow else ood}"
    above = ("drop" if narrow else "PSNR drop") if reference else "OOD mean"
    at = f"at {reference} and its " if reference else ""
    description = f"PSNR {at}OOD mean: {'; '.join(map(_spoken, drops))}."
    return row_chart(rows, heading, description, width, font, step=2.5, above_numbers=above)


def _spoken(drop: ModelDrop) -> str:
    """'dncnn 31.20 dB, OOD mean 28.10 dB' for the text alternative."""
    start = f"{number(drop.reference, 2)} dB, OOD mean " if isfinite(drop.reference) else ""
    return f"{drop.label} {start}{number(drop.ood, 2)} dB{', below the noisy input' if drop.below else ''}"


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
    differences: Sequence[Difference],
    colour: str,
    heading: str,
    description: str,
    width: float = ONE_COLUMN,
    font: float = 7,
) -> Chart:
    """Differences in order, one row each, by group; filled dots: the interval excludes zero."""
    rows, group = [], ""
    for one in differences:
        starts = one.group not in (group, one.label)  # a group of one row has its name and no heading
        group = one.group
        text, bounds = signed(one.value, 2), interval(one.low, one.high, 2)
        hover = " ".join(dict.fromkeys((one.group, one.label))) + f": {text} dB"
        hover += f", 95% interval {bounds}" if bounds else ""
        marks = (Mark(one.value, hollow=not one.significant),)
        rows.append(
            Row(
                one.label,
                colour,
                marks,
                (one.low, one.high),
                text,
                one.address,
                not one.significant,
                one.group if starts else "",
                title=hover,
            )
        )
    zero = 0.0, {"color": MUTED, "linewidth": 0.1 * font}
    return row_chart(rows, heading, description, width, font, step=1.9, line=zero)
