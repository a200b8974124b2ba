"""Level curves and bars of a run, with 95% intervals, for papers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from bench import statistics
from bench.core.errors import BadInput
from bench.figures.choice import ChosenModels, listed_noises
from bench.figures.drawing import Look
from bench.noise import noises
from bench.runs.run_data import RunData
from bench.statistics import NOISY
from bench.statistics.intervals import MIN_PHOTOGRAPHS, mean_intervals
from bench.statistics.ood import common
from bench.statistics.scores import by_dataset, with_noisy
from reports.charts.chart import Chart
from reports.charts.level_curve import level_curve
from reports.charts.lines import Point, Series
from reports.charts.row_charts import dots
from reports.charts.style import series_style
from reports.measures import Measure

NOISY_NAME = "noisy input"
MAX_LINES = 40  # of a name, which is never cut


@dataclass(frozen=True)
class PaperChart:
    """A figure, and sentences on what it shows."""

    figure: Figure
    notes: tuple[str, ...] = ()


def levels(
    data: RunData, models: ChosenModels, dataset: str, noise: str | None, measure: Measure, look: Look
) -> PaperChart:
    """A metric against the level of one noise: a line with a 95% band per model. Raises BadInput."""
    rows = data.rows[data.rows["dataset"] == dataset]
    chosen = listed_noises(noise if noise is not None else _with_levels(rows), rows)
    rows = rows[rows["noise"].isin(chosen)]
    names = list(dict.fromkeys(rows["noise_name"]))
    if len(names) != 1 or rows["level"].nunique() < 2:
        raise BadInput(f"--noise: expected one noise with several levels, got {', '.join(chosen)}")
    means = statistics.summarize(rows, data.conditions.reference).sort_values("level", kind="stable")
    named = {f"{measure.key}{end}": name for end, name in (("", "value"), ("_low", "low"), ("_high", "high"))}
    means = means[means[measure.key].notna()].rename(columns=named)
    series = _series(data, {**models.names, NOISY: NOISY_NAME}, dict(iter(means.groupby("model"))))
    axis = noises.card(noises.noise_class(names[0]))["axis"] if names[0] in noises.names() else names[0]
    size = {"width": look.width, "font": look.font_size, "name_lines": MAX_LINES}
    chart = level_curve("", f"{names[0]}, {axis}", measure, series, **size)
    return PaperChart(_on_paper(chart), (_intervals(means[means["model"].isin([*models.names, NOISY])]),))


def _series(data: RunData, names: Mapping[str, str], means: Mapping[str, pd.DataFrame]) -> list[Series]:
    """Names of models, and the means of some of them -> series in the order of the names."""
    order = list(dict.fromkeys(data.rows["model"]))
    return [
        Series(name, series_style(order, label), _points(means[label]))
        for label, name in names.items()
        if label in means
    ]


def _on_paper(chart: Chart) -> Figure:
    """The figure of a chart, not transparent as on pages."""
    chart.figure.patch.set_visible(True)
    return chart.figure


def _intervals(means: pd.DataFrame) -> str:
    """A sentence on the intervals of means."""
    if means["low"].notna().any():
        return "intervals: 95% over photographs"
    return f"intervals: none, which need at least {MIN_PHOTOGRAPHS} photographs"


def _with_levels(rows: pd.DataFrame) -> str:
    """The first noise that the rows have at several levels."""
    counts = rows.groupby("noise_name", sort=False)["level"].nunique()
    several = [str(name) for name in counts.index if counts[name] > 1]
    if not several:
        raise BadInput("expected a noise at several levels in the run, got none: run one, --noise mixture")
    return several[0]


def _points(means: pd.DataFrame) -> tuple[Point, ...]:
    """Rows of level, value, low and high -> points."""
    return tuple(Point(*one) for one in means[["level", "value", "low", "high"]].itertuples(index=False))


def bars(
    data: RunData, models: ChosenModels, dataset: str, noise: str | None, measure: Measure, look: Look
) -> PaperChart:
    """The mean of a metric per model, under the chosen noises or over OOD noises: bars from the noisy input's mean."""
    rows = data.rows[(data.rows["dataset"] == dataset) & data.rows["model"].isin(list(models.names))]
    if noise is not None:
        chosen = listed_noises(noise, rows)
    elif not (chosen := common(rows, data.conditions, list(models.names))):
        raise BadInput("expected noises that are OOD for all of these models, got none: choose one with --noise")
    means = noise_means(rows, [*models.names, NOISY], chosen, measure.key)
    if means.loc[list(models.names), "value"].isna().all():
        raise BadInput(f"expected values of {measure.key} under {', '.join(chosen)}, got none")
    what = f"under {chosen[0]}" if len(chosen) == 1 else f"mean of {len(chosen)} noises"
    what = f"OOD {what}" if noise is None and len(chosen) > 1 else what
    known = means[means["value"].notna() | (means.index != NOISY)].assign(level=0.0)
    series = _series(data, {**models.names, NOISY: NOISY_NAME}, dict(iter(known.groupby(level=0))))
    heading = f"{measure.heading}, {what}" + ("; bars start at the noisy input" if NOISY in known.index else "")
    size = {"width": look.width, "font": look.font_size, "name_lines": MAX_LINES}
    chart = dots("", measure, series, heading=heading, bars=True, **size)
    counts = means.loc[list(models.names), "images"]
    fewer = [
        f"{models.names[label]}: mean of {count} images, others have {counts.max()}"
        for label, count in counts.items()
        if count < counts.max()
    ]
    return PaperChart(_on_paper(chart), (f"noises: {', '.join(chosen)}", *fewer, _intervals(means)))


def noise_means(rows: pd.DataFrame, models: Sequence[str], chosen: Sequence[str], metric: str) -> pd.DataFrame:
    """Value, low and high of a metric of each model, its mean over noises and over the images that have all of them.

    `images`: the number of these.
    """
    (scores,) = by_dataset(with_noisy(rows))
    images = scores.mean_over(metric, chosen).reindex(columns=list(models))
    bounds = mean_intervals(images.to_numpy(float), scores.photographs.to_numpy())
    means = pd.DataFrame(bounds, images.columns, ["value", "low", "high"])
    return means.assign(images=images.notna().sum())
