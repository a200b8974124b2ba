"""PSNR and SSIM against the level of each noise, with intervals."""

from dataclasses import dataclass

from reports.charts.dots import dots
from reports.charts.level_curve import level_curve
from reports.charts.series import Point, Series
from reports.charts.style import look
from reports.drawn import Drawn, publish
from reports.folder import SiteFolder
from reports.measures import GAP, Measure
from reports.panels import Panel
from reports.results import NOISY, NoiseSetting, Results


@dataclass(frozen=True)
class Group:
    """The charts of one data set and one measure."""

    dataset: str
    dataset_index: int
    measure: Measure
    figures: tuple[Drawn, ...]


def context(results: Results, folder: SiteFolder) -> dict[str, object] | None:
    """A chart for each noise, measure and data set; None where nothing was measured."""
    measures = [measure for measure in results.measures if measure is not GAP]
    groups = []
    for index, dataset in enumerate(results.datasets):
        for measure in measures:
            figures = tuple(
                figure for name in results.noise_names for figure in draw(results, folder, dataset, name, measure)
            )
            if figures:
                groups.append(Group(dataset, index, measure, figures))
    if not groups:
        return None
    used = [measure for measure in measures if any(group.measure is measure for group in groups)]
    return {"groups": groups, "measures": used, "datasets": list(enumerate(results.datasets))}


def draw(results: Results, folder: SiteFolder, dataset: str, name: str, measure: Measure) -> list[Drawn]:
    """One noise -> a curve where it has levels, else a dot plot for each of its settings."""
    summary = results.summary
    part = summary[(summary["dataset"] == dataset) & (summary["noise_name"] == name) & summary[measure.key].notna()]
    settings = [setting for setting in results.noises if setting.spec in set(part["noise"])]
    if not settings:
        return []
    card = results.noise_card(name)
    levels = {setting.level for setting in settings}
    title = card.title or name
    one_curve = len(settings) > 1 and len(levels) == len(settings) and all(level == level for level in levels)
    if one_curve:
        series = lines(results, dataset, settings, measure)
        drawings = [((name,), settings, lambda identity: level_curve(title, card.axis, measure, series, identity))]
    else:
        drawings = [
            ((name, setting.label), [setting], dot_drawing(results, dataset, setting, measure)) for setting in settings
        ]
    return [
        publish(folder, (measure.key, dataset, *parts), drawing, data(part, shown, measure))
        for parts, shown, drawing in drawings
    ]


def dot_drawing(results: Results, dataset: str, setting: NoiseSetting, measure: Measure):
    """One setting -> its drawing."""
    series = lines(results, dataset, [setting], measure)
    card = results.noise_card(setting.name)
    title = f"{card.title or setting.name}, {setting.label}" if setting.label != setting.name else setting.name
    return lambda identity: dots(title, measure, series, identity)


def data(part, settings: list[NoiseSetting], measure: Measure):
    """The numbers behind a chart."""
    key = measure.key
    shown = part[part["noise"].isin([setting.spec for setting in settings])]
    return shown[["model", "noise", "level", key, f"{key}_low", f"{key}_high", "images"]]


def lines(results: Results, dataset: str, settings: list[NoiseSetting], measure: Measure) -> list[Series]:
    """The models that have a number at one of these settings, and the noisy input, as lines."""
    key = measure.key
    series = []
    for model in (*results.models, NOISY):
        found = [(setting.level, results.line(dataset, setting.spec, model)) for setting in settings]
        points = tuple(
            Point(level, float(one[key]), float(one[f"{key}_low"]), float(one[f"{key}_high"]))
            for level, one in found
            if one is not None and one[key] == one[key]
        )
        if points:
            name = "noisy input" if model == NOISY else model
            series.append(Series(name, look(results.models, model), points))
    return series


PANEL = Panel("overview", 30, "Quality against level", context)
