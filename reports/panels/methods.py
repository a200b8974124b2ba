"""Methodology: how the numbers are computed, and how to reproduce them."""

import pandas as pd

from reports.panels import Panel
from reports.results import Results
from reports.site_writer import SiteWriter
from reports.tables import publish


def context(results: Results, writer: SiteWriter) -> dict[str, object]:
    """Specs, hashes, versions, and the files with all numbers."""
    rows = results.rows
    hashes = _with_one_hash(rows, results)
    hashes = hashes[["model", "size", "weights", "weights_hash", "tile", "precision", "device"]].drop_duplicates()
    order = {model: index for index, model in enumerate(results.models)}
    hashes = hashes.sort_values("model", key=lambda column: column.map(order), kind="stable")
    noises = rows[["noise", "noise_version"]].drop_duplicates("noise").set_index("noise")["noise_version"].to_dict()
    hashes = hashes.astype(object).where(hashes.notna(), "")
    return {
        "weights": hashes.to_dict("records"),
        "weights_files": publish(writer, ("weights",), hashes),
        "noise_versions": noises,
        "seeds": sorted({str(seed) for seed in rows["seed"].dropna()}),
        "protocols": sorted({str(name) for name in rows["protocol"].dropna()}),
        "licences": licences(results),
        "rows_address": writer.csv("tables/rows.csv", results.all_rows),
        "summary_address": writer.csv("tables/summary.csv", results.all_summary),
    }


def _with_one_hash(rows: pd.DataFrame, results: Results) -> pd.DataFrame:
    """The rows with the hash of the card where a model has one for each image: outputs that were scored from files."""
    several = rows.groupby("model")["weights_hash"].nunique()
    cards = {name: results.model_card(name).weights_hash for name in several[several > 1].index}
    hashes = [cards.get(model, own) for model, own in zip(rows["model"], rows["weights_hash"], strict=True)]
    return rows.assign(weights_hash=hashes)


def licences(results: Results) -> dict[str, list[str]]:
    """Licence -> the models and data sets with it."""
    cards = [results.model_card(name) for name in results.models]
    cards += [results.dataset_card(name) for name in results.datasets]
    found: dict[str, list[str]] = {}
    for card in cards:
        if card.licence:
            found.setdefault(card.licence, []).append(card.name)
    return found


PANEL = Panel("methods", 0, "Methodology", context)
