"""Charts as the pages show them: inline, with files of the picture (SVG and PDF) and one of its data."""

import re
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from reports.charts.pdf import pdf
from reports.charts.svg import Chart
from reports.folder import SiteFolder


@dataclass(frozen=True)
class Drawn:
    """A chart's SVG to stand in a page, another for narrow screens ('' where one serves both), and its files."""

    svg: Markup
    narrow: Markup
    width: int
    words: str
    svg_address: str
    pdf_address: str
    csv_address: str


def publish(
    folder: SiteFolder, parts: tuple[object, ...], chart: Chart, data: pd.DataFrame, narrow: Chart | None = None
) -> Drawn:
    """Name parts, a chart and its data -> the chart, its files written; `narrow` is the same for narrow screens."""
    address = folder.free_address("charts", *parts)
    svg = folder.text(f"{address}.svg", '<?xml version="1.0" encoding="utf-8"?>\n' + standalone(chart.svg) + "\n")
    paper = folder.bytes(f"{address}.pdf", pdf(chart))
    table = folder.csv(f"{address}.csv", data)
    return Drawn(
        Markup(chart.svg), Markup(narrow.svg if narrow else ""), chart.width, chart.words, svg, paper, table
    )  # fmt: skip


def standalone(svg: str) -> str:
    """A page's SVG -> one for other programs: plain colours and fonts, no links into the site."""
    return re.sub(r"</?a\b[^>]*>", "", re.sub(r"var\(--[\w-]+, ([^()]*)\)", r"\1", svg))
