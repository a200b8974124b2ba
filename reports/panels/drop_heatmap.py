"""Heatmap of PSNR drops: noise settings x models."""

from functools import partial

import numpy as np
import pandas as pd

from reports import links
from reports.charts.heatmap import heatmap
from reports.downloads import publish
from reports.formatting import interval, number
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
    part = results.summary[(results.summary["dataset"] == dataset) & results.summary["drop"].notna()]
    settings = [one for one in results.noises if one.spec in set(part["noise"]) and one != results.reference]
    settings = [one for one in settings if one.spec not in results.study.nearly_clean]
    models = [model for model in (*results.models, NOISY) if model in set(part["model"])]
    if not settings or not models:
        return None
    lines = [[results.line(dataset, setting.spec, model) for model in models] for setting in settings]
    drops = np.array([[np.nan if line is None else line["drop"] for line in row] for row in lines], dtype=float)
    names = [results.label(model) for model in models]
    rows = [(setting.name, setting.label) for setting in settings]
    digits = 1 if np.nanmax(np.abs(drops)) >= 100 else 2
    means = ", ".join(f"{name} {number(mean, 2)}" for name, mean in zip(names, np.nanmean(drops, axis=0), strict=True))
    description = (
        f"PSNR drop from {results.reference_label} on {dataset}, in dB. Means over the settings shown: {means}."
    )
    addresses = [[links.images(dataset, one.spec, model, measure="drop") for model in models] for one in settings]
    titles = [
        ["" if line is None else hover(name, setting.spec, line) for name, line in zip(names, row, strict=True)]
        for setting, row in zip(settings, lines, strict=True)
    ]
    marked = np.array(
        [[model != NOISY and results.in_distribution(model, (one,)) for model in models] for one in settings]
    )
    columns = ["model", "noise", "drop", "drop_low", "drop_high"]
    data = part.loc[part["noise"].isin([one.spec for one in settings]), columns]
    numbers = names, drops, titles, addresses, marked, description
    narrow = partial(heatmap, [(group, short(label)) for group, label in rows], *numbers, digits=1, font=7.5)
    chart = partial(heatmap, rows, *numbers, digits=digits)
    return publish(writer, ("drop", dataset), chart, pd.DataFrame(data), 529, narrow)


def short(label: str) -> str:
    """A label of one parameter -> its value: 'sigma=25' -> '25'."""
    return label.rpartition("=")[2] if label.count("=") == 1 else label


def hover(name: str, noise: str, line: pd.Series) -> str:
    """The hover text of a cell: 'dncnn, gaussian(sigma=25): PSNR drop 4.50 dB, 95% interval 4.20–4.80'."""
    bounds = interval(line["drop_low"], line["drop_high"], 2)
    return f"{name}, {noise}: PSNR drop {number(line['drop'], 2)} dB" + (f", 95% interval {bounds}" if bounds else "")


PANEL = Panel("overview", 20, "PSNR drop by noise", context)
