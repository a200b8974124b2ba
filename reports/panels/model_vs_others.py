"""PSNR of a model minus the mean PSNR of the other models, by noise."""

from functools import partial

import pandas as pd

from reports import links
from reports.charts.row_charts import Difference, differences_chart
from reports.charts.style import series_style
from reports.downloads import PublishedChart, publish
from reports.formatting import signed
from reports.pages import MODEL
from reports.panels import Panel
from reports.results import Results
from reports.site_writer import SiteWriter


def context(results: Results, writer: SiteWriter, model: str) -> dict[str, object] | None:
    """One chart per data set; None without another model."""
    figures = []
    for index, dataset in enumerate(results.datasets):
        by_noise = differences(results, dataset, model)
        if by_noise:
            figures.append((index, dataset, draw(results, writer, dataset, model, by_noise)))
    return {"figures": figures, "datasets": list(enumerate(results.datasets))} if figures else None


def differences(results: Results, dataset: str, model: str) -> list[Difference]:
    """PSNR minus the mean PSNR of the other models of its group, image by image, under each noise."""
    known, settings = results.numbers.differences, {one.spec: one for one in results.noises}
    part = known[(known["dataset"] == dataset) & (known["model"] == model) & known["value"].notna()]
    return [
        Difference(
            settings[one["noise"]].name,
            settings[one["noise"]].label,
            one["value"],
            one["low"],
            one["high"],
            links.images(dataset, one["noise"], model),
        )
        for one in part.to_dict("records")
    ]


def draw(results: Results, writer: SiteWriter, dataset: str, model: str, by_noise: list[Difference]) -> PublishedChart:
    """The chart, written with its data."""
    ends = sorted(by_noise, key=lambda one: one.value)
    description = (
        f"PSNR of {results.label(model)} minus the mean PSNR of the other models on {dataset}: from "
        f"{signed(ends[0].value, 2)} dB under {ends[0].group} {ends[0].label} to {signed(ends[-1].value, 2)} dB under "
        f"{ends[-1].group} {ends[-1].label}."
    )
    data = pd.DataFrame(
        [
            {"noise": one.group, "setting": one.label, "difference": one.value, "low": one.low, "high": one.high}
            for one in by_noise
        ]
    )
    heading = "Difference of PSNR (dB) from the mean of the others"
    colour = series_style(results.models, model).colour
    chart = partial(differences_chart, by_noise, colour, heading, description)
    return publish(writer, ("against", model, dataset), chart, data, 460, partial(chart, font=8.5))


PANEL = Panel(MODEL, 10, "Compared with the other models", context)
