"""Charts as the pages show them: inline, with a file of the picture and one of its data."""

from collections.abc import Callable
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


def publish(folder: SiteFolder, parts: tuple[object, ...], draw: Callable[[str], Chart], data: pd.DataFrame) -> Drawn:
    """Name parts, a drawing that takes its identity, and its data -> the chart, its files written."""
    address = folder.free_address("charts", *parts)
    chart = draw(address.removeprefix("charts/").replace(".", "-"))
    svg = folder.text(f"{address}.svg", '<?xml version="1.0" encoding="utf-8"?>\n' + chart.svg + "\n")
    return Drawn(Markup(chart.svg), chart.width, chart.words, svg, folder.csv(f"{address}.csv", data))
