"""Validation curves of a model: PSNR under several noises over the iterations of its training."""

from functools import partial

import pandas as pd

from reports.charts.progress import training_chart
from reports.charts.style import series_style
from reports.downloads import publish
from reports.pages import MODEL
from reports.panels import Panel
from reports.results import Results
from reports.site_writer import SiteWriter


def context(results: Results, writer: SiteWriter, model: str) -> dict[str, object] | None:
    """A chart with one line per noise; None without curves."""
    kept = [curve for curve in results.study.training if curve.model == model and curve.points]
    if not kept:
        return None
    names = [curve.noise for curve in kept]
    curves = [(curve.noise, curve.points, series_style(names, curve.noise)) for curve in kept]
    data = pd.DataFrame(
        [
            {"noise": curve.noise, "iteration": iteration, "psnr": psnr}
            for curve in kept
            for iteration, psnr in curve.points
        ]
    )
    chart = partial(training_chart, curves)
    return {"figure": publish(writer, ("training", model), chart, data, 350, chart)}


PANEL = Panel(MODEL, 30, "Validation curves", context)
