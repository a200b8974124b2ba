"""Inside the networks: the figures of the analyses, with their numbers and commands."""

import re
from dataclasses import dataclass
from itertools import groupby

from reports.charts.themes import darkened
from reports.folder import SiteFolder
from reports.panels import Panel
from reports.results import Results
from reports.study import Artefact


@dataclass(frozen=True)
class Figure:
    """A figure with its addresses on the site ('' without a PDF), and the width at which it is drawn, in pixels."""

    artefact: Artefact
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
    figures: tuple[Figure, ...]


def context(results: Results, folder: SiteFolder) -> dict[str, object] | None:
    """The analyses in the order given; None without any."""
    analyses = []
    for key, group in groupby(results.study.artefacts, key=lambda artefact: artefact.analysis):
        artefacts = list(group)
        figures = tuple(figure(artefact, folder) for artefact in artefacts)
        analyses.append(Analysis(key, artefacts[0].section, artefacts[0].about, figures))
    return {"analyses": analyses} if analyses else None


def figure(artefact: Artefact, folder: SiteFolder) -> Figure:
    """Copy the files of a figure to the site."""
    address = folder.free_address("inside", artefact.analysis, artefact.svg.stem)
    files = {kind: getattr(artefact, kind) for kind in ("svg", "png", "csv", "pdf")}
    addresses = {kind: folder.file(path, f"{address}.{kind}") if path else "" for kind, path in files.items()}
    svg = artefact.svg.read_text(encoding="utf-8")
    dark = folder.text(f"{address}-dark.svg", darkened(svg))
    return Figure(artefact, dark=dark, width=width(svg), **addresses)


def width(svg: str) -> int:
    """The width that an SVG gives itself, in CSS pixels; 640 where it gives none."""
    found = re.search(r'<svg[^>]*\bwidth="([\d.]+)(pt|px|)"', svg)
    return round(float(found[1]) * (4 / 3 if found[2] == "pt" else 1)) if found else 640


PANEL = Panel("inside", 0, "Inside", context)
