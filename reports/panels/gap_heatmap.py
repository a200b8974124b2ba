"""PSNR drop from the reference noise: every model on every noise."""

import numpy as np
import pandas as pd

from reports import links
from reports.charts.heatmap import heatmap, narrow, wide
from reports.drawn import publish
from reports.folder import SiteFolder
from reports.formatting import number
from reports.panels import Panel
from reports.results import NOISY, Results


def context(results: Results, folder: SiteFolder) -> dict[str, object] | None:
    """One chart per data set; None where no drop is known."""
    figures = [
        (index, dataset, figure)
        for index, dataset in enumerate(results.datasets)
        if (figure := draw(results, folder, dataset)) is not None
    ]
    return {"figures": figures, "datasets": list(enumerate(results.datasets))} if figures else None


def draw(results: Results, folder: SiteFolder, dataset: str) -> object | None:
    """One data set -> its chart and data."""
    part = results.summary[(results.summary["dataset"] == dataset) & results.summary["gap"].notna()]
    settings = [one for one in results.noises if one.spec in set(part["noise"]) and one != results.reference]
    settings = [one for one in settings if one.spec not in results.study.nearly_clean]
    models = [model for model in (*results.models, NOISY) if model in set(part["model"])]
    if not settings or not models:
        return None
    lines = [[results.line(dataset, setting.spec, model) for model in models] for setting in settings]
    gaps = np.array([[np.nan if line is None else line["gap"] for line in row] for row in lines], dtype=float)
    names = ["noisy input" if model == NOISY else model for model in models]
    rows = [(setting.name, setting.label) for setting in settings]
    digits = 1 if np.nanmax(np.abs(gaps)) >= 100 else 2
    means = ", ".join(f"{name} {number(mean, 2)}" for name, mean in zip(names, np.nanmean(gaps, axis=0), strict=True))
    words = f"PSNR drop from {results.reference_words} on {dataset}, in dB; mean over the noises shown: {means}."
    addresses = [[links.images(dataset, one.spec, model, measure="gap") for model in models] for one in settings]
    marked = np.array([[model != NOISY and results.in_distribution(model, (one,)) for model in models]
                       for one in settings])  # fmt: skip
    columns = ["model", "noise", "gap", "gap_low", "gap_high"]
    data = part.loc[part["noise"].isin([one.spec for one in settings]), columns]
    chart = heatmap(rows, names, gaps, digits, words, addresses, wide(len(names)), marked)
    small = heatmap(rows, names, gaps, 1, words, addresses, narrow(len(names)), marked)
    return publish(folder, ("gap", dataset), chart, pd.DataFrame(data), small)


PANEL = Panel("overview", 20, "What each noise costs", context)
