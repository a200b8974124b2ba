"""The card of a model: its scores on each data set, its training and its weights."""

import math
from dataclasses import dataclass, replace

import pandas as pd

from reports import latex, links
from reports.data import ModelCard
from reports.formatting import MISSING, interval, number, rank
from reports.measures import DROP, PSNR, Measure
from reports.pages import MODEL
from reports.panels import Panel
from reports.results import OOD_MEAN, Results
from reports.site_writer import SiteWriter
from reports.tables import publish


@dataclass(frozen=True)
class DatasetScores:
    """Scores of a model on one data set as text: PSNR at the reference noise, OOD mean and PSNR drop with rank,
    95% interval and address.

    `below`: 'x dB below the noisy input', '' if it is not below.
    """

    dataset: str
    reference: str
    reference_address: str
    ood: str
    ood_interval: str
    ood_rank: str
    ood_address: str
    drop: str
    drop_interval: str
    drop_rank: str
    drop_address: str
    below: str


def context(results: Results, writer: SiteWriter, model: str) -> dict[str, object]:
    """The card of a model, with its table as files."""
    known = facts(results, model)
    paper = latex_table(known["card"].title or model, known["standings"], len(known["group"].models), results)
    return known | {"files": publish(writer, ("card", model), pd.DataFrame(scores(results, model)), paper)}


def facts(results: Results, model: str) -> dict[str, object]:
    """The card and the scores on each data set; `seconds` is the median per image, NaN if unknown."""
    own = results.ok[results.ok["model"] == model]
    return {
        "card": card(results, model, own),
        "name": model,
        "seconds": float(own["seconds"].astype(float).median()) if own["seconds"].notna().any() else math.nan,
        "standings": [standing(results, dataset, model) for dataset in results.datasets],
        "group": results.group_of(model),
        "inside": [one.spec for one in results.noises if results.in_distribution(model, (one,))],
        "failed": int((results.failed["model"] == model).sum()),
        "total": int((results.rows["model"] == model).sum()),
    }


def card(results: Results, model: str, own: pd.DataFrame) -> ModelCard:
    """The model's card, completed from its rows."""
    found = results.model_card(model)
    if found.size or found.weights_hash or own.empty:
        return found
    first = own.iloc[0]
    known = {key: str(first[key]) for key in ("size", "weights", "weights_hash") if pd.notna(first[key])}
    known["size"] = known.get("size", "").strip("-")
    return replace(found, **known)


def standing(results: Results, dataset: str, model: str) -> DatasetScores:
    """The scores on one data set as text."""
    reference = at_reference(results, dataset, model)
    address = "" if reference is None else links.images(dataset, results.reference.spec, model)
    ood, drop = (of_measure(results, dataset, model, measure) for measure in (PSNR, DROP))
    gain = results.gain(dataset, model)
    below = f"{number(-gain, 2)} dB below the noisy input" if gain < 0 else ""
    return DatasetScores(dataset, number(reference, 2), address, *ood, *drop, below)


def at_reference(results: Results, dataset: str, model: str) -> float | None:
    """Mean PSNR at the reference noise, None if it was not evaluated."""
    line = results.line(dataset, results.reference.spec, model) if results.reference else None
    return None if line is None else line["psnr"]


def scores(results: Results, model: str) -> list[dict[str, object]]:
    """The scores with full precision, one record per data set."""
    records = []
    for dataset in results.datasets:
        group = results.group_of(model)
        record = {
            "model": model,
            "dataset": dataset,
            "group": group.name,
            "below noisy input": results.below_noisy(dataset, model),
            "reference noise": at_reference(results, dataset, model),
        }
        for name, measure in ((OOD_MEAN, PSNR), ("drop", DROP)):
            ends = results.intervals_ood(dataset, group, measure).get(model, (None,) * 3)
            ranks = results.ranks_ood(dataset, group, measure).get(model, (None,) * 2)
            names = (name, f"{name} low", f"{name} high", f"{name} first rank", f"{name} last rank")
            record |= dict(zip(names, (*ends, *ranks), strict=True))
        records.append(record)
    return records


def latex_table(title: str, standings: list[DatasetScores], models: int, results: Results) -> str:
    """The scores as LaTeX."""
    body = [
        (
            one.dataset,
            one.reference,
            one.ood,
            one.ood_interval,
            one.ood_rank or MISSING,
            one.drop,
            one.drop_interval,
            one.drop_rank or MISSING,
        )
        for one in standings
    ]
    at = results.reference_label
    header = ["data set", at, OOD_MEAN, "95% interval", "rank", "mean", "95% interval", "rank"]
    caption = f"{title}: PSNR at {at}, OOD mean of PSNR, and PSNR drop, in dB."
    caption += f" Ranks are among {models} models; a range where models are statistically tied."
    caption += "".join(f" On {one.dataset}: {one.below}." for one in standings if one.below)
    return latex.plain_table(caption, header, body, "lrrrrrrr", [("PSNR (dB)", 4), ("PSNR drop (dB)", 3)])


def of_measure(results: Results, dataset: str, model: str, measure: Measure) -> tuple[str, str, str, str]:
    """OOD mean, 95% interval and rank by one measure as text, and their address."""
    group = results.group_of(model)
    known = results.intervals_ood(dataset, group, measure)
    if model not in known:
        return number(None, 2), "", "", ""
    ranks = results.ranks_ood(dataset, group, measure)
    mean, low, high = known[model]
    rank_text = rank(*ranks[model]) if model in ranks else ""
    address = links.images(dataset, results.ood_average(group).spec, model, measure=measure.key)
    return number(mean, 2), interval(low, high, 2), rank_text, address


PANEL = Panel(MODEL, 0, "", context)
