"""Heatmap of PSNR drops: noise settings x models."""

import numpy as np
import pandas as pd

from reports import links
from reports.charts.heatmap import heatmap, narrow, wide
from reports.downloads import publish
from reports.formatting import number
from reports.panels import Panel
from reports.results import NOISY, Results
from reports.site_writer import SiteWriter


def context(results: Results, writer: SiteWriter) -> dict[str, object] | None:
    """One heatmap per data set; None without PSNR drops."""
    figures = [
        (index, dataset, figure)
        for index, dataset in enumerate(results.datasets)
        if (figure := draw(results, writer, dataset)) is not None
    ]
    return {"figures": figures, "datasets": list(enumerate(results.datasets))} if figures else None


def draw(results: Results, writer: SiteWriter, dataset: str) -> object | None:
    """The heatmap of one data set, written with its data; None without PSNR drops."""
    part = results.summary[(results.summary["dataset"] == dataset) & results.summary["gap"].notna()]
    settings = [one for one in results.noises if one.spec in set(part["noise"]) and one != results.reference]
    settings = [one for one in settings if one.spec not in results.study.nearly_clean]
    models = [model for model in (*results.models, NOISY) if model in set(part["model"])]
    if not settings or not models:
        return None
    lines = [[results.line(dataset, setting.spec, model) for model in models] for setting in settings]
    drops = np.array([[np.nan if line is None else line["gap"] for line in row] for row in lines], dtype=float)
    names = [results.label(model) for model in models]
    rows = [(setting.name, setting.label) for setting in settings]
    digits = 1 if np.nanmax(np.abs(drops)) >= 100 else 2
    means = ", ".join(f"{name} {number(mean, 2)}" for name, mean in zip(names, np.nanmean(drops, axis=0), strict=True))
    description = (
        f"PSNR drop from {results.reference_label} on {dataset}, in dB. Means over the settings shown: {means}."
    )
    addresses = [[links.images(dataset, one.spec, model, measure="gap") for model in models] for one in settings]
    marked = np.array([[model != NOISY and results.in_distribution(model, (one,)) for model in models]
                       for one in settings])  # fmt: skip
    columns = ["model", "noise", "gap", "gap_low", "gap_high"]
    data = part.loc[part["noise"].isin([one.spec for one in settings]), columns]
    chart = heatmap(rows, names, drops, digits, description, addresses, wide(len(names)), marked)
    small = heatmap(rows, names, drops, 1, description, addresses, narrow(len(names)), marked)
    return publish(writer, ("gap", dataset), chart, pd.DataFrame(data), small)


PANEL = Panel("overview", 20, "PSNR drop by noise", context)
