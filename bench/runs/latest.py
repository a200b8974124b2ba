"""The rows of a run that count: of one protocol, of the weights and the noises that were run last, in order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from bench import metrics
from bench.errors import BadInput
from bench.runs.store import Store

Manifest = list[dict[str, Any]]


def started_in(store: Store) -> Manifest:
    """What was run into a store's folder, oldest first; nothing where no manifest says so."""
    return [entry for entry in store.manifest() if entry["event"] == "started"]


def started(store: Store) -> Manifest:
    """What was run into a store's folder, oldest first. Raises BadInput where nothing says so."""
    entries = started_in(store)
    if not entries:
        folder = store.folder
        raise BadInput(f"{folder} has no manifest.json that says what was run: run bench run --out {folder} again")
    return entries


def latest(rows: pd.DataFrame, manifest: Manifest, protocol: str) -> tuple[pd.DataFrame, list[str]]:
    """All rows of a run -> those that count under a protocol, and a sentence for each kind of others."""
    others = sorted(set(rows["protocol"]) - {protocol})
    rows, stale = _of_latest_weights(rows[rows["protocol"] == protocol], manifest)
    rows, older = _of_latest_noises(rows, manifest)
    sentences = [f"Rows under the protocol {name} are in this run and not on these pages." for name in others]
    sentences += [f"Rows of older weights of {name} are in this run and not on these pages." for name in stale]
    sentences += [f"Rows of older versions of {name} are in this run and not on these pages." for name in older]
    return _in_order(rows, manifest), sentences


def read(folder: Path, protocol: str | None = None) -> tuple[pd.DataFrame, str]:
    """A run folder -> the rows that count under a protocol, the last one by default, and its name. Raises BadInput."""
    with Store.open(folder) as store:
        manifest, rows = started(store), store.rows()
    chosen = protocol or manifest[-1]["protocol"]
    found = latest(rows, manifest, chosen)[0]
    if found.empty:
        has = ", ".join(sorted(set(rows["protocol"]))) or "no rows at all"
        raise BadInput(f"{folder} has no rows of the protocol {chosen!r}; it has {has}")
    return found, chosen


def metric_cards(folder: Path) -> dict[str, dict[str, Any]]:
    """What a run says of its metrics, by name: title, unit, digits, higher_is_better; ours where it says nothing."""
    with Store.open(folder) as store:
        declared = {card["name"]: card for entry in started(store) for card in entry.get("metrics", [])}
    return {**{name: metrics.load_metric(name).card() for name in ("psnr", "ssim", "lpips")}, **declared}


def _of_latest_weights(rows: pd.DataFrame, manifest: Manifest) -> tuple[pd.DataFrame, list[str]]:
    """Rows of the weights that were run last under each label, and the labels that have older ones."""
    weights = {model["label"]: model["weights_hash"] for entry in manifest for model in entry["models"]}
    current = rows["weights_hash"] == rows["model"].map(weights)
    return rows[current], sorted(set(rows.loc[~current, "model"]))


def _of_latest_noises(rows: pd.DataFrame, manifest: Manifest) -> tuple[pd.DataFrame, list[str]]:
    """Rows of the version of each noise that was run last, and the noises that have older ones."""
    versions = {noise: version for entry in manifest for noise, version in entry.get("noise_versions", {}).items()}
    wanted = rows["noise"].map(versions)
    current = wanted.isna() | (rows["noise_version"] == wanted)  # runs of old did not keep versions
    return rows[current], sorted(set(rows.loc[~current, "noise"]))


def _in_order(rows: pd.DataFrame, manifest: Manifest) -> pd.DataFrame:
    """Rows with models and data sets in the order in which they were asked for."""
    models = list(dict.fromkeys(model["label"] for entry in manifest for model in entry["models"]))
    datasets = list(dict.fromkeys(dataset["name"] for entry in manifest for dataset in entry["datasets"]))
    rank = rows["model"].map(models.index), rows["dataset"].map(datasets.index)
    keyed = rows.assign(_model=rank[0], _dataset=rank[1])
    keyed = keyed.sort_values(["_dataset", "_model", "noise_name", "level", "noise", "image", "seed"])
    return keyed.drop(columns=["_model", "_dataset"]).reset_index(drop=True)
