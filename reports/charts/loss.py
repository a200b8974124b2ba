"""What each model loses off the training noise: a ring at Gaussian 15, a dot at the mean of the others."""

from collections.abc import Sequence
from dataclasses import dataclass

from reports.charts.style import INK, MUTED, Look
from reports.charts.svg import Canvas, Chart, Scale
from reports.formatting import number, shortened

STEP, TOP, BOTTOM, RIGHT = 36, 36, 28, 84
WIDE = 500


@dataclass(frozen=True)
class Loss:
    """PSNR in dB at Gaussian 15 and off it, the loss between the two, and where it leads."""

    name: str
    look: Look
    reference: float
    away: float
    loss: float
    address: str = ""


def loss_chart(losses: Sequence[Loss], away: str, width: int) -> Chart:
    """Losses in reading order -> a chart of that width in pixels, 36 high a model."""
    left, is_wide = (150, True) if width > WIDE else (92, False)
    canvas = Canvas(width, TOP + BOTTOM + STEP * len(losses))
    bottom = TOP + STEP * len(losses)
    ends = [value for loss in losses for value in (loss.reference, loss.away)]
    scale = Scale.over(ends, left, width - RIGHT, 0.04)
    canvas.value_axis(scale, TOP, bottom, 8 if is_wide else 4, upright=False)
    for row, loss in enumerate(losses):
        y, colour = TOP + (row + 0.5) * STEP, loss.look.colour
        text = MUTED if loss.look.index < 0 else INK
        start, end = scale(loss.away), scale(loss.reference)
        canvas.line([(start, y), (end, y)], colour, 2.6, opacity=0.45)
        canvas.marker(end, y, "o", colour, 8, hollow=True)
        canvas.marker(start, y, "o", colour, 9)
        canvas.text(0, y, shortened(loss.name, left // 8), 13.5, colour=text)
        canvas.text(width, y, f"{number(-loss.loss, 2)} dB", 13.5, anchor="end", colour=text, link=loss.address)
    canvas.text(width, 14, "change", 12, anchor="end", colour=MUTED)
    canvas.text(0, 14, f"PSNR (dB): ring, Gaussian 15; dot, {away if is_wide else 'off it'}", 12, colour=MUTED)
    spoken = "; ".join(f"{loss.name} from {number(loss.reference, 2)} to {number(loss.away, 2)} dB" for loss in losses)
    return canvas.finish(f"PSNR at Gaussian 15 and its mean off it: {spoken}.")
