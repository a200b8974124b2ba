"""Which rows of a run count, and why others are superseded.

A row counts if it was computed with the current meaning of its names and settings, which the last plan that has them
defines: the weights and the source of a model, the version of a noise, the images of a data set and their pixels, the
version of a metric; and for a model on a data set under a protocol the precision and the tile, and for each noise the
seeds. Rows of earlier plans count as well as long as all their names still mean the same. `run`, `status`, `export`,
`report`, `compare`, `predict` and `site index` all use this selection.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench import metrics
from bench.core.errors import BadInput
from bench.runs import scored_files
from bench.runs.schema import INTERNAL_COLUMNS
from bench.runs.store import FIRST_VERSION, Store

Manifest = list[dict[str, Any]]
CELL_COLUMNS = ["model", "dataset", "noise", "seed"]
# kind of rows that do not count -> (the column whose value fills the text, the text)
SUPERSEDED = {
    "weights": ("model", "of older weights of {}"),  # or of an older source of a user-defined network
    "outputs": ("model", "of replaced output files of {}"),
    "noise": ("noise", "of older versions of {}"),
    "pixels": ("dataset", "of replaced images of {}"),
    "repeated": ("model", "that were recomputed of {}"),
}
DELETED = {"deleted": ("dataset", "of images that are no longer in {}")}
SETTINGS = {  # other settings than in the last run of the model on the data set
    "precision": ("model", "in another precision of {}"),
    "tile": ("model", "with another tile size of {}"),
    "seed": ("model", "with other seeds of {}"),
}
UNKNOWN = {"unknown": ("model", "that the manifest does not list of {}")}
PROTOCOL = {"protocol": ("protocol", "under the protocol {}")}
METRIC = {"metric": ("", "with scores of another version of {}")}
KINDS = {**PROTOCOL, **UNKNOWN, **SUPERSEDED, **DELETED, **SETTINGS, **METRIC}
MAX_LISTED_NAMES = 3  # names that a sentence lists


@dataclass(frozen=True)
class SkippedRows:
    """Rows that do not count, or of the kind 'metric' only their scores.

    kind    the reason, a key of KINDS
    names   the models, noises or data sets whose rows these are
    count   number of rows
    images  their images
    """

    kind: str
    names: tuple[str, ...]
    count: int
    images: tuple[str, ...]

    @property
    def reason(self) -> str:
        """The reason as text after "rows": 'of replaced images of mine (1.png)'."""
        images = f" ({_listed(self.images)})" if self.kind in ("pixels", "deleted") else ""
        return KINDS[self.kind][1].format(_listed(self.names)) + images

    @property
    def sentence(self) -> str:
        """The sentence of a page."""
        return f"Skipped: {self.count} row{'s' if self.count > 1 else ''} {self.reason}."

    def __str__(self) -> str:
        return f"skipped: {self.count} row{'s' if self.count > 1 else ''} {self.reason}"


@dataclass(frozen=True)
class Selection:
    """The rows under a protocol that count, in the order of the plans, and those that do not.

    metrics  metric -> its version in the last plan that has it
    kinds    key of each row under the protocol -> '' if it counts, else the reason, a key of KINDS
    """

    protocol: str
    rows: pd.DataFrame
    skipped: tuple[SkippedRows, ...] = ()
    metrics: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)

    @property
    def others(self) -> list[SkippedRows]:
        """The skipped rows under this protocol, without the rows under other protocols."""
        return [one for one in self.skipped if one.kind not in PROTOCOL]

    def of_plan(self, plan: dict[str, Any]) -> pd.DataFrame:
        """The rows of the cells of one plan (an entry of the manifest)."""
        index = pd.MultiIndex.from_frame(self.rows[CELL_COLUMNS])
        return self.rows[index.isin(list(cells(plan)))]


def start_entries(store: Store) -> Manifest:
    """The plans that were run into a store's folder, oldest first; empty if there is no manifest."""
    return [entry for entry in store.manifest() if entry["event"] == "started"]


def required_start_entries(store: Store) -> Manifest:
    """The plans that were run into a store's folder, oldest first. Raises BadInput if the manifest lists none."""
    entries = start_entries(store)
    if not entries:
        folder = store.folder
        raise BadInput(f"expected a plan in {folder}/manifest.json, got none: start bench run --out {folder} again")
    return entries


def of_store(store: Store, protocol: str | None = None, hidden: bool = False) -> Selection:
    """The rows of a store that count under a protocol, by default the last plan's."""
    manifest, rows = start_entries(store), store.rows(hidden=True)
    last = manifest[-1]["protocol"] if manifest else next(iter(rows["protocol"]), "")
    return select(rows, manifest, store.contents(), protocol or last, hidden)


def of_protocols(store: Store, images: pd.DataFrame | None = None) -> list[Selection]:
    """The selection under each protocol that a store has rows of, sorted by name.

    `images`: the images of data sets, by default as the store has recorded them.
    """
    manifest, rows = start_entries(store), store.rows(hidden=True)
    contents = store.contents() if images is None else images
    chosen = [select(rows, manifest, contents, protocol) for protocol in sorted(set(rows["protocol"]))]
    return chosen or [select(rows, manifest, contents, "")]


def all_of_store(store: Store) -> pd.DataFrame:
    """The rows of a store that count, each under its own protocol, in the order of the store."""
    return merge(of_protocols(store))


def merge(selections: list[Selection]) -> pd.DataFrame:
    """The rows of several selections in the order of a store."""
    rows = pd.concat([one.rows for one in selections], ignore_index=True)
    order = ["dataset", "image", "noise_name", "level", "noise", "seed", "model"]
    return rows.sort_values(order, kind="stable", na_position="first", ignore_index=True)


def read(folder: Path, protocol: str | None = None) -> Selection:
    """The rows of a run folder that count under a protocol, by default the last plan's. Raises BadInput if none do."""
    with Store.open(folder) as store:
        required_start_entries(store)
        selected = of_store(store, protocol)
        if selected.rows.empty:
            has = ", ".join(sorted(set(store.rows()["protocol"]))) or "no rows"
            raise BadInput(f"expected rows under the protocol {selected.protocol!r} in {folder}, got {has}")
    return selected


def metric_cards(folder: Path) -> dict[str, dict[str, Any]]:
    """Metric -> its card (title, unit, digits, higher_is_better) in a run's manifest, else of this installation."""
    with Store.open(folder) as store:
        declared = {card["name"]: card for entry in required_start_entries(store) for card in entry.get("metrics", [])}
    return {**{name: metrics.load_metric(name).card() for name in ("psnr", "ssim", "lpips")}, **declared}


def metric_versions(manifest: Manifest) -> dict[str, str]:
    """Metric -> its version in the last plan that has it."""
    return {
        card["name"]: str(card.get("version", FIRST_VERSION)) for entry in manifest for card in entry.get("metrics", [])
    }


def cells(plan: dict[str, Any]) -> Iterator[tuple[str, str, str, int]]:
    """Model, data set, noise and seed of each cell of a plan (an entry of the manifest)."""
    for model, dataset in product(plan["models"], plan["datasets"]):
        for noise, seed in product(dataset.get("noises", plan["noises"]), plan["seeds"]):
            yield model["label"], dataset["name"], noise, seed


def select(
    rows: pd.DataFrame, manifest: Manifest, contents: pd.DataFrame, protocol: str, hidden: bool = False
) -> Selection:
    """The selection of all rows of a store, from its manifest and the images of its data sets.

    `hidden`: keep the internal columns of the store.
    """
    kinds = pd.Series("", rows.index, dtype=object)
    kinds[rows["protocol"] != protocol] = "protocol"
    plans = [plan for plan in manifest if plan["protocol"] == protocol]
    for kind, is_superseded in _rules(manifest, plans, contents):
        remaining = rows[kinds == ""]
        kinds[remaining.index[is_superseded(remaining).to_numpy(dtype=bool)]] = kind
    skipped = [*_skipped(rows, kinds)]
    counting, older = _of_metric_versions(rows[kinds == ""], manifest)
    skipped += [SkippedRows("metric", (name,), count, ()) for name, count in older.items()]
    under = rows["protocol"] == protocol
    of_rows = dict(zip(rows.loc[under, "key"].tolist(), kinds[under].tolist(), strict=True))
    ordered = _in_order(counting, manifest)
    shown = ordered if hidden else ordered.drop(columns=["written", "key", *INTERNAL_COLUMNS])
    versions = metric_versions(manifest)
    shown.attrs["metric_versions"] = versions  # for comparisons of the frame
    return Selection(protocol, shown, tuple(skipped), versions, of_rows)


Rule = tuple[str, Callable[[pd.DataFrame], pd.Series]]


def _rules(manifest: Manifest, plans: Manifest, contents: pd.DataFrame) -> Iterator[Rule]:
    """(kind, function of rows -> which of them are of that kind); `plans` are those under the protocol."""
    scored = scored_files.labels(manifest)
    if manifest:
        models = {model["label"]: model["weights_hash"] for plan in manifest for model in plan["models"]}
        datasets = {dataset["name"] for plan in manifest for dataset in plan["datasets"]}
        versions = {noise: version for plan in manifest for noise, version in plan.get("noise_versions", {}).items()}
        yield "unknown", lambda rows: ~(rows["model"].isin(list(models)) & rows["dataset"].isin(datasets))
        yield "weights", lambda rows: _is_of_other_weights(rows, models, scored)
        yield "noise", lambda rows: _differs(rows["noise_version"], rows["noise"].map(versions))
    yield "deleted", lambda rows: _is_deleted(rows, contents)
    yield "pixels", lambda rows: _differs(rows["image_hash"], _pixels(rows, contents))
    settings = {cell[:2]: plan for plan in plans for cell in cells(plan)}
    if settings:
        seeds = {cell[:3]: plan["seeds"] for plan in plans for cell in cells(plan)}
        yield "precision", lambda rows: _differs(rows["precision"], _setting(rows, settings, "precision"))
        yield "tile", lambda rows: _is_in_other_tiles(rows, manifest, settings)
        yield "seed", lambda rows: _is_of_other_seeds(rows, seeds)
    yield "outputs", lambda rows: _is_of_replaced_output(rows, scored)
    yield "repeated", _is_repeated


def _differs(values: pd.Series, expected: pd.Series) -> pd.Series:
    """Where a value differs from the expected one, as far as that is known."""
    return expected.notna() & (values != expected)


def _index(rows: pd.DataFrame, columns: list[str]) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(rows[columns])


def _is_deleted(rows: pd.DataFrame, contents: pd.DataFrame) -> pd.Series:
    exists = _index(rows, ["dataset", "image"]).isin(_index(contents, ["dataset", "image"]))
    return rows["dataset"].isin(set(contents["dataset"])) & ~exists


def _pixels(rows: pd.DataFrame, contents: pd.DataFrame) -> pd.Series:
    """The current hash of each row's pixels: of the recorded noisy image, or else of the clean one.

    If it was never recorded, the hash in the row of that image that was written last.
    """
    where = ["dataset", "image", "noise"]
    known = contents.set_index(where)["image_hash"]
    own = known.reindex(_index(rows, where)).to_numpy(dtype=object)
    clean = known.reindex(_index(rows.assign(noise=""), where)).to_numpy(dtype=object)
    expected = pd.Series(np.where(pd.isna(own), clean, own), rows.index, dtype=object)
    ordered = rows.assign(read=rows["image_hash"] != "").sort_values(["read", "written"])
    last = ordered.groupby(where)["image_hash"].transform("last").reindex(rows.index)
    return expected.where(expected.notna(), last)


def _setting(rows: pd.DataFrame, settings: dict[tuple[str, str], dict[str, Any]], name: str) -> pd.Series:
    """A setting of the last plan that has each row's model and data set; None if no plan has them."""
    values = pd.Series([plan.get(name) for plan in settings.values()], pd.MultiIndex.from_tuples(settings), object)
    return pd.Series(values.reindex(_index(rows, CELL_COLUMNS[:2])).to_numpy(dtype=object), rows.index, dtype=object)


def _is_in_other_tiles(
    rows: pd.DataFrame, manifest: Manifest, settings: dict[tuple[str, str], dict[str, Any]]
) -> pd.Series:
    """Which rows are of a plan with another --tile, unless their image gets the same tile under both."""
    choices = {plan["plan"]: str(plan["tile"]) for plan in manifest if "plan" in plan}
    own = rows["plan"].map(choices)
    expected = _setting(rows, settings, "tile").map(str, na_action="ignore")
    other = expected.notna() & (own != expected)
    if not other.any():
        return other
    image, same = ["model", "dataset", "image"], rows[own == expected]
    equal, compared = (_index(rows, names).isin(_index(same, names)) for names in ([*image, "tile"], image))
    return other & ~equal & (own.notna() | compared)


def _is_of_other_seeds(rows: pd.DataFrame, seeds: dict[tuple[str, str, str], list[int]]) -> pd.Series:
    planned = pd.MultiIndex.from_tuples([(*cell, seed) for cell, chosen in seeds.items() for seed in chosen])
    known = _index(rows, CELL_COLUMNS[:3]).isin(pd.MultiIndex.from_tuples(seeds))
    return pd.Series(known & ~_index(rows, CELL_COLUMNS).isin(planned), rows.index)


def _is_of_other_weights(rows: pd.DataFrame, models: dict[str, str], scored: Collection[str]) -> pd.Series:
    """Which rows have another hash than their model in the manifest.

    Those of models `scored` from files have the hash of their own output: they have to be of files as well.
    """
    other = rows["weights_hash"] != rows["model"].map(models)
    return other.where(~rows["model"].isin(list(scored)), rows["weights"] != scored_files.ORIGIN)


def _is_of_replaced_output(rows: pd.DataFrame, scored: Collection[str]) -> pd.Series:
    """Of the models `scored` from files, all but the row of each image in a cell that was scored last."""
    own = rows[rows["model"].isin(list(scored))]
    ordered = own.assign(plan=own["plan"].fillna(-1).astype(float)).sort_values(["plan", "written"])
    replaced = ordered.duplicated([*CELL_COLUMNS, "image"], keep="last")
    return replaced.reindex(rows.index, fill_value=False)


def _is_repeated(rows: pd.DataFrame) -> pd.Series:
    """All but one row of each image in a cell: successful rows are preferred, then the last one planned or written."""
    ordered = rows.assign(ok=rows["status"] == "ok", plan=rows["plan"].fillna(-1).astype(float))
    ordered = ordered.sort_values(["ok", "plan", "written"])
    return ordered.duplicated([*CELL_COLUMNS, "image", "precision"], keep="last").reindex(rows.index)


def _of_metric_versions(rows: pd.DataFrame, manifest: Manifest) -> tuple[pd.DataFrame, dict[str, int]]:
    """Rows without the scores of superseded versions of metrics, and the number of such rows by metric."""
    older, rows = {}, rows.copy()
    scored = {text: json.loads(text) for text in rows["scored"].dropna().unique()}
    for name, version in metric_versions(manifest).items():
        if name not in rows:
            continue
        others = [text for text, known in scored.items() if known.get(name, FIRST_VERSION) != version]
        unknown = rows["scored"].isna() & (version != FIRST_VERSION)
        other = (rows["scored"].isin(others) | unknown) & rows[name].notna()
        if other.any():
            older[name] = int(other.sum())
            rows.loc[other, [name, f"{name}_noisy"]] = np.nan
            if name == "psnr":
                rows.loc[other, "psnr_capped"] = 0
    return rows, older


def _skipped(rows: pd.DataFrame, kinds: pd.Series) -> Iterator[SkippedRows]:
    """The rows that do not count, grouped by kind and by the name of the kind's column."""
    for kind in dict.fromkeys(kinds[kinds != ""]):
        part = rows[kinds == kind]
        for name, of_name in part.groupby(KINDS[kind][0], sort=False):
            yield SkippedRows(kind, (str(name),), len(of_name), tuple(dict.fromkeys(of_name["image"])))


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - MAX_LISTED_NAMES} more" if len(names) > MAX_LISTED_NAMES else ""
    return ", ".join(names[:MAX_LISTED_NAMES]) + more


def _in_order(rows: pd.DataFrame, manifest: Manifest) -> pd.DataFrame:
    """Rows with models and data sets in the order of the plans."""
    models = dict.fromkeys(
        [*(model["label"] for plan in manifest for model in plan["models"]), *rows["model"].unique()]
    )
    datasets = dict.fromkeys(
        [*(one["name"] for plan in manifest for one in plan["datasets"]), *rows["dataset"].unique()]
    )
    ranks = ({name: rank for rank, name in enumerate(names)} for names in (models, datasets))
    keyed = rows.assign(**{f"_{c}": rows[c].map(rank) for c, rank in zip(("model", "dataset"), ranks, strict=True)})
    keyed = keyed.sort_values(["_dataset", "_model", "noise_name", "level", "noise", "image", "seed"])
    return keyed.drop(columns=["_model", "_dataset"]).reset_index(drop=True)
