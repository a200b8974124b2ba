"""What a model is, and how it does in one sentence."""

import math
from dataclasses import dataclass, replace

import pandas as pd

from reports import links
from reports.folder import SiteFolder
from reports.formatting import interval, number, rank
from reports.measures import GAP, PSNR, Measure
from reports.pages import MODEL
from reports.panels import Panel
from reports.results import Results
from reports.study import ModelCard


@dataclass(frozen=True)
class Standing:
    """A model on one data set as text: PSNR at Gaussian 15 and off training, the loss, the ranks of both, addresses."""

    dataset: str
    reference: str
    reference_address: str
    away: str
    away_interval: str
    away_rank: str
    away_address: str
    loss: str
    loss_interval: str
    loss_rank: str
    loss_address: str


def context(results: Results, folder: SiteFolder, model: str) -> dict[str, object]:
    """The card and a standing for each data set."""
    own = results.ok[results.ok["model"] == model]
    return {
        "card": card(results, model, own),
        "name": model,
        "seconds": number(own["seconds"].astype(float).median(), 2) if own["seconds"].notna().any() else "",
        "standings": [standing(results, dataset, model) for dataset in results.datasets],
        "models": len(results.models),
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
    line = results.line(dataset, results.reference.spec, model) if results.reference else None
    reference = math.nan if line is None else line["psnr"]
    address = "" if line is None else links.images(dataset, line["noise"], model)
    away, loss = (of_measure(results, dataset, model, measure) for measure in (PSNR, GAP))
    return Standing(dataset, number(reference, 2), address, *away, *loss)


def of_measure(results: Results, dataset: str, model: str, measure: Measure) -> tuple[str, str, str, str]:
    """Mean, interval and rank of one measure off the training noise as text, and where they lead."""
    known = results.intervals_off_training(dataset, measure)
    if model not in known:
        return number(None, 2), "", "", ""
    ranks = results.ranks_off_training(dataset, measure)
    mean, low, high = known[model]
    place = rank(*ranks[model]) if model in ranks else ""
    address = links.images(dataset, results.off_training_spec, model, measure=measure.key)
    return number(mean, 2), interval(low, high, 2), place, address


PANEL = Panel(MODEL, 0, "", context)
