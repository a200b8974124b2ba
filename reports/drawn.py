"""Charts as the pages show them: inline, with a file of the picture and one of its data."""

import re
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from reports.charts.svg import Chart
from reports.folder import SiteFolder


@dataclass(frozen=True)
class Drawn:
    """A chart's SVG to stand in a page, and the addresses of its two files."""

    svg: Markup
    width: int
    words: str
    svg_address: str
    csv_address: str


def publish(folder: SiteFolder, parts: tuple[object, ...], chart: Chart, data: pd.DataFrame) -> Drawn:
    """Name parts, a chart and its data -> the chart, its files written."""
    address = folder.free_address("charts", *parts)
    svg = folder.text(f"{address}.svg", '<?xml version="1.0" encoding="utf-8"?>\n' + standalone(chart.svg) + "\n")
    return Drawn(Markup(chart.svg), chart.width, chart.words, svg, folder.csv(f"{address}.csv", data))


def standalone(svg: str) -> str:
    """A page's SVG -> one for other programs: plain colours and fonts, no links into the site."""
    return re.sub(r"</?a\b[^>]*>", "", re.sub(r"var\(--[\w-]+, ([^()]*)\)", r"\1", svg))
