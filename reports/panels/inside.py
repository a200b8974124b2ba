"""What goes on inside the networks: the figures of the looks that were taken, with their numbers and commands."""

import re
from dataclasses import dataclass
from itertools import groupby

from reports.charts.themes import darkened
from reports.data import Artefact
from reports.panels import Panel
from reports.results import Results
from reports.site_writer import SiteWriter

TITLES = {
    "predict": "Does the inside predict the loss?",
    "srga": "Generalization of features (SRGA)",
    "features": "Distributions of features",
    "cka": "Similarity of layers (CKA)",
    "brightness": "Brightness of outputs",
    "detail": "Detail lost, by spatial frequency",
    "complete": "Masked pixels completed",
    "attribute": "Where an output comes from",
}


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
class Look:
    """The figures of one kind."""

    key: str
    title: str
    about: str
    figures: tuple[Figure, ...]


def context(results: Results, writer: SiteWriter) -> dict[str, object] | None:
    """The looks in the order given; None where nobody looked."""
    looks = []
    for key, group in groupby(results.study.artefacts, key=lambda artefact: artefact.look):
        artefacts = list(group)
        figures = tuple(figure(artefact, writer) for artefact in artefacts)
        looks.append(Look(key, TITLES.get(key, key), artefacts[0].about, figures))
    return {"looks": looks} if looks else None


def figure(artefact: Artefact, writer: SiteWriter) -> Figure:
    """Copies the files of a figure."""
    address = writer.free_address("inside", artefact.look, artefact.svg.stem)
    files = {kind: getattr(artefact, kind) for kind in ("svg", "png", "csv", "pdf")}
    addresses = {kind: writer.file(path, f"{address}.{kind}") if path else "" for kind, path in files.items()}
    svg = artefact.svg.read_text(encoding="utf-8")
    dark = writer.text(f"{address}-dark.svg", darkened(svg))
    return Figure(artefact, dark=dark, width=width(svg), **addresses)


def width(svg: str) -> int:
    """The width that an SVG gives itself, in CSS pixels; 640 where it gives none."""
    found = re.search(r'<svg[^>]*\bwidth="([\d.]+)(pt|px|)"', svg)
    return round(float(found[1]) * (4 / 3 if found[2] == "pt" else 1)) if found else 640


PANEL = Panel("inside", 0, "Network analyses", context)
