"""What each model loses off the training noise: a ring at Gaussian 15, a dot at the mean of the others."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.ticker import MaxNLocator

from reports.charts.style import INK, MUTED, Look
from reports.charts.svg import Canvas, Chart, drawing, finish
from reports.formatting import number, shortened

STEP, TOP, BOTTOM, RIGHT = 36, 36, 28, 84


@dataclass(frozen=True)
class Loss:
    """PSNR in dB at Gaussian 15 and off it, and the loss between the two."""

    name: str
    look: Look
    reference: float
    away: float
    loss: float


def loss_chart(losses: Sequence[Loss], away: str, width: int, identity: str) -> Chart:
    """Losses in reading order -> a chart of that width in pixels, 34 high a model."""
    left = 150 if width > 500 else 92
    height = TOP + BOTTOM + STEP * len(losses)
    with drawing(identity):
        canvas = Canvas(width, height)
        axes = canvas.axes(left, TOP, RIGHT, BOTTOM)
        for row, loss in enumerate(losses):
            colour = loss.look.colour
            axes.plot([loss.away, loss.reference], [row, row], color=colour, linewidth=2.6, alpha=0.45)
            axes.plot([loss.reference], [row], color=colour, marker="o", markersize=8, fillstyle="none", mew=1.8)
            axes.plot([loss.away], [row], color=colour, marker="o", markersize=9)
            y = TOP + (row + 0.5) * STEP
            quiet = loss.look.index < 0
            canvas.text(0, y, shortened(loss.name, left // 8), fontsize=13.5, color=MUTED if quiet else INK)
            text = f"{number(-loss.loss, 2)} dB"
            canvas.text(width - 2, y, text, fontsize=13.5, ha="right", color=MUTED if quiet else INK)
        axes.set_ylim(len(losses) - 0.5, -0.5)
        axes.set_yticks([])
        axes.grid(True, axis="x")
        axes.grid(False, axis="y")
        axes.spines["bottom"].set_visible(False)
        axes.xaxis.set_major_locator(MaxNLocator(8 if width > 500 else 4, steps=[1, 2, 5, 10]))
        axes.tick_params(axis="x", length=0, labelsize=12)
        axes.margins(x=0.04)
        canvas.text(width - 2, 14, "change", fontsize=12, color=MUTED, ha="right")
        canvas.text(0, 14, f"PSNR (dB): ring, Gaussian 15; dot, {away}", fontsize=12, color=MUTED)
        spoken = "; ".join(
            f"{loss.name} from {number(loss.reference, 2)} to {number(loss.away, 2)} dB" for loss in losses
        )
        return finish(canvas, identity, f"PSNR at Gaussian 15 and its mean off it: {spoken}.")
