"""Level curves and bars of a run, with 95% intervals, for papers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from bench import statistics
from bench.core.errors import BadInput
from bench.figures.choice import ChosenModels, listed_noises
from bench.figures.drawing import LINE, Look, divided
from bench.noise import noises
from bench.runs.run_data import RunData
from bench.statistics import NOISY
from bench.statistics.intervals import MIN_PHOTOGRAPHS, mean_intervals
from bench.statistics.ood import common
from bench.statistics.scores import by_dataset, with_noisy
from reports.charts.lettering import text_width
from reports.charts.style import INK, MUTED, NOISY_COLOUR, SeriesStyle, series_style
from reports.formatting import level, number
from reports.measures import Measure

NOISY_NAME = "noisy input"
ASPECT = 0.62  # height of the axes of level curves over the figure's width
MAX_NAMES = 0.42  # of the width of bars
HANDLE = 3.2  # length of the line in a legend with its distances, in units of the font's size


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
    means = statistics.summarize(rows, data.conditions.reference)
    series = {label: _points(means, label, measure) for label in (*models.names, NOISY)}
    series = {label: points for label, points in series.items() if len(points)}
    axis = noises.card(noises.noise_class(names[0]))["axis"] if names[0] in noises.names() else names[0]
    looks = {label: series_style(list(dict.fromkeys(data.rows["model"])), label) for label in series}
    shown = {**models.names, NOISY: NOISY_NAME}
    figure = _draw_levels(series, looks, shown, f"{names[0]}, {axis}", measure, look)
    return PaperChart(figure, (_intervals(pd.concat(series.values())),))


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


def _points(means: pd.DataFrame, label: str, measure: Measure) -> pd.DataFrame:
    """Level, mean and interval of a model."""
    own = means[(means["model"] == label) & means[measure.key].notna()].sort_values("level")
    columns = ["level", measure.key, f"{measure.key}_low", f"{measure.key}_high"]
    return own[columns].set_axis(["level", "mean", "low", "high"], axis=1)


def _draw_levels(
    series: Mapping[str, pd.DataFrame],
    looks: Mapping[str, SeriesStyle],
    names: Mapping[str, str],
    axis: str,
    measure: Measure,
    look: Look,
) -> Figure:
    columns, texts = _legend_layout([names[label] for label in series], look)
    lines = sum(max(text.count("\n") + 1 for text in texts[at : at + columns]) for at in range(0, len(texts), columns))
    with look.context:
        figure = Figure(
            figsize=(look.width, ASPECT * look.width + LINE * look.em * (lines + 0.8)), layout="constrained"
        )
        figure.get_layout_engine().set(w_pad=0.02, h_pad=0.05)
        axes = figure.subplots()
        for label in reversed(series):
            _line(axes, series[label], looks[label])
        every = sorted({value for points in series.values() for value in points["level"]})
        axes.set_xticks(_legible(every, look), [level(value) for value in _legible(every, look)])
        axes.set(xlabel="\n".join(divided(axis, 60 * look.width, look.font_size)), ylabel=measure.heading)
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        handles = [Line2D([], [], **_line_style(looks[label])) for label in series]
        ordered = [index for column in range(columns) for index in range(column, len(texts), columns)]  # by column
        figure.legend(
            [handles[i] for i in ordered],
            [texts[i] for i in ordered],
            loc="outside lower center",
            ncols=columns,
            handlelength=2,
            columnspacing=1.2,
            borderpad=0,
            labelspacing=0.25,
        )
    return figure


def _line(axes: Axes, points: pd.DataFrame, look: SeriesStyle) -> None:
    """The line of a series, and its band if it is a model's."""
    if look.index >= 0:
        axes.fill_between(points["level"], points["low"], points["high"], color=look.colour, alpha=0.13, linewidth=0)
    axes.plot(points["level"], points["mean"], **_line_style(look))


def _line_style(look: SeriesStyle) -> dict[str, object]:
    return {**look.line, "marker": look.marker or "", "markeredgewidth": 0}


def _legend_layout(names: Sequence[str], look: Look) -> tuple[int, list[str]]:
    """Columns of a legend, and its texts, which are divided into lines where they are wider than the figure."""
    width, handle = 72 * look.width, HANDLE * look.font_size
    texts = ["\n".join(divided(name, width - handle - look.font_size, look.font_size)) for name in names]
    widest = max(text_width(line, look.font_size) for text in texts for line in text.split("\n"))
    return max(1, min(len(names), int(width / (widest + handle + look.font_size)))), texts


def _legible(values: Sequence[float], look: Look) -> list[float]:
    """Sorted levels -> those whose labels do not overlap, from the highest down."""
    scale, kept = 0.8 * 72 * look.width / (values[-1] - values[0]), [values[-1]]
    for value in reversed(values[:-1]):
        room = (text_width(level(value), look.font_size) + text_width(level(kept[-1]), look.font_size)) / 2
        if (kept[-1] - value) * scale >= room + 0.5 * look.font_size:
            kept.append(value)
    return kept[::-1]


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
    if means.loc[list(models.names), "mean"].isna().all():
        raise BadInput(f"expected values of {measure.key} under {', '.join(chosen)}, got none")
    what = f"under {chosen[0]}" if len(chosen) == 1 else f"mean of {len(chosen)} noises"
    what = f"OOD {what}" if noise is None and len(chosen) > 1 else what
    order = list(dict.fromkeys(data.rows["model"]))
    colours = [series_style(order, label).colour for label in models.names]
    figure = _draw_bars(means, models.names, colours, f"{measure.heading}, {what}", measure, look)
    counts = means.loc[list(models.names), "images"]
    fewer = [
        f"{models.names[label]}: mean of {count} images, others have {counts.max()}"
        for label, count in counts.items()
        if count < counts.max()
    ]
    return PaperChart(figure, (f"noises: {', '.join(chosen)}", *fewer, _intervals(means)))


def noise_means(rows: pd.DataFrame, models: Sequence[str], chosen: Sequence[str], metric: str) -> pd.DataFrame:
    """Mean, low and high of a metric of each model, over noises and then over the images that have all of them.

    `images`: the number of these.
    """
    (scores,) = by_dataset(with_noisy(rows))
    images = pd.DataFrame({name: scores.of(metric, name, chosen).mean(axis=1, skipna=False) for name in models})
    bounds = mean_intervals(images.to_numpy(float), scores.photographs.to_numpy())
    means = pd.DataFrame(bounds, index=list(models), columns=["mean", "low", "high"])
    return means.assign(images=images.notna().sum())


def _draw_bars(
    means: pd.DataFrame, names: Mapping[str, str], colours: Sequence[str], heading: str, measure: Measure, look: Look
) -> Figure:
    size, own = look.font_size, means.loc[list(names)]
    texts = [divided(name, MAX_NAMES * 72 * look.width, size) for name in names.values()]
    heights = np.array([max(1.9, LINE * len(text) + 0.5) for text in texts])  # in units of the font's size
    middles = heights.cumsum() - heights / 2
    values = [number(value, measure.digits) for value in own["mean"]]
    best = number((own["mean"].max if measure.higher_is_better else own["mean"].min)(), measure.digits)
    start, noisy = _start(means), means.at[NOISY, "mean"]
    if isfinite(noisy):
        heading = f"{heading}\nbars start at the noisy input, {number(noisy, measure.digits)}"
    heading = [line for part in heading.split("\n") for line in divided(part, 70 * look.width, size)]
    total = (heights.sum() + LINE * (len(heading) + 1) + 1.2) * look.em
    with look.context:
        figure = Figure(figsize=(look.width, total))
        left = (max(text_width(line, size) for text in texts for line in text) / 72 + 0.6 * look.em) / look.width
        right = (max(text_width(value, size, True) for value in values) / 72 + 0.6 * look.em) / look.width
        bottom = (LINE * (len(heading) + 1) + 0.9) * look.em / total
        axes = figure.add_axes((left, bottom, 1 - left - right, heights.sum() * look.em / total))
        axes.barh(middles, own["mean"] - start, left=start, height=1.15, color=colours)
        for middle, (_, row) in zip(middles, own.iterrows(), strict=True):
            axes.plot([row["low"], row["high"]], [middle, middle], color=INK, linewidth=0.9, solid_capstyle="butt")
        axes.axvline(start, color=NOISY_COLOUR if isfinite(noisy) else MUTED, linewidth=0.9)
        axes.set(ylim=(heights.sum(), 0), yticks=[])
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        for middle, text, value in zip(middles, texts, values, strict=True):
            y = bottom + (heights.sum() - middle) * look.em / total
            figure.text(
                left - 0.5 * look.em / look.width,
                y,
                "\n".join(text),
                ha="right",
                va="center",
                fontsize=size,
                linespacing=1.1,
            )
            figure.text(
                1 - 0.1 * look.em / look.width,
                y,
                value,
                ha="right",
                va="center_baseline",
                fontsize=size,
                fontweight="bold" if value == best and len(values) > 1 else "normal",
            )
        figure.text(
            0.5, 0.3 * look.em / total, "\n".join(heading), ha="center", va="bottom", fontsize=size, linespacing=1.1
        )
    return figure


def _start(means: pd.DataFrame) -> float:
    """Where bars start: at the mean of the noisy input, or at 0 without one."""
    noisy = means.at[NOISY, "mean"]
    return float(noisy) if isfinite(noisy) else 0.0
