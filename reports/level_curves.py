"""Charts of a metric against the level of a noise, with 95% intervals, for the panel `noises`."""

from functools import partial

from reports import links
from reports.charts.level_curve import level_curve
from reports.charts.lines import Point, Series
from reports.charts.row_charts import dots
from reports.charts.style import series_style
from reports.downloads import Draw, PublishedChart, publish
from reports.measures import Measure
from reports.results import NOISY, NoiseSetting, Results
from reports.site_writer import SiteWriter


def draw(results: Results, writer: SiteWriter, dataset: str, name: str, measure: Measure) -> list[PublishedChart]:
    """One noise -> a curve over its levels, or one dot plot per setting where it has no levels."""
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
        charts = [((name,), settings, partial(level_curve, title, card.axis, measure, series))]
    else:
        charts = [((name, one.label), [one], dots_of(results, dataset, one, measure)) for one in settings]
    return [
        publish(writer, (measure.key, dataset, *parts), chart, data(part, shown, measure))
        for parts, shown, chart in charts
    ]


def dots_of(results: Results, dataset: str, setting: NoiseSetting, measure: Measure) -> Draw:
    """The dot plot of one setting."""
    card = results.noise_card(setting.name)
    title = (
        f"{card.title or setting.name}, {setting.label}"
        if setting.label != setting.name
        else card.title or setting.name
    )
    return partial(dots, title, measure, lines(results, dataset, [setting], measure))


def data(part, settings: list[NoiseSetting], measure: Measure):
    """The numbers behind a chart."""
    key = measure.key
    shown = part[part["noise"].isin([setting.spec for setting in settings])]
    return shown[["model", "noise", "level", key, f"{key}_low", f"{key}_high", "images"]]


def lines(results: Results, dataset: str, settings: list[NoiseSetting], measure: Measure) -> list[Series]:
    """The models with a value at one of these settings, and the noisy input, as series."""
    key = measure.key
    series = []
    for model in (*results.models, NOISY):
        known = [(setting, results.line(dataset, setting.spec, model)) for setting in settings]
        points = tuple(
            Point(
                setting.level,
                *(float(one[end]) for end in (key, f"{key}_low", f"{key}_high")),
                links.images(dataset, setting.spec, model),
            )
            for setting, one in known
            if one is not None and one[key] == one[key]
        )
        if points:
            series.append(Series(results.label(model), series_style(results.models, model), points))
    return series
