"""Inside the networks: the figures of the analyses, with their numbers and commands."""

from dataclasses import dataclass
from itertools import groupby

from reports.copied_figures import CopiedFigure, copy_figure
from reports.panels import Panel
from reports.results import Results
from reports.site_writer import SiteWriter


@dataclass(frozen=True)
class Analysis:
    """The figures of one analysis."""

    key: str
    title: str
    about: str
    figures: tuple[CopiedFigure, ...]


def context(results: Results, writer: SiteWriter) -> dict[str, object] | None:
    """The analyses in the order given; None without any."""
    analyses = []
    for key, group in groupby(results.study.analysis_figures, key=lambda source: source.analysis):
        sources = list(group)
        figures = tuple(copy_figure(writer, source, "inside", key) for source in sources)
        analyses.append(Analysis(key, sources[0].section, sources[0].about, figures))
    return {"analyses": analyses} if analyses else None


PANEL = Panel("analyses", 0, "Network analyses", context)
