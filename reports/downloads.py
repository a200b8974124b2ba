"""Charts for pages: inline SVG, with files for download (SVG, PDF, and the data as CSV)."""

import re
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from reports.charts.pdf import pdf
from reports.charts.svg import Chart
from reports.site_writer import SiteWriter


@dataclass(frozen=True)
class PublishedChart:
    """The inline SVG of a chart, its variant for narrow screens ('' without one), and the addresses of its files."""

    svg: Markup
    narrow: Markup
    width: int
    description: str
    svg_address: str
    pdf_address: str
    csv_address: str


def publish(
    writer: SiteWriter, parts: tuple[object, ...], chart: Chart, data: pd.DataFrame, narrow: Chart | None = None
) -> PublishedChart:
    """Parts of the name, a chart, its data and its variant for narrow screens -> the chart with its files written."""
    address = writer.free_address("charts", *parts)
    svg = writer.text(f"{address}.svg", '<?xml version="1.0" encoding="utf-8"?>\n' + standalone(chart.svg) + "\n")
    paper = writer.bytes(f"{address}.pdf", pdf(chart))
    table = writer.csv(f"{address}.csv", data)
    return PublishedChart(
        Markup(chart.svg), Markup(narrow.svg if narrow else ""), chart.width, chart.description, svg, paper, table
    )  # fmt: skip


def standalone(svg: str) -> str:
    """Inline SVG -> SVG for other programs: literal colours and fonts, no links."""
    return re.sub(r"</?a\b[^>]*>", "", re.sub(r"var\(--[\w-]+, ([^()]*)\)", r"\1", svg))
