"""The headline: the best model by OOD mean of PSNR, in sentences and in a chart of the PSNR drops."""

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from reports import links
from reports.charts.row_charts import ModelDrop, drop_chart
from reports.charts.style import TWO_COLUMNS, series_style
from reports.data import ModelGroup
from reports.downloads import PublishedChart, publish
from reports.formatting import listing, number, plural
from reports.measures import DROP, PSNR, Measure
from reports.paired import MAX_BEHIND_BEST, leaders, near_best
from reports.panels import Panel
from reports.results import NOISY, Results
from reports.site_writer import SiteWriter

MAX_NAMED = 3  # models that a sentence names; the others are counted

Parts = tuple[tuple[str, bool], ...]  # (text, whether it is a model's label)
MeanInterval = tuple[float, float, float]  # mean, low, high


@dataclass(frozen=True)
class Headline:
    """The main sentence, the sentences below it, and the note on how the numbers are computed."""

    lead: Parts
    details: Parts
    note: str


@dataclass(frozen=True)
class PooledGroup:
    """A group of models over all data sets.

    psnr, drops        images x models and the noisy input: OOD means of PSNR and PSNR drops in dB, over the images
                       with a score for every model and noise; `drops` is empty without a reference noise
    means, drop_means  their mean and 95% interval by model
    best, tied         the model with the highest mean; it and the models statistically tied with it
    near               the models whose PSNR drops are compared; see `paired.near_best`
    """

    group: ModelGroup
    psnr: pd.DataFrame
    drops: pd.DataFrame
    means: dict[str, MeanInterval]
    drop_means: dict[str, MeanInterval]
    best: str
    tied: frozenset[str]
    near: frozenset[str]

    @property
    def noisy(self) -> float:
        """The OOD mean of the noisy input, NaN if unknown."""
        return float(self.psnr[NOISY].mean()) if NOISY in self.psnr else math.nan

    @property
    def ranked(self) -> list[str]:
        """The models by OOD mean, the highest first."""
        return sorted((model for model in self.means if model != NOISY), key=lambda model: -self.means[model][0])

    @property
    def below(self) -> list[str]:
        """The models whose OOD mean is below that of the noisy input."""
        return [model for model in self.ranked if self.means[model][0] < self.noisy]


def context(results: Results, writer: SiteWriter) -> dict[str, object]:
    """The headline over all data sets, or the reason why there is none."""
    group = pooled(results, results.groups[0]) if results.groups else None
    if group is None:
        return {"headline": None, "reason": no_headline(results), "figure": None}
    headline = Headline(lead(results, group), details(results, group), note(results, group))
    return {"headline": headline, "reason": "", "figure": draw(results, writer, group)}


def sentence(results: Results) -> str:
    """The main sentence as plain text."""
    group = pooled(results, results.groups[0]) if results.groups else None
    if group is None:
        return f"No headline: {no_headline(results)}."
    return "".join(text for text, _ in lead(results, group))


def pooled(results: Results, group: ModelGroup) -> PooledGroup | None:
    """A group over all data sets; None if no image has a score under noise that is OOD for all of its models."""
    psnr, drops = (over_datasets(results, group, measure) for measure in (PSNR, DROP))
    models = [model for model in group.models if model in psnr]
    if not len(psnr) or not models:
        return None

    def of(table: pd.DataFrame) -> np.ndarray:
        return bounds(results, table)

    means = by_model(psnr, of)
    best, tied = leaders({model: means[model][0] for model in models}, psnr, True, of)
    whole = len(drops) == len(psnr)  # otherwise means and drops would be over different images
    drops = drops[[one for one in drops.columns if one in psnr]] if whole else pd.DataFrame()
    return PooledGroup(group, psnr, drops, means, by_model(drops, of), best, tied, near_best(psnr, NOISY, of))


def over_datasets(results: Results, group: ModelGroup, measure: Measure) -> pd.DataFrame:
    """Images of all data sets x models of a group and the noisy input: OOD means, images with all values only."""
    tables = []
    for dataset in results.datasets:
        table = results.ood_per_image(dataset, group, measure)
        if not table.empty:
            tables.append(table.set_index(pd.Index([(dataset, image) for image in table.index], tupleize_cols=False)))
    return pd.concat(tables).dropna() if tables else pd.DataFrame()


def bounds(results: Results, table: pd.DataFrame) -> np.ndarray:
    """Images of all data sets x columns -> (columns, 3): mean and 95% interval over photographs."""
    photographs = [f"{dataset} {results.photograph(dataset, image)}" for dataset, image in table.index]
    return results.study.intervals(table.to_numpy(float), np.array(photographs))


def by_model(table: pd.DataFrame, of) -> dict[str, MeanInterval]:
    """Mean and 95% interval by column."""
    return dict(zip(table.columns, (tuple(map(float, ends)) for ends in of(table)), strict=True)) if len(table) else {}


def no_headline(results: Results) -> str:
    """Why there is no headline."""
    if results.ok.empty:
        return "all rows of this run failed" if len(results.rows) else "this run has no rows"
    if results.ok["psnr"].isna().all():
        return "PSNR was not measured"
    if not results.ood_of_headline:
        return "no noise of this run is out of distribution for all of its models"
    return "no image has a PSNR for every model under every noise"


def names(results: Results, models: list[str]) -> Parts:
    """The first models and the number of the others: 'a', 'a and b', 'a, b, c and 2 others'."""
    shown, more = models[:MAX_NAMED], len(models) - MAX_NAMED
    parts: list[tuple[str, bool]] = []
    for index, model in enumerate(shown):
        last = index == len(shown) - 1 and more <= 0
        parts += [((" and " if last else ", ") if index else "", False), (results.label(model), True)]
    return (*parts, *([(f" and {plural(more, 'other')}", False)] if more > 0 else []))


def settings_phrase(results: Results) -> str:
    """The OOD settings of the headline: 'Averaged over 4 out-of-distribution noise settings, '."""
    chosen = results.ood_of_headline
    known = results.groups[0].known
    kind, unknown = ("out-of-distribution noise", "") if known else ("noise", " (training noise unknown)")
    several = f"Averaged over {len(chosen)} {kind} settings{unknown}, "
    return several if len(chosen) > 1 else f"Under the {kind} {chosen[0].spec}{unknown}, "


def amount(of_model: MeanInterval) -> str:
    """'26.91 dB (95% interval 26.20 to 27.60)'."""
    mean, low, high = of_model
    known = math.isfinite(low) and math.isfinite(high)
    return f"{number(mean, 2)} dB" + (f" (95% interval {number(low, 2)} to {number(high, 2)})" if known else "")


def lead(results: Results, pool: PooledGroup) -> Parts:
    """The model with the highest OOD mean, its PSNR drop, and the models it is tied with or its lead over the next."""
    ranked, mean = pool.ranked, pool.means[pool.best]
    best = (results.label(pool.best), True)
    gain = mean[0] - pool.noisy
    where = settings_phrase(results)
    if gain < 0 and len(ranked) == 1:
        below = f", {number(-gain, 2)} dB below the noisy input."
        return ((where, False), best, (f" has a mean PSNR of {amount(mean)}{below}", False))
    if gain < 0:
        below = f"all models are below the noisy input ({number(pool.noisy, 2)} dB)"
        highest = f"{where}{below}: the highest mean PSNR, {amount(mean)}, is that of "
        return ((highest, False), best, (".", False))
    drop = drop_phrase(results, pool)
    if len(ranked) == 1:
        above = f", {number(gain, 2)} dB above the noisy input" if math.isfinite(gain) else ""
        return ((where, False), best, (f" has a mean PSNR of {amount(mean)}{above}{drop}.", False))
    opening = ((where, False), best, (f" has the highest mean PSNR, {amount(mean)}{drop}. It is ", False))
    others = [model for model in ranked if model in pool.tied and model != pool.best]
    if others:
        return (*opening, ("statistically tied with ", False), *names(results, others), (".", False))
    ahead = mean[0] - pool.means[ranked[1]][0]
    return (*opening, (f"{number(ahead, 2)} dB above ", False), (results.label(ranked[1]), True), (".", False))


def drop_phrase(results: Results, pool: PooledGroup) -> str:
    """', with a PSNR drop of 3.26 dB from Gaussian 15'; '' if unknown or not trained on the reference noise."""
    if pool.group.name or pool.best not in pool.drop_means:
        return ""
    return f", with a PSNR drop of {number(pool.drop_means[pool.best][0], 2)} dB from {results.reference_label}"


def details(results: Results, pool: PooledGroup) -> Parts:
    """The smallest PSNR drop among the models near the best, the noisy input, and the models of other groups."""
    parts: list[tuple[str, bool]] = []
    near = sorted((m for m in pool.near if m in pool.drop_means), key=lambda m: pool.drop_means[m][0])
    if len(near) > 1 and not pool.group.name:
        smallest = number(pool.drop_means[near[0]][0], 2)
        parts += [
            ("Among the models near the best, ", False),
            (results.label(near[0]), True),
            (f" has the smallest PSNR drop, {smallest} dB. ", False),
        ]
    if math.isfinite(pool.noisy):
        parts.append((f"The noisy input has a mean PSNR of {number(pool.noisy, 2)} dB", False))
        if pool.below:
            parts += [("; below it: ", False), *names(results, pool.below)]
        parts.append((". ", False))
    if pool.group.name:
        parts.append((f"All of these models: {pool.group.name}. ", False))
    others = results.groups[1:]
    for index, group in enumerate(others):
        parts += [("Not ranked here: " if index == 0 else "; ", False), *names(results, list(group.models))]
        parts.append(
            (f" ({group.name or 'trained on the reference noise'})" + (". " if group is others[-1] else ""), False)
        )
    return tuple(parts)


def note(results: Results, pool: PooledGroup) -> str:
    """How the numbers of the headline are computed."""
    chosen = results.ood_of_headline
    kinds = list(dict.fromkeys(setting.name for setting in chosen))
    noises = f"{kinds[0]} noise" if len(kinds) == 1 else f"{len(kinds)} noises ({listing(kinds)})"
    sets = sorted({dataset for dataset, _ in pool.psnr.index})
    images = plural(len(pool.psnr), "image")
    definition = (
        "not in the training noise of any of these models"
        if pool.group.known
        else "every noise except the reference noise, because the training noise is unknown"
    )
    text = (
        f"Out of distribution (OOD): {definition}. Means are over "
        f"{plural(len(chosen), 'setting')} of {noises} and {images} of {plural(len(sets), 'data set')}. Models are "
        "compared image by image on the same noisy pixels; 95% intervals are over photographs. Statistically tied: "
        "the 95% interval of the paired difference includes zero."
    )
    if results.reference is not None:
        text += (
            f" PSNR drop: PSNR at {results.reference_label} minus the OOD mean. Near the best: OOD mean within "
            f"{MAX_BEHIND_BEST:g} dB of the highest or statistically tied with it, and not below the noisy input."
        )
    for spec, mean in results.study.nearly_clean.items():
        text += f" Excluded from means as nearly clean: {spec} (noisy input {number(mean, 1)} dB)."
    missing = [results.label(model) for model in pool.group.models if model not in pool.means]
    return text + (f" Without scores: {listing(missing)}." if missing else "")


def draw(results: Results, writer: SiteWriter, pool: PooledGroup) -> PublishedChart:
    """The chart of OOD means and PSNR drops for wide and narrow screens, written with its data."""
    order = [*pool.ranked, *([NOISY] if NOISY in pool.means else [])]
    unknown = (math.nan,) * 3
    measure = DROP.key if pool.drop_means else ""
    address = {m: links.images("", results.ood_average(pool.group).spec, m, measure=measure) for m in order}
    drops = [
        ModelDrop(
            results.label(model),
            series_style(results.models, model),
            pool.means[model][0] + pool.drop_means.get(model, unknown)[0],
            pool.means[model][0],
            pool.drop_means.get(model, unknown)[0],
            address[model],
            model in pool.below,
        )
        for model in order
    ]
    columns = ("ood", "ood_low", "ood_high", "drop", "drop_low", "drop_high")
    numbers = [(*pool.means[model], *pool.drop_means.get(model, unknown)) for model in order]
    frame = pd.DataFrame(numbers, columns=columns)
    frame.insert(0, "model", order)
    frame["below_noisy"] = [model in pool.below for model in order]
    kinds = list(dict.fromkeys(setting.name for setting in results.ood_of_headline))
    ood = "OOD mean over " + (listing(kinds) if len(kinds) < 4 else f"{len(kinds)} noises")
    reference = results.reference_label if pool.drop_means else ""
    chart = partial(drop_chart, drops, reference, ood)
    return publish(writer, ("drop",), partial(chart, width=TWO_COLUMNS), frame, 370, chart)


PANEL = Panel("overview", 0, "", context)
