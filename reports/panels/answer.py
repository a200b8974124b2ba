"""The question and its answer in one sentence, with the means and the PSNR drops drawn."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reports import links
from reports.charts.drop import Drop, drop_chart
from reports.charts.style import look
from reports.drawn import Drawn, publish
from reports.folder import SiteFolder
from reports.formatting import listing, number, plural
from reports.measures import GAP, PSNR, Measure
from reports.paired import leaders, near_best
from reports.panels import Panel
from reports.results import NOISY, Results
from reports.study import Group

NAMED = 3  # models that a sentence names; the others are counted

Parts = tuple[tuple[str, bool], ...]
Ends = tuple[float, float, float]


@dataclass(frozen=True)
class Answer:
    """Sentences of (text, whether it is a name), and what they rest on."""

    lead: Parts
    then: Parts
    basis: str


@dataclass(frozen=True)
class Pooled:
    """A group over all data sets: images x its models and the noisy input, OOD means of PSNR (dB) and of the PSNR drop,
    of the images that have a score for every model and noise, with mean and 95% interval by model.

    `drops` is empty where there is no reference noise; `best` has the highest mean, `tied` those tied with it too.
    """

    group: Group
    psnr: pd.DataFrame
    drops: pd.DataFrame
    means: dict[str, Ends]
    drop_means: dict[str, Ends]
    best: str
    tied: frozenset[str]
    near: frozenset[str]

    @property
    def noisy(self) -> float:
        """The mean of the noisy input, NaN where it is not known."""
        return float(self.psnr[NOISY].mean()) if NOISY in self.psnr else math.nan

    @property
    def ranked(self) -> list[str]:
        """The models, the highest mean first."""
        return sorted((model for model in self.means if model != NOISY), key=lambda model: -self.means[model][0])

    @property
    def below(self) -> list[str]:
        """The models whose mean is below that of the noisy input."""
        return [model for model in self.ranked if self.means[model][0] < self.noisy]


def context(results: Results, folder: SiteFolder) -> dict[str, object]:
    """The sentence from the data, over all data sets together; says so where there is none."""
    found = pooled(results, results.groups[0]) if results.groups else None
    if found is None:
        return {"answer": None, "reason": no_answer(results), "figure": None}
    answer = Answer(lead(results, found), then(results, found), basis(results, found))
    return {"answer": answer, "reason": "", "figure": draw(results, folder, found)}


def sentence(results: Results) -> str:
    """The first sentence of the answer as plain text."""
    found = pooled(results, results.groups[0]) if results.groups else None
    return f"No answer: {no_answer(results)}." if found is None else "".join(text for text, _ in lead(results, found))


def pooled(results: Results, group: Group) -> Pooled | None:
    """A group over all data sets; None where none of its models has a score under noise that is OOD for all."""
    psnr, drops = (over_datasets(results, group, measure) for measure in (PSNR, GAP))
    models = [model for model in group.models if model in psnr]
    if not len(psnr) or not models:
        return None

    def of(table: pd.DataFrame) -> np.ndarray:
        return bounds(results, table)

    means = by_model(psnr, of)
    best, tied = leaders({model: means[model][0] for model in models}, psnr, True, of)
    whole = len(drops) == len(psnr)  # else means and drops would be of other images
    drops = drops[[one for one in drops.columns if one in psnr]] if whole else pd.DataFrame()
    return Pooled(group, psnr, drops, means, by_model(drops, of), best, tied, near_best(psnr, NOISY, of))


def over_datasets(results: Results, group: Group, measure: Measure) -> pd.DataFrame:
    """Images of all data sets x the models of a group and the noisy input: OOD means, complete images only."""
    tables = []
    for dataset in results.datasets:
        table = results.ood_per_image(dataset, group, measure)
        if not table.empty:
            tables.append(table.set_index(pd.Index([(dataset, image) for image in table.index], tupleize_cols=False)))
    return pd.concat(tables).dropna() if tables else pd.DataFrame()


def bounds(results: Results, table: pd.DataFrame) -> np.ndarray:
    """Images of all data sets x columns -> (columns, 3): mean and the ends of its 95% interval over photographs."""
    photographs = [f"{dataset} {results.photograph(dataset, image)}" for dataset, image in table.index]
    return results.study.intervals(table.to_numpy(float), np.array(photographs))


def by_model(table: pd.DataFrame, of) -> dict[str, Ends]:
    """Mean and ends of the interval by column."""
    return dict(zip(table.columns, (tuple(map(float, ends)) for ends in of(table)), strict=True)) if len(table) else {}


def no_answer(results: Results) -> str:
    """Why there is no sentence."""
    if results.ok.empty:
        return "no row of this run succeeded" if len(results.rows) else "this run has no rows"
    if results.ok["psnr"].isna().all():
        return "PSNR was not measured"
    if not results.ood_of_headline:
        return "this run has no noise that is out of distribution for its models"
    return "no image has a score for every model under every noise"


def names(models: list[str]) -> Parts:
    """The first few models, and how many others: 'a', 'a and b', 'a, b, c and 2 others'."""
    shown, more = models[:NAMED], len(models) - NAMED
    parts: list[tuple[str, bool]] = []
    for place, model in enumerate(shown):
        last = place == len(shown) - 1 and more <= 0
        parts += [((" and " if last else ", ") if place else "", False), (model, True)]
    return (*parts, *([(f" and {plural(more, 'other')}", False)] if more > 0 else []))


def settings_words(results: Results) -> str:
    """Over how many noise settings is averaged, or under which one; of the group of the headline."""
    chosen = results.ood_of_headline
    known = results.groups[0].known
    kind, unknown = ("out-of-distribution noise", "") if known else ("noise", " (training noise unknown)")
    several = f"Averaged over {len(chosen)} {kind} settings{unknown}, "
    return several if len(chosen) > 1 else f"Under the {kind} {chosen[0].spec}{unknown}, "


def amount(ends: Ends) -> str:
    """'26.91 dB (95% interval 26.20 to 27.60)'."""
    mean, low, high = ends
    known = math.isfinite(low) and math.isfinite(high)
    return f"{number(mean, 2)} dB" + (f" (95% interval {number(low, 2)} to {number(high, 2)})" if known else "")


def lead(results: Results, found: Pooled) -> Parts:
    """Who has the highest mean, with which models it is tied, and its PSNR drop."""
    best, ranked, mean = found.best, found.ranked, found.means[found.best]
    gain = mean[0] - found.noisy
    where = settings_words(results)
    if gain < 0 and len(ranked) == 1:
        below = f", {number(-gain, 2)} dB below the noisy input."
        return ((where, False), (best, True), (f" has a mean PSNR of {amount(mean)}{below}", False))
    if gain < 0:
        nobody = f"no model improves on the noisy input ({number(found.noisy, 2)} dB)"
        highest = f"{where}{nobody}: the highest mean PSNR, {amount(mean)}, is that of "
        return ((highest, False), (best, True), (".", False))
    drop = drop_words(results, found)
    if len(ranked) == 1:
        over = f", {number(gain, 2)} dB above the noisy input" if math.isfinite(gain) else ""
        return ((where, False), (best, True), (f" has a mean PSNR of {amount(mean)}{over}{drop}.", False))
    opening = ((where, False), (best, True), (f" has the highest mean PSNR, {amount(mean)}, ", False))
    others = [model for model in ranked if model in found.tied and model != best]
    if others:
        return (*opening, ("statistically tied with ", False), *names(others), (f"{drop}.", False))
    ahead = mean[0] - found.means[ranked[1]][0]
    return (*opening, (f"{number(ahead, 2)} dB above ", False), (ranked[1], True), (f"{drop}.", False))


def drop_words(results: Results, found: Pooled) -> str:
    """'; its PSNR drop from Gaussian 15 is 3.26 dB'; '' where none is known, or the model was not trained on that."""
    if found.group.name or found.best not in found.drop_means:
        return ""
    return f"; its PSNR drop from {results.reference_words} is {number(found.drop_means[found.best][0], 2)} dB"


def then(results: Results, found: Pooled) -> Parts:
    """The smallest PSNR drop among the models near the best, the noisy input, and who is not ranked here."""
    parts: list[tuple[str, bool]] = []
    near = sorted((m for m in found.near if m in found.drop_means), key=lambda m: found.drop_means[m][0])
    if len(near) > 1 and not found.group.name:
        parts += [("Among the models near the best, the smallest PSNR drop is ", False),
                  (f"{number(found.drop_means[near[0]][0], 2)} dB, by ", False),
                  (near[0], True), (". ", False)]  # fmt: skip
    if math.isfinite(found.noisy):
        parts.append((f"The noisy input has {number(found.noisy, 2)} dB", False))
        if found.below:
            parts += [("; below it ", False), ("lies " if len(found.below) == 1 else "lie ", False)]
            parts += names(found.below)
        parts.append((". ", False))
    if found.group.name:
        parts.append((f"These models: {found.group.name}. ", False))
    apart = results.groups[1:]
    for place, group in enumerate(apart):
        parts += [("Not ranked with these: " if place == 0 else "; ", False), *names(list(group.models))]
        parts.append((f" ({group.name})" + (". " if group is apart[-1] else ""), False))
    return tuple(parts)


def basis(results: Results, found: Pooled) -> str:
    """What was averaged."""
    chosen = results.ood_of_headline
    kinds = list(dict.fromkeys(setting.name for setting in chosen))
    noises = f"{kinds[0]} noise" if len(kinds) == 1 else f"{len(kinds)} noises ({listing(kinds)})"
    sets = sorted({dataset for dataset, _ in found.psnr.index})
    images = plural(len(found.psnr), "image")
    outside = "outside the training noise of every model compared" if found.group.known else \
        "all but the reference noise, as the training noise is unknown"  # fmt: skip
    text = (
        f"Out of distribution (OOD): {outside}. Mean over "
        f"{plural(len(chosen), 'setting')} of {noises} and {images} of {plural(len(sets), 'data set')}. Models are "
        "compared image by image on the same noisy pixels, with 95% intervals over photographs."
    )
    if results.reference is not None:
        text += (
            f" PSNR drop: PSNR at {results.reference_words} minus the OOD mean; near the best: within 1 dB of its mean "
            "or tied with it, and above the noisy input."
        )
    for spec, mean in results.study.nearly_clean.items():
        text += f" In no mean: {spec}, which leaves pictures nearly as they are ({number(mean, 1)} dB)."
    missing = [model for model in found.group.models if model not in found.means]
    return text + (f" Without scores: {listing(missing)}." if missing else "")


def draw(results: Results, folder: SiteFolder, found: Pooled) -> Drawn:
    """The chart of means and drops for wide and narrow screens, published with its data."""
    order = [*found.ranked, *([NOISY] if NOISY in found.means else [])]
    unknown = (math.nan,) * 3
    drops = [
        Drop(
            "noisy input" if model == NOISY else model,
            look(results.models, model),
            found.means[model][0] + found.drop_means.get(model, unknown)[0],
            found.means[model][0],
            found.drop_means.get(model, unknown)[0],
            links.images("", results.ood_average(found.group).spec, model, measure=GAP.key if found.drop_means else ""),
            model in found.below,
        )
        for model in order
    ]
    columns = ("ood", "ood_low", "ood_high", "drop", "drop_low", "drop_high")
    numbers = [(*found.means[model], *found.drop_means.get(model, unknown)) for model in order]
    frame = pd.DataFrame(numbers, columns=columns)
    frame.insert(0, "model", order)
    frame["below_noisy"] = [model in found.below for model in order]
    kinds = list(dict.fromkeys(setting.name for setting in results.ood_of_headline))
    words = "mean over " + (listing(kinds) if len(kinds) < 4 else f"{len(kinds)} OOD noises")
    reference = results.reference_words if found.drop_means else ""
    wide, narrow = (drop_chart(drops, reference, words, width) for width in (760, 358))
    return publish(folder, ("drop",), wide, frame, narrow)


PANEL = Panel("overview", 0, "", context)
