"""Lines over time: PSNR over the iterations of a training, and scores from run to run."""

from collections.abc import Sequence

from reports.charts.chart import Chart, locator
from reports.charts.lettering import fitted
from reports.charts.lines import Point, Series, line_chart
from reports.charts.style import TWO_COLUMNS, SeriesStyle, style
from reports.formatting import number, short_count

Curve = tuple[str, Sequence[tuple[int, float]], SeriesStyle]  # label, (position, value) in order, style


def training_chart(curves: Sequence[Curve], width: float = TWO_COLUMNS, font: float = 8.5) -> Chart:
    """PSNR in dB by iteration, one curve per noise, at least one point each -> a chart `width` inches wide."""
    last = max(x for _, points, _ in curves for x, _ in points)
    ticks = {value: short_count(value) or "0" for value in locator(6).tick_values(0, last) if 0 <= value <= last}
    spoken = f"PSNR in dB on held-out images from the first to the last iteration: {ends(curves)}."
    return line_chart(series(curves), ticks, "PSNR (dB) on held-out images", spoken, width, font, axis="iteration")


@style()
def history_chart(
    studies: Sequence[str], curves: Sequence[Curve], heading: str, width: float = TWO_COLUMNS, font: float = 8.5
) -> Chart:
    """Values by index of the run, one curve per model, with the names of the runs -> a chart `width` inches wide."""
    step = 72 * width * 0.7 / max(len(studies), 1)  # points from run to run
    ticks = {index: fitted(name, max(step, 6 * font), font) for index, name in enumerate(studies)}
    return line_chart(
        series(curves), ticks, heading, f"{heading} over {len(studies)} runs: {ends(curves)}.", width, font
    )


def series(curves: Sequence[Curve]) -> list[Series]:
    """Curves as series of a chart."""
    return [Series(name, look, tuple(Point(x, y) for x, y in points)) for name, points, look in curves]


def ends(curves: Sequence[Curve]) -> str:
    """The first and the last value of each curve for the text alternative."""
    return "; ".join(f"{name} from {number(p[0][1], 2)} to {number(p[-1][1], 2)}" for name, p, _ in curves)
