"""What a model is, and how it does in one sentence."""

import math
from dataclasses import dataclass, replace

import pandas as pd

from reports import latex, links
from reports.folder import SiteFolder
from reports.formatting import MISSING, interval, number, rank
from reports.measures import GAP, PSNR, Measure
from reports.pages import MODEL
from reports.panels import Panel
from reports.results import OOD_MEAN, Results
from reports.study import ModelCard
from reports.tables import publish


@dataclass(frozen=True)
class Standing:
    """A model on one data set as text: PSNR at the reference noise, OOD mean, PSNR drop, ranks of both, addresses.

    `below`: 'x dB below the noisy input', '' where it is not.
    """

    dataset: str
    reference: str
    reference_address: str
    away: str
    away_interval: str
    away_rank: str
    away_address: str
    drop: str
    drop_interval: str
    drop_rank: str
    drop_address: str
    below: str


def context(results: Results, folder: SiteFolder, model: str) -> dict[str, object]:
    """What its page says of it, and its table as files."""
    found = facts(results, model)
    paper = latex_table(found["card"].title or model, found["standings"], len(found["group"].models), results)
    return found | {"files": publish(folder, ("card", model), pd.DataFrame(scores(results, model)), paper)}


def facts(results: Results, model: str) -> dict[str, object]:
    """The card and a standing for each data set; `seconds` is NaN where no time is known."""
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
    """The model's card; where it has none, what the rows say."""
    found = results.model_card(model)
    if found.size or own.empty:
        return found
    first = own.iloc[0]
    known = {key: str(first[key]) for key in ("size", "weights", "weights_hash") if pd.notna(first[key])}
    return replace(found, **known)


def standing(results: Results, dataset: str, model: str) -> Standing:
    """One data set."""
    reference = at_reference(results, dataset, model)
    address = "" if reference is None else links.images(dataset, results.reference.spec, model)
    away, drop = (of_measure(results, dataset, model, measure) for measure in (PSNR, GAP))
    gain = results.gain(dataset, model)
    below = f"{number(-gain, 2)} dB below the noisy input" if gain < 0 else ""
    return Standing(dataset, number(reference, 2), address, *away, *drop, below)


def at_reference(results: Results, dataset: str, model: str) -> float | None:
    """PSNR at the reference noise, None where that was not run."""
    line = results.line(dataset, results.reference.spec, model) if results.reference else None
    return None if line is None else line["psnr"]


def scores(results: Results, model: str) -> list[dict[str, object]]:
    """What its standings are made of, with full precision: a record for each data set."""
    records = []
    for dataset in results.datasets:
        group = results.group_of(model)
        record = {"model": model, "dataset": dataset, "group": group.name,
                  "below noisy input": results.below_noisy(dataset, model),
                  "reference noise": at_reference(results, dataset, model)}  # fmt: skip
        for name, measure in ((OOD_MEAN, PSNR), ("drop", GAP)):
            ends = results.intervals_ood(dataset, group, measure).get(model, (None,) * 3)
            ranks = results.ranks_ood(dataset, group, measure).get(model, (None,) * 2)
            names = (name, f"{name} low", f"{name} high", f"{name} first rank", f"{name} last rank")
            record |= dict(zip(names, (*ends, *ranks), strict=True))
        records.append(record)
    return records


def latex_table(title: str, standings: list[Standing], models: int, results: Results) -> str:
    """The standings as they would stand in a paper."""
    body = [
        (one.dataset, one.reference, one.away, one.away_interval, one.away_rank or MISSING,
         one.drop, one.drop_interval, one.drop_rank or MISSING)
        for one in standings
    ]  # fmt: skip
    at = results.reference_words
    header = ["data set", at, OOD_MEAN, "95% interval", "rank", "mean", "95% interval", "rank"]
    caption = f"{title}: PSNR at {at} and its mean under OOD noise, and the drop between them, both in dB."
    caption += f" Ranks of {models} that the 95% intervals of paired differences allow."
    caption += "".join(f" On {one.dataset} {one.below}." for one in standings if one.below)
    return latex.plain_table(caption, header, body, "lrrrrrrr", [("PSNR (dB)", 4), ("PSNR drop (dB)", 3)])


def of_measure(results: Results, dataset: str, model: str, measure: Measure) -> tuple[str, str, str, str]:
    """OOD mean, interval and rank of one measure as text, and where they lead."""
    group = results.group_of(model)
    known = results.intervals_ood(dataset, group, measure)
    if model not in known:
        return number(None, 2), "", "", ""
    ranks = results.ranks_ood(dataset, group, measure)
    mean, low, high = known[model]
    place = rank(*ranks[model]) if model in ranks else ""
    address = links.images(dataset, results.ood_average(group).spec, model, measure=measure.key)
    return number(mean, 2), interval(low, high, 2), place, address


PANEL = Panel(MODEL, 0, "", context)
