"""Which rows of a run count: those that were made of what its names and settings mean now; and why others do not.

The last plan that names a thing says what it means: a model's label its weights and its source, a noise its version, a
data set its images and their pixels, a metric its version; and under a protocol, for a model on a data set, precision
and tile, and for each noise there the seeds. What only an earlier plan ran counts as well, as long as every name still
means the same. `run`, `status`, `export`, `report`, `compare`, `predict` and `site index` all ask here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench import metrics
from bench.errors import BadInput
from bench.runs.schema import INTERNAL_COLUMNS
from bench.runs.store import FIRST_VERSION, Store

Manifest = list[dict[str, Any]]
CELL_COLUMNS = ["model", "dataset", "noise", "seed"]
# kind -> the column that names whose rows these are, and what they are of
SUPERSEDED = {
    "weights": ("model", "of older weights of {}"),  # or of an older source
    "noise": ("noise", "of older versions of {}"),
    "pixels": ("dataset", "of replaced pictures of {}"),
    "repeated": ("model", "that were made again of {}"),
}
DELETED = {"deleted": ("dataset", "of pictures that are no longer in {}")}
SETTINGS = {  # than the last run of the model on the data set
    "precision": ("model", "in another precision of {}"),
    "tile": ("model", "in other tiles of {}"),
    "seed": ("model", "with other seeds of {}"),
}
UNKNOWN = {"unknown": ("model", "that the manifest does not name of {}")}
PROTOCOL = {"protocol": ("protocol", "under the protocol {}")}
METRIC = {"metric": ("", "with scores by another version of {}")}
KINDS = {**PROTOCOL, **UNKNOWN, **SUPERSEDED, **DELETED, **SETTINGS, **METRIC}
MAX_LISTED_NAMES = 3  # names that a sentence lists


@dataclass(frozen=True)
class SkippedRows:
    """Rows, or of the kind 'metric' scores alone, that do not count: why, whose, how many, and of which images."""

    kind: str
    names: tuple[str, ...]
    count: int
    images: tuple[str, ...]

    @property
    def reason(self) -> str:
        """'of replaced pictures of mine (1.png)'"""
        images = f" ({_listed(self.images)})" if self.kind in ("pixels", "deleted") else ""
        return KINDS[self.kind][1].format(_listed(self.names)) + images

    @property
    def sentence(self) -> str:
        """What a page says."""
        return f"Rows {self.reason} are in this run and not on these pages ({self.count})."

    def __str__(self) -> str:
        return f"left out: {self.count} row{'s' if self.count > 1 else ''} {self.reason}"


@dataclass(frozen=True)
class Selection:
    """Rows under a protocol that count, in the order of the plans, and the others.

    metrics  the versions of the metrics that the plans name
    kinds    key -> what becomes of each row under the protocol: '' where it counts, or a kind
    """

    protocol: str
    rows: pd.DataFrame
    skipped: tuple[SkippedRows, ...] = ()
    metrics: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)

    @property
    def others(self) -> list[SkippedRows]:
        """What is left out of the rows under the protocol itself."""
        return [left for left in self.skipped if left.kind not in PROTOCOL]

    def of_plan(self, plan: dict[str, Any]) -> pd.DataFrame:
        """The rows of the cells of one plan, of the manifest."""
        index = pd.MultiIndex.from_frame(self.rows[CELL_COLUMNS])
        return self.rows[index.isin(list(cells(plan)))]


def start_entries(store: Store) -> Manifest:
    """What was run into a store's folder, oldest first; nothing where no manifest says so."""
    return [entry for entry in store.manifest() if entry["event"] == "started"]


def required_start_entries(store: Store) -> Manifest:
    """What was run into a store's folder, oldest first. Raises BadInput where nothing says so."""
    entries = start_entries(store)
    if not entries:
        folder = store.folder
        raise BadInput(f"{folder} has no manifest.json that says what was run: run bench run --out {folder} again")
    return entries


def of_store(store: Store, protocol: str | None = None, hidden: bool = False) -> Selection:
    """The rows of a store that count under a protocol, by default the last plan's."""
    manifest, rows = start_entries(store), store.rows(hidden=True)
    last = manifest[-1]["protocol"] if manifest else next(iter(rows["protocol"]), "")
    return select(rows, manifest, store.contents(), protocol or last, hidden)


def of_protocols(store: Store, there: pd.DataFrame | None = None) -> list[Selection]:
    """The same under each protocol that a store has rows of, sorted by name; `there` in the place of its contents."""
    manifest, rows = start_entries(store), store.rows(hidden=True)
    contents = store.contents() if there is None else there
    chosen = [select(rows, manifest, contents, protocol) for protocol in sorted(set(rows["protocol"]))]
    return chosen or [select(rows, manifest, contents, "")]


def all_of_store(store: Store) -> pd.DataFrame:
    """The rows of a store that count, each under its own protocol, in the order of the store."""
    return merge(of_protocols(store))


def merge(found: list[Selection]) -> pd.DataFrame:
    """The rows of selections in the order in which a store has them."""
    rows = pd.concat([one.rows for one in found], ignore_index=True)
    order = ["dataset", "image", "noise_name", "level", "noise", "seed", "model"]
    return rows.sort_values(order, kind="stable", na_position="first", ignore_index=True)


def read(folder: Path, protocol: str | None = None) -> Selection:
    """The rows of a run folder that count under a protocol, by default the last plan's. Raises BadInput for none."""
    with Store.open(folder) as store:
        required_start_entries(store)
        found = of_store(store, protocol)
        if found.rows.empty:
            has = ", ".join(sorted(set(store.rows()["protocol"]))) or "no rows at all"
            raise BadInput(f"{folder} has no rows of the protocol {found.protocol!r} that count; it has {has}")
    return found


def metric_cards(folder: Path) -> dict[str, dict[str, Any]]:
    """What a run says of its metrics, by name: title, unit, digits, higher_is_better; ours where it says nothing."""
    with Store.open(folder) as store:
        declared = {card["name"]: card for entry in required_start_entries(store) for card in entry.get("metrics", [])}
    return {**{name: metrics.load_metric(name).card() for name in ("psnr", "ssim", "lpips")}, **declared}


def metric_versions(manifest: Manifest) -> dict[str, str]:
    """The version of each metric, as the last plan that names it has it."""
    return {
        card["name"]: str(card.get("version", FIRST_VERSION)) for entry in manifest for card in entry.get("metrics", [])
    }


def cells(plan: dict[str, Any]) -> Iterator[tuple[str, str, str, int]]:
    """Model, data set, noise and seed of each cell of a plan, of the manifest."""
    for model, dataset in product(plan["models"], plan["datasets"]):
        for noise, seed in product(dataset.get("noises", plan["noises"]), plan["seeds"]):
            yield model["label"], dataset["name"], noise, seed


def select(
    rows: pd.DataFrame, manifest: Manifest, contents: pd.DataFrame, protocol: str, hidden: bool = False
) -> Selection:
    """All rows of a store with its own columns, what was run and what data sets have -> the rows that count.

    `hidden`: keep the store's own columns.
    """
    kinds = pd.Series("", rows.index, dtype=object)
    kinds[rows["protocol"] != protocol] = "protocol"
    plans = [plan for plan in manifest if plan["protocol"] == protocol]
    for kind, is_other in _questions(manifest, plans, contents):
        left = rows[kinds == ""]
        kinds[left.index[is_other(left).to_numpy(dtype=bool)]] = kind
    skipped = [*_others(rows, kinds)]
    counting, older = _of_metric_versions(rows[kinds == ""], manifest)
    skipped += [SkippedRows("metric", (name,), count, ()) for name, count in older.items()]
    under = rows["protocol"] == protocol
    of_rows = dict(zip(rows.loc[under, "key"].tolist(), kinds[under].tolist(), strict=True))
    ordered = _in_order(counting, manifest)
    shown = ordered if hidden else ordered.drop(columns=["written", "key", *INTERNAL_COLUMNS])
    versions = metric_versions(manifest)
    shown.attrs["metric_versions"] = versions  # goes with the frame where it is compared later
    return Selection(protocol, shown, tuple(skipped), versions, of_rows)


Question = tuple[str, Callable[[pd.DataFrame], pd.Series]]


def _questions(manifest: Manifest, plans: Manifest, contents: pd.DataFrame) -> Iterator[Question]:
    """Kinds, and which of the rows that are left are of them; `plans` are those under the protocol."""
    if manifest:
        models = {model["label"]: model["weights_hash"] for plan in manifest for model in plan["models"]}
        datasets = {dataset["name"] for plan in manifest for dataset in plan["datasets"]}
        versions = {noise: version for plan in manifest for noise, version in plan.get("noise_versions", {}).items()}
        yield "unknown", lambda rows: ~(rows["model"].isin(list(models)) & rows["dataset"].isin(datasets))
        yield "weights", lambda rows: rows["weights_hash"] != rows["model"].map(models)
        yield "noise", lambda rows: _is_other(rows["noise_version"], rows["noise"].map(versions))
    yield "deleted", lambda rows: _is_deleted(rows, contents)
    yield "pixels", lambda rows: _is_other(rows["image_hash"], _pixels(rows, contents))
    settings = {cell[:2]: plan for plan in plans for cell in cells(plan)}
    if settings:
        seeds = {cell[:3]: plan["seeds"] for plan in plans for cell in cells(plan)}
        yield "precision", lambda rows: _is_other(rows["precision"], _setting(rows, settings, "precision"))
        yield "tile", lambda rows: _is_in_other_tiles(rows, manifest, settings)
        yield "seed", lambda rows: _is_of_other_seeds(rows, seeds)
    yield "repeated", _is_repeated


def _is_other(found: pd.Series, wanted: pd.Series) -> pd.Series:
    """Where a value is not the wanted one; what was wanted is not always known."""
    return wanted.notna() & (found != wanted)


def _named(rows: pd.DataFrame, columns: list[str]) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(rows[columns])


def _is_deleted(rows: pd.DataFrame, contents: pd.DataFrame) -> pd.Series:
    there = _named(rows, ["dataset", "image"]).isin(_named(contents, ["dataset", "image"]))
    return rows["dataset"].isin(set(contents["dataset"])) & ~there


def _pixels(rows: pd.DataFrame, contents: pd.DataFrame) -> pd.Series:
    """The hash that each row's pixels have now: of the recorded noisy image, or else of the clean one.

    Where that was never kept, the hash of the row that was written last.
    """
    where = ["dataset", "image", "noise"]
    known = contents.set_index(where)["image_hash"]
    own = known.reindex(_named(rows, where)).to_numpy(dtype=object)
    clean = known.reindex(_named(rows.assign(noise=""), where)).to_numpy(dtype=object)
    expected = pd.Series(np.where(pd.isna(own), clean, own), rows.index, dtype=object)
    ordered = rows.assign(read=rows["image_hash"] != "").sort_values(["read", "written"])
    last = ordered.groupby(where)["image_hash"].transform("last").reindex(rows.index)
    return expected.where(expected.notna(), last)


def _setting(rows: pd.DataFrame, settings: dict[tuple[str, str], dict], name: str) -> pd.Series:
    """A setting of the last plan of each row's model and data set; None where no plan has them."""
    values = pd.Series([plan.get(name) for plan in settings.values()], pd.MultiIndex.from_tuples(settings), object)
    return pd.Series(values.reindex(_named(rows, CELL_COLUMNS[:2])).to_numpy(dtype=object), rows.index, dtype=object)


def _is_in_other_tiles(rows: pd.DataFrame, manifest: Manifest, settings: dict[tuple[str, str], dict]) -> pd.Series:
    """Rows of a plan with another --tile, unless their image has the same tile under both."""
    choices = {plan["plan"]: str(plan["tile"]) for plan in manifest if "plan" in plan}
    own = rows["plan"].map(choices)
    wanted = _setting(rows, settings, "tile").map(str, na_action="ignore")
    other = wanted.notna() & (own != wanted)
    if not other.any():
        return other
    image, same = ["model", "dataset", "image"], rows[own == wanted]
    equal, compared = (_named(rows, names).isin(_named(same, names)) for names in ([*image, "tile"], image))
    return other & ~equal & (own.notna() | compared)


def _is_of_other_seeds(rows: pd.DataFrame, seeds: dict[tuple[str, str, str], list[int]]) -> pd.Series:
    asked = pd.MultiIndex.from_tuples([(*cell, seed) for cell, chosen in seeds.items() for seed in chosen])
    known = _named(rows, CELL_COLUMNS[:3]).isin(pd.MultiIndex.from_tuples(seeds))
    return pd.Series(known & ~_named(rows, CELL_COLUMNS).isin(asked), rows.index)


def _is_repeated(rows: pd.DataFrame) -> pd.Series:
    """All but one row of an image in a cell: a good one before a failed one, then the last one asked for or written."""
    ordered = rows.assign(ok=rows["status"] == "ok", plan=rows["plan"].fillna(-1).astype(float))
    ordered = ordered.sort_values(["ok", "plan", "written"])
    return ordered.duplicated([*CELL_COLUMNS, "image", "precision"], keep="last").reindex(rows.index)


def _of_metric_versions(rows: pd.DataFrame, manifest: Manifest) -> tuple[pd.DataFrame, dict[str, int]]:
    """Rows without the scores of other versions of metrics than the last, and how many these are by metric."""
    older, rows = {}, rows.copy()
    scored = {text: json.loads(text) for text in rows["scored"].dropna().unique()}
    for name, version in metric_versions(manifest).items():
        if name not in rows:
            continue
        others = [text for text, known in scored.items() if known.get(name, FIRST_VERSION) != version]
        unsaid = rows["scored"].isna() & (version != FIRST_VERSION)
        other = (rows["scored"].isin(others) | unsaid) & rows[name].notna()
        if other.any():
            older[name] = int(other.sum())
            rows.loc[other, [name, f"{name}_noisy"]] = np.nan
            if name == "psnr":
                rows.loc[other, "psnr_capped"] = 0
    return rows, older


def _others(rows: pd.DataFrame, kinds: pd.Series) -> Iterator[SkippedRows]:
    """What is left out, a kind at a time; of the rows of other plans a name at a time, with its images."""
    for kind in dict.fromkeys(kinds[kinds != ""]):
        part = rows[kinds == kind]
        for name, of_name in part.groupby(KINDS[kind][0], sort=False):
            yield SkippedRows(kind, (str(name),), len(of_name), tuple(dict.fromkeys(of_name["image"])))


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - MAX_LISTED_NAMES} more" if len(names) > MAX_LISTED_NAMES else ""
    return ", ".join(names[:MAX_LISTED_NAMES]) + more


def _in_order(rows: pd.DataFrame, manifest: Manifest) -> pd.DataFrame:
    """Rows with models and data sets in the order in which they were asked for."""
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
