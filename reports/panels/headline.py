"""The headline: the best model by OOD mean of PSNR, in sentences and in a chart of the PSNR drops."""

import math
from dataclasses import dataclass
from functools import partial

import pandas as pd

from reports import links
from reports.charts.row_charts import ModelDrop, drop_chart
from reports.charts.style import TWO_COLUMNS, series_style
from reports.data import ModelGroup
from reports.downloads import PublishedChart, publish
from reports.formatting import listing, number, plural
from reports.measures import DROP
from reports.panels import Panel
from reports.results import NOISY, Results
from reports.site_writer import SiteWriter

MAX_NAMED = 3  # models that a sentence names; the others are counted

Parts = tuple[tuple[str, bool], ...]  # (text, whether it is a model's label)


@dataclass(frozen=True)
class Headline:
    """The main sentence, the sentences below it, and the note on how the numbers are computed."""

    lead: Parts
    details: Parts
    note: str


@dataclass(frozen=True, eq=False)
class Overall:
    """The models of the first group, and the noisy input if it has values, over all data sets: see `Numbers.overall`.

    lines  its rows by model, with the highest OOD mean first and the noisy input last
    """

    group: ModelGroup
    lines: dict[str, dict]

    @property
    def ranked(self) -> list[str]:
        """The models by OOD mean, the highest first."""
        return [model for model in self.lines if model != NOISY]

    @property
    def noisy(self) -> float:
        """The OOD mean of the noisy input, NaN if unknown."""
        return self.lines[NOISY]["ood"] if NOISY in self.lines else math.nan

    @property
    def below(self) -> list[str]:
        """The models whose OOD mean is below that of the noisy input."""
        return [model for model in self.ranked if self.lines[model]["ood"] < self.noisy]


def context(results: Results, writer: SiteWriter) -> dict[str, object]:
    """The headline over all data sets, or the reason why there is none."""
    overall = overall_of(results)
    if overall is None:
        return {"headline": None, "reason": no_headline(results), "figure": None}
    headline = Headline(lead(results, overall), details(results, overall), note(results, overall))
    return {"headline": headline, "reason": "", "figure": draw(results, writer, overall)}


def sentence(results: Results) -> str:
    """The main sentence as plain text."""
    overall = overall_of(results)
    if overall is None:
        return f"No headline: {no_headline(results)}."
    return "".join(text for text, _ in lead(results, overall))


def overall_of(results: Results) -> Overall | None:
    """The numbers of the headline; None if no image has a score under noise that is OOD for all of its models."""
    frame = results.numbers.overall
    if frame.empty:
        return None
    lines = {
        line["model"]: line for line in frame.sort_values("ood", ascending=False, kind="stable").to_dict("records")
    }
    noisy = {NOISY: lines.pop(NOISY)} if NOISY in lines else {}
    return Overall(results.groups[0], lines | noisy)


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


def amount(line: dict) -> str:
    """'26.91 dB (95% interval 26.20 to 27.60)'."""
    mean, low, high = line["ood"], line["ood_low"], line["ood_high"]
    known = math.isfinite(low) and math.isfinite(high)
    return f"{number(mean, 2)} dB" + (f" (95% interval {number(low, 2)} to {number(high, 2)})" if known else "")


def lead(results: Results, overall: Overall) -> Parts:
    """The model with the highest OOD mean, its PSNR drop, and the models it is tied with or its lead over the next."""
    first, *others = overall.ranked
    line, best = overall.lines[first], (results.label(first), True)
    gain = line["ood"] - overall.noisy
    where = settings_phrase(results)
    if gain < 0 and not others:
        below = f", {number(-gain, 2)} dB below the noisy input."
        return ((where, False), best, (f" has a mean PSNR of {amount(line)}{below}", False))
    if gain < 0:
        below = f"all models are below the noisy input ({number(overall.noisy, 2)} dB)"
        highest = f"{where}{below}: the highest mean PSNR, {amount(line)}, is that of "
        return ((highest, False), best, (".", False))
    drop = drop_phrase(results, overall)
    if not others:
        above = f", {number(gain, 2)} dB above the noisy input" if math.isfinite(gain) else ""
        return ((where, False), best, (f" has a mean PSNR of {amount(line)}{above}{drop}.", False))
    opening = ((where, False), best, (f" has the highest mean PSNR, {amount(line)}{drop}. It is ", False))
    if tied := [model for model in others if overall.lines[model]["tied"]]:
        return (*opening, ("statistically tied with ", False), *names(results, tied), (".", False))
    ahead = line["ood"] - overall.lines[others[0]]["ood"]
    return (*opening, (f"{number(ahead, 2)} dB above ", False), (results.label(others[0]), True), (".", False))


def drop_phrase(results: Results, overall: Overall) -> str:
    """', with a PSNR drop of 3.26 dB from Gaussian 15'; '' if unknown or not trained on the reference noise."""
    drop = overall.lines[overall.ranked[0]]["drop"]
    if overall.group.name or not math.isfinite(drop):
        return ""
    return f", with a PSNR drop of {number(drop, 2)} dB from {results.reference_label}"


def details(results: Results, overall: Overall) -> Parts:
    """The smallest PSNR drop among the models near the best, the noisy input, and the models of other groups."""
    parts: list[tuple[str, bool]] = []
    drops = {model: line["drop"] for model, line in overall.lines.items() if line["near"]}
    near = sorted((model for model, drop in drops.items() if math.isfinite(drop)), key=drops.__getitem__)
    if len(near) > 1 and not overall.group.name:
        smallest = number(drops[near[0]], 2)
        parts += [
            ("Among the models near the best, ", False),
            (results.label(near[0]), True),
            (f" has the smallest PSNR drop, {smallest} dB. ", False),
        ]
    if math.isfinite(overall.noisy):
        parts.append((f"The noisy input has a mean PSNR of {number(overall.noisy, 2)} dB", False))
        if overall.below:
            parts += [("; below it: ", False), *names(results, overall.below)]
        parts.append((". ", False))
    if overall.group.name:
        parts.append((f"All of these models: {overall.group.name}. ", False))
    others = results.groups[1:]
    for index, group in enumerate(others):
        parts += [("Not ranked here: " if index == 0 else "; ", False), *names(results, list(group.models))]
        parts.append(
            (f" ({group.name or 'trained on the reference noise'})" + (". " if group is others[-1] else ""), False)
        )
    return tuple(parts)


def note(results: Results, overall: Overall) -> str:
    """How the numbers of the headline are computed."""
    chosen = results.ood_of_headline
    kinds = list(dict.fromkeys(setting.name for setting in chosen))
    noises = f"{kinds[0]} noise" if len(kinds) == 1 else f"{len(kinds)} noises ({listing(kinds)})"
    first = next(iter(overall.lines.values()))
    images, sets = plural(first["images"], "image"), plural(first["datasets"], "data set")
    definition = (
        "not in the training noise of any of these models"
        if overall.group.known
        else "every noise except the reference noise, because the training noise is unknown"
    )
    text = (
        f"Out of distribution (OOD): {definition}. Means are over "
        f"{plural(len(chosen), 'setting')} of {noises} and {images} of {sets}. Models are "
        "compared image by image on the same noisy pixels; 95% intervals are over photographs. Statistically tied: "
        "the 95% interval of the paired difference includes zero."
    )
    if results.reference is not None:
        text += (
            f" PSNR drop: PSNR at {results.reference_label} minus the OOD mean. Near the best: OOD mean within "
            f"{results.numbers.max_behind_best:g} dB of the highest or statistically tied with it, and not below the "
            "noisy input."
        )
    for spec, mean in results.numbers.nearly_clean.items():
        text += f" Excluded from means as nearly clean: {spec} (noisy input {number(mean, 1)} dB)."
    missing = [results.label(model) for model in overall.group.models if model not in overall.lines]
    return text + (f" Without scores: {listing(missing)}." if missing else "")


def draw(results: Results, writer: SiteWriter, overall: Overall) -> PublishedChart:
    """The chart of OOD means and PSNR drops for wide and narrow screens, written with its data."""
    known = any(math.isfinite(line["drop"]) for line in overall.lines.values())
    noise, measure = results.ood_address(overall.group), DROP.key if known else ""
    drops = [
        ModelDrop(
            results.label(model),
            series_style(results.models, model),
            line["ood"] + line["drop"],
            line["ood"],
            line["drop"],
            links.images("", noise, model, measure=measure),
            model in overall.below,
        )
        for model, line in overall.lines.items()
    ]
    columns = ["model", "ood", "ood_low", "ood_high", "drop", "drop_low", "drop_high"]
    frame = pd.DataFrame(overall.lines.values())[columns].assign(
        below_noisy=[model in overall.below for model in overall.lines]
    )
    kinds = list(dict.fromkeys(setting.name for setting in results.ood_of_headline))
    ood = "OOD mean over " + (listing(kinds) if len(kinds) < 4 else f"{len(kinds)} noises")
    reference = results.reference_label if known else ""
    chart = partial(drop_chart, drops, reference, ood)
    return publish(writer, ("drop",), partial(chart, width=TWO_COLUMNS), frame, 370, chart)


PANEL = Panel("overview", 0, "", context)
