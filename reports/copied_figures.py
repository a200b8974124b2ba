"""Figures of a run folder, copied to the site for both themes, without anything in them that runs or loads."""

import re
from dataclasses import dataclass

from reports.charts.themes import darkened
from reports.data import AnalysisFigure
from reports.paper_study import PaperFigure
from reports.safe_svg import safe_svg
from reports.site_writer import SiteError, SiteWriter


@dataclass(frozen=True)
class CopiedFigure:
    """A figure with the addresses of its files on the site ('' without one) and its width in CSS pixels."""

    source: AnalysisFigure | PaperFigure
    svg: str
    dark: str
    png: str
    csv: str
    pdf: str
    width: int


def copy_figure(writer: SiteWriter, source: AnalysisFigure | PaperFigure, *parts: str) -> CopiedFigure:
    """Copy the files of a figure to the site; `parts` are those of its address. Raises SiteError for a damaged SVG."""
    address = writer.free_address(*parts, source.svg.stem)
    files = {kind: getattr(source, kind, None) for kind in ("png", "csv", "pdf")}
    addresses = {kind: writer.file(path, f"{address}.{kind}") if path else "" for kind, path in files.items()}
    try:
        svg = safe_svg(source.svg.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SiteError(f"{source.svg}: {error}: make it again with {source.command}") from error
    addresses["svg"] = writer.text(f"{address}.svg", svg)
    addresses["dark"] = writer.text(f"{address}-dark.svg", darkened(svg))
    return CopiedFigure(source, width=width(svg), **addresses)


def width(svg: str) -> int:
    """The width of an SVG in CSS pixels; 640 if it has none."""
    stated = re.search(r'<svg[^>]*\bwidth="([\d.]+)(pt|px|)"', svg)
    return round(float(stated[1]) * (4 / 3 if stated[2] == "pt" else 1)) if stated else 640
