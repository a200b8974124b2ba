"""Inside the networks: the figures of the analyses, with their numbers and commands."""

import re
from dataclasses import dataclass
from itertools import groupby

from reports.charts.themes import darkened
from reports.data import AnalysisFigure
from reports.panels import Panel
from reports.results import Results
from reports.safe_svg import safe_svg
from reports.site_writer import SiteError, SiteWriter


@dataclass(frozen=True)
class SiteFigure:
    """A figure with the addresses of its files on the site ('' without a PDF) and its width in CSS pixels."""

    source: AnalysisFigure
    svg: str
    dark: str
    png: str
    csv: str
    pdf: str
    width: int


@dataclass(frozen=True)
class Analysis:
    """The figures of one analysis."""

    key: str
    title: str
    about: str
    figures: tuple[SiteFigure, ...]


def context(results: Results, writer: SiteWriter) -> dict[str, object] | None:
    """The analyses in the order given; None without any."""
    analyses = []
    for key, group in groupby(results.study.analysis_figures, key=lambda source: source.analysis):
        sources = list(group)
        figures = tuple(figure(source, writer) for source in sources)
        analyses.append(Analysis(key, sources[0].section, sources[0].about, figures))
    return {"analyses": analyses} if analyses else None


def figure(source: AnalysisFigure, writer: SiteWriter) -> SiteFigure:
    """Copy the files of a figure to the site."""
    address = writer.free_address("inside", source.analysis, source.svg.stem)
    files = {kind: getattr(source, kind) for kind in ("png", "csv", "pdf")}
    addresses = {kind: writer.file(path, f"{address}.{kind}") if path else "" for kind, path in files.items()}
    try:
        svg = safe_svg(source.svg.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SiteError(f"{source.svg}: {error}: make it again with {source.command}") from error
    addresses["svg"] = writer.text(f"{address}.svg", svg)
    dark = writer.text(f"{address}-dark.svg", darkened(svg))
    return SiteFigure(source, dark=dark, width=width(svg), **addresses)


def width(svg: str) -> int:
    """The width of an SVG in CSS pixels; 640 if it has none."""
    stated = re.search(r'<svg[^>]*\bwidth="([\d.]+)(pt|px|)"', svg)
    return round(float(stated[1]) * (4 / 3 if stated[2] == "pt" else 1)) if stated else 640


PANEL = Panel("analyses", 0, "Network analyses", context)
