"""Charts for pages: inline SVG, with files for download (SVG, PDF, and the data as CSV)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from reports.charts.chart import Chart, standalone
from reports.charts.style import ONE_COLUMN
from reports.site_writer import SiteWriter

NARROW = 358  # CSS pixels of a column on narrow screens
Draw = Callable[..., Chart]  # its keywords: width in inches, font in points


@dataclass(frozen=True)
class PublishedChart:
    """A chart with the addresses of its files; `drawn` waits for its inline SVG and that for narrow screens."""

    drawn: Callable[[], tuple[Markup, Markup]]
    svg_address: str
    pdf_address: str
    csv_address: str

    @property
    def svg(self) -> Markup:
        """The inline SVG."""
        return self.drawn()[0]

    @property
    def narrow(self) -> Markup:
        """The inline SVG for narrow screens, '' without one."""
        return self.drawn()[1]


def publish(
    writer: SiteWriter,
    parts: tuple[object, ...],
    draw: Draw,
    data: pd.DataFrame,
    pixels: float = 424,
    narrow: Draw | None = None,
) -> PublishedChart:
    """Parts of the name, what draws a chart, and its data -> the chart with its files.

    `pixels`: its width on the page in CSS pixels at 3.5 inches; `narrow`: what draws it for narrow screens.
    """
    address = writer.free_address("charts", *parts)
    job = partial(render, writer.root / address, str(address), draw, pixels / ONE_COLUMN / 72, narrow)
    files = writer.expect(f"{address}.svg"), writer.expect(f"{address}.pdf")
    return PublishedChart(writer.later(job), *files, writer.csv(f"{address}.csv", data))


def render(path: Path, salt: str, draw: Draw, zoom: float, narrow: Draw | None) -> tuple[Markup, Markup]:
    """Draw a chart once, write it to PATH.svg and PATH.pdf, and return it for wide and narrow screens."""
    chart = draw()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_name(f"{path.name}.pdf").write_bytes(chart.pdf())
    svg = chart.svg(zoom * chart.width, salt)
    paper = '<?xml version="1.0" encoding="utf-8"?>\n' + standalone(svg) + "\n"
    path.with_name(f"{path.name}.svg").write_text(paper, encoding="utf-8")
    if narrow is None:
        return Markup(svg), Markup("")
    small = narrow(width=ONE_COLUMN)
    return Markup(svg), Markup(small.svg(NARROW * small.width / (72 * ONE_COLUMN), f"{salt} narrow"))
