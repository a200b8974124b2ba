"""PSNR of each model: a ring at the reference noise, a dot at the OOD mean; the bar between them is the PSNR drop."""

from collections.abc import Sequence
from dataclasses import dataclass

from reports.charts.style import INK, MUTED, WARM, SeriesStyle
from reports.charts.svg import Canvas, Chart, Scale
from reports.formatting import number, shortened

ROW_HEIGHT, TOP, BOTTOM, RIGHT = 36, 36, 28, 84
MIN_WIDE = 500


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


def drop_chart(drops: Sequence[ModelDrop], reference: str, ood: str, width: int) -> Chart:
    """Models in order -> a chart `width` pixels wide, 36 high per model; `reference` ('' for none) and `ood` label the
    ring and the dot."""
    left, is_wide = (150, True) if width > MIN_WIDE else (110, False)
    canvas = Canvas(width, TOP + BOTTOM + ROW_HEIGHT * len(drops))
    bottom = TOP + ROW_HEIGHT * len(drops)
    ends = [value for drop in drops for value in (drop.reference, drop.ood)]
    scale = Scale.over(ends, left, width - RIGHT, 0.04)
    canvas.value_axis(scale, TOP, bottom, 8 if is_wide else 4, upright=False)
    for row, drop in enumerate(drops):
        y, colour = TOP + (row + 0.5) * ROW_HEIGHT, drop.style.colour
        text = MUTED if drop.style.index < 0 else INK
        start = scale(drop.ood)
        if drop.reference == drop.reference:
            end = scale(drop.reference)
            canvas.line([(start, y), (end, y)], colour, 2.6, opacity=0.45)
            canvas.marker(end, y, "o", colour, 8, hollow=True)
        canvas.marker(start, y, "o", colour, 9)
        canvas.text(0, y - (7 if drop.below else 0), shortened(drop.label, left // 8), 13.5, colour=text)
        if drop.below:
            canvas.text(0, y + 9, "below noisy input", 11, colour=WARM)
        shown = f"{number(drop.drop if drop.drop == drop.drop else drop.ood, 2)} dB"
        canvas.text(width, y, shown, 13.5, anchor="end", colour=text, link=drop.address)
    heading = ("PSNR drop" if is_wide else "drop") if reference else "OOD mean"
    canvas.text(width, 14, heading, 12, anchor="end", colour=MUTED)
    ring = f"○ {reference}, " if reference else ""
    canvas.text(0, 14, f"PSNR (dB): {ring}● {ood if is_wide else 'OOD mean'}", 12, colour=MUTED)
    spoken = "; ".join(_spoken(drop) for drop in drops)
    at = f"at {reference} and its " if reference else ""
    return canvas.finish(f"PSNR {at}OOD mean: {spoken}.")


def _spoken(drop: ModelDrop) -> str:
    """'dncnn 31.20 dB, OOD mean 28.10 dB' for the text alternative."""
    start = f"{number(drop.reference, 2)} dB, OOD mean " if drop.reference == drop.reference else ""
    return f"{drop.label} {start}{number(drop.ood, 2)} dB{', below the noisy input' if drop.below else ''}"
