"""Where a model is better and where worse than the others, noise by noise."""

import pandas as pd

from reports import links
from reports.charts.differences import Difference, differences_chart
from reports.charts.style import look
from reports.drawn import Drawn, publish
from reports.folder import SiteFolder
from reports.formatting import signed
from reports.measures import PSNR
from reports.pages import MODEL
from reports.panels import Panel
from reports.results import Results


def context(results: Results, folder: SiteFolder, model: str) -> dict[str, object] | None:
    """A chart a data set; None where there is no other model."""
    figures = []
    for index, dataset in enumerate(results.datasets):
        found = differences(results, dataset, model)
        if found:
            figures.append((index, dataset, draw(results, folder, dataset, model, found)))
    return {"figures": figures, "datasets": list(enumerate(results.datasets))} if figures else None


def differences(results: Results, dataset: str, model: str) -> list[Difference]:
    """PSNR minus the mean PSNR of the other models of its group, image by image, for each noise."""
    changes, group = {}, results.group_of(model)
    for setting in results.noises:
        table = results.per_image(dataset, setting.spec, PSNR)
        table = table[[one for one in table.columns if one in group.models]]
        if model in table.columns and len(table.columns) > 1:
            changes[setting] = table[model] - table.drop(columns=model).mean(axis=1)
    if not changes:
        return []
    bounds = results.intervals(dataset, pd.concat(changes.values(), axis=1))
    return [
        Difference(setting.name, setting.label, *map(float, ends), links.images(dataset, setting.spec, model))
        for setting, ends in zip(changes, bounds, strict=True)
        if ends[0] == ends[0]
    ]


def draw(results: Results, folder: SiteFolder, dataset: str, model: str, found: list[Difference]) -> Drawn:
    """The chart and its data."""
    ends = sorted(found, key=lambda one: one.value)
    words = (
        f"PSNR of {model} minus the mean of the other models on {dataset}: from {signed(ends[0].value, 2)} dB under "
        f"{ends[0].group} {ends[0].label} to {signed(ends[-1].value, 2)} dB under {ends[-1].group} {ends[-1].label}."
    )
    data = pd.DataFrame(
        [{"noise": one.group, "setting": one.label, "difference": one.value, "low": one.low, "high": one.high}
         for one in found]
    )  # fmt: skip
    heading = "PSNR (dB) minus the mean of the others"
    colour = look(results.models, model).colour
    wide, narrow = (differences_chart(found, colour, heading, words, width) for width in (620, 358))
    return publish(folder, ("against", model, dataset), wide, data, narrow)


PANEL = Panel(MODEL, 10, "Against the other models", context)
