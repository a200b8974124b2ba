"""The table of all models, which links to the page of each."""

import pandas as pd

from reports import latex
from reports.formatting import count, seconds
from reports.panels import Panel
from reports.panels.model_card import facts, scores
from reports.results import Results
from reports.site_writer import SiteWriter
from reports.tables import publish


def context(results: Results, writer: SiteWriter) -> dict[str, object] | None:
    """The models of the run in order."""
    if not results.models:
        return None
    entries = [facts(results, model) for model in results.models]
    below = any(one.below for entry in entries for one in entry["standings"])
    return {
        "entries": entries,
        "any_below": below,
        "files": publish(writer, ("models",), frame(results, entries), latex_table(entries)),
    }


def frame(results: Results, entries: list[dict]) -> pd.DataFrame:
    """The table with full precision, one row per model and data set."""
    records = []
    for entry in entries:
        card = entry["card"]
        known = {"title": card.title, "size": card.size, "trained on": card.trained_on}
        known |= {"parameters": card.parameters, "seconds": entry["seconds"]}
        records += [record | known for record in scores(results, entry["name"])]
    return pd.DataFrame(records).astype({"parameters": "Int64"})


def latex_table(entries: list[dict]) -> str:
    """The table as LaTeX: one row per model, two columns per data set."""
    body = []
    for entry in entries:
        card, standings = entry["card"], entry["standings"]
        known = (card.label or entry["name"], card.trained_on, count(card.parameters), seconds(entry["seconds"]))
        body.append((*known, *(text for one in standings for text in (one.ood, one.drop))))
    datasets = [one.dataset for one in entries[0]["standings"]]
    header = ["model", "trained on", "parameters", "s per image", *["OOD mean", "PSNR drop"] * len(datasets)]
    groups = [("", 3), *((dataset, 2) for dataset in datasets)]
    columns = "ll" + "r" * (len(header) - 2)
    return latex.plain_table("Models: OOD mean of PSNR and PSNR drop, in dB.", header, body, columns, groups)


PANEL = Panel("models", 0, "Models", context)
