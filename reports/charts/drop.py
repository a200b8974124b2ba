"""The PSNR of each model: a ring at the reference noise, a dot at the mean over OOD noise; the drop between them."""

from collections.abc import Sequence
from dataclasses import dataclass

from reports.charts.style import INK, MUTED, WARM, Look
from reports.charts.svg import Canvas, Chart, Scale
from reports.formatting import number, shortened

STEP, TOP, BOTTOM, RIGHT = 36, 36, 28, 84
WIDE = 500


@dataclass(frozen=True)
class Drop:
    """PSNR in dB at the reference noise and its OOD mean, the drop between the two (NaN where there is no reference
    noise), where it leads, and whether the OOD mean is below that of the noisy input."""

    name: str
    look: Look
    reference: float
    ood: float
    drop: float
    address: str = ""
    below: bool = False


def drop_chart(drops: Sequence[Drop], reference: str, ood: str, width: int) -> Chart:
    """Models in reading order -> a chart of that width in pixels, 36 high per model; `reference`, '' for none, and
    `ood` say what the marks are."""
    left, is_wide = (150, True) if width > WIDE else (92, False)
    canvas = Canvas(width, TOP + BOTTOM + STEP * len(drops))
    bottom = TOP + STEP * len(drops)
    ends = [value for drop in drops for value in (drop.reference, drop.ood)]
    scale = Scale.over(ends, left, width - RIGHT, 0.04)
    canvas.value_axis(scale, TOP, bottom, 8 if is_wide else 4, upright=False)
    for row, drop in enumerate(drops):
        y, colour = TOP + (row + 0.5) * STEP, drop.look.colour
        text = MUTED if drop.look.index < 0 else INK
        start = scale(drop.ood)
        if drop.reference == drop.reference:
            end = scale(drop.reference)
            canvas.line([(start, y), (end, y)], colour, 2.6, opacity=0.45)
            canvas.marker(end, y, "o", colour, 8, hollow=True)
        canvas.marker(start, y, "o", colour, 9)
        canvas.text(0, y - (7 if drop.below else 0), shortened(drop.name, left // 8), 13.5, colour=text)
        if drop.below:
            canvas.text(0, y + 9, "below the input" if is_wide else "below input", 11, colour=WARM)
        shown = f"{number(drop.drop if drop.drop == drop.drop else drop.ood, 2)} dB"
        canvas.text(width, y, shown, 13.5, anchor="end", colour=text, link=drop.address)
    canvas.text(width, 14, "drop" if reference else "mean", 12, anchor="end", colour=MUTED)
    ring = f"ring, {reference}; " if reference else ""
    canvas.text(0, 14, f"PSNR (dB): {ring}dot, {ood if is_wide else 'OOD mean'}", 12, colour=MUTED)
    spoken = "; ".join(_spoken(drop) for drop in drops)
    at = f"at {reference} and its " if reference else ""
    return canvas.finish(f"PSNR {at}mean over OOD noise: {spoken}.")


def _spoken(drop: Drop) -> str:
    """'ours from 31.20 to 28.10 dB', for readers who do not see the chart."""
    start = f"from {number(drop.reference, 2)} to " if drop.reference == drop.reference else ""
    return f"{drop.name} {start}{number(drop.ood, 2)} dB{', below the noisy input' if drop.below else ''}"
