"""How a model's quality on other noises went while it was trained."""

import pandas as pd

from reports.charts.style import look
from reports.charts.training import NARROW, training_chart
from reports.drawn import publish
from reports.folder import SiteFolder
from reports.pages import MODEL
from reports.panels import Panel
from reports.results import Results


def context(results: Results, folder: SiteFolder, model: str) -> dict[str, object] | None:
    """A chart with a line a noise; None where no curve was kept."""
    kept = [curve for curve in results.study.training if curve.model == model and curve.points]
    if not kept:
        return None
    names = [curve.noise for curve in kept]
    curves = [(curve.noise, curve.points, look(names, curve.noise)) for curve in kept]
    data = pd.DataFrame(
        [
            {"noise": curve.noise, "iteration": iteration, "psnr": psnr}
            for curve in kept
            for iteration, psnr in curve.points
        ]
    )
    wide, narrow = training_chart(curves), training_chart(curves, NARROW)
    return {"figure": publish(folder, ("training", model), wide, data, narrow)}


PANEL = Panel(MODEL, 30, "While training", context)
