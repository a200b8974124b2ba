"""From a run folder to the pages: gathers what the manifest and the cards know, and hands it to `reports`."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

import noise_zoo
import reports
from bench import against, noises, protocols, statistics
from bench.errors import BadInput
from bench.inside.gallery import artefacts
from bench.store import Store, row_key

TILED = (
    "Images that are large for a network were denoised in overlapping square tiles that fade into each other; the side "
    "of its tiles stands with a model, and 0 means whole images. In tiles, networks that draw statistics from all that "
    "they see together (channel attention in RIDNet, transposed attention in Restormer, non-local blocks in RNAN, "
    "normalization in IDF), and attention masks, which are drawn for each tile, give another output than on the whole "
    "image."
)


def build(
    folder: Path,
    out: Path,
    protocol: str | None = None,
    training: Mapping[str, Path] | None = None,
    others: Sequence[Path] = (),
) -> Path:
    """Make the site of a run folder; returns its index.html. Raises BadInput.

    `training` says for a model, by its label, into which folder bench train wrote its log. `others` are run folders
    that this one is compared with.
    """
    study, rows = gather(folder, protocol)
    curves = [curve for model, log in (training or {}).items() for curve in training_curves(model, log, study)]
    comparisons = []
    for other in others:
        past, past_rows = gather(other, study.protocol)
        comparisons.append(against.compare(rows, past_rows, past.run, past.created))
    study = replace(study, training=tuple(curves), artefacts=tuple(figures(folder)), comparisons=tuple(comparisons))
    try:
        return reports.build(study, rows, statistics.summarize(rows), out)
    except OSError as error:
        raise BadInput(f"the site {out} cannot be written: {error.strerror or error}") from error


def gather(folder: Path, protocol: str | None) -> tuple[reports.Study, pd.DataFrame]:
    """A run folder -> what pages say of it, and its latest rows under a protocol, the last one by default."""
    with Store.open(folder) as store:
        rows, manifest = store.rows(), [entry for entry in store.manifest() if entry["event"] == "started"]
        if not manifest:
            raise BadInput(f"{folder} has no manifest.json that says what was run: run bench run --out {folder} again")
        chosen = protocol or manifest[-1]["protocol"]
        others = sorted(set(rows["protocol"]) - {chosen})
        rows = rows[rows["protocol"] == chosen]
        rows, stale = latest_weights(rows, manifest)
        rows, older = latest_noises(rows, manifest)
        rows = in_order(rows, manifest)
        study = study_of(store, rows, manifest, chosen)
    sentences = [f"Rows under the protocol {name} are in this run and not on these pages." for name in others]
    sentences += [f"Rows of older weights of {name} are in this run and not on these pages." for name in stale]
    sentences += [f"Rows of older versions of {name} are in this run and not on these pages." for name in older]
    return replace(study, not_measured=(*study.not_measured, *sentences)), rows


def figures(folder: Path) -> Iterator[reports.Artefact]:
    """What looks inside the networks have left in the run folder."""
    for one in artefacts(folder):
        yield reports.Artefact(one.look, one.title, one.words, one.about, one.svg, one.png, one.csv, one.command)


def training_curves(model: str, folder: Path, study: reports.Study) -> Iterator[reports.Curve]:
    """The test curves of a training, a curve a noise. Raises BadInput."""
    if model not in [card.name for card in study.models]:
        known = ", ".join(card.name for card in study.models)
        raise BadInput(f"no model {model!r} is in this run; there are: {known}")
    try:
        lines = (folder / "log.jsonl").read_text().splitlines()
        tested = [entry for entry in map(json.loads, lines) if entry["scores"]]
        for noise in dict.fromkeys(noise for entry in tested for noise in entry["scores"]):
            points = tuple((e["iteration"], e["scores"][noise]) for e in tested if noise in e["scores"])
            yield reports.Curve(model, noise, points)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{folder} has no log.jsonl of bench train that can be read: {error}") from error


def latest_weights(rows: pd.DataFrame, manifest: list[dict]) -> tuple[pd.DataFrame, list[str]]:
    """Rows of the weights that were run last under each label, and the labels that have older ones."""
    latest = {model["label"]: model["weights_hash"] for entry in manifest for model in entry["models"]}
    current = rows["weights_hash"] == rows["model"].map(latest)
    return rows[current], sorted(set(rows.loc[~current, "model"]))


def latest_noises(rows: pd.DataFrame, manifest: list[dict]) -> tuple[pd.DataFrame, list[str]]:
    """Rows of the version of each noise that was run last, and the noises that have older ones."""
    latest = {noise: version for entry in manifest for noise, version in entry.get("noise_versions", {}).items()}
    wanted = rows["noise"].map(latest)
    current = wanted.isna() | (rows["noise_version"] == wanted)  # runs of old did not keep versions
    return rows[current], sorted(set(rows.loc[~current, "noise"]))


def in_order(rows: pd.DataFrame, manifest: list[dict]) -> pd.DataFrame:
    """Rows with models and data sets in the order in which they were asked for."""
    models = list(dict.fromkeys(model["label"] for entry in manifest for model in entry["models"]))
    datasets = list(dict.fromkeys(dataset["name"] for entry in manifest for dataset in entry["datasets"]))
    rank = rows["model"].map(models.index), rows["dataset"].map(datasets.index)
    keyed = rows.assign(_model=rank[0], _dataset=rank[1])
    keyed = keyed.sort_values(["_dataset", "_model", "noise_name", "level", "noise", "image", "seed"])
    return keyed.drop(columns=["_model", "_dataset"]).reset_index(drop=True)


def study_of(store: Store, rows: pd.DataFrame, manifest: list[dict], protocol: str) -> reports.Study:
    """What the pages say besides the numbers."""
    last, described = manifest[-1], protocols.load_protocol(protocol)
    about = {model["label"]: model for entry in manifest for model in entry["models"]}
    sets = {dataset["name"]: dataset for entry in manifest for dataset in entry["datasets"]}
    return reports.Study(
        title="Does it still work on noise it was not trained on?",
        command="\n".join(
            [
                *dict.fromkeys(entry["command"] for entry in manifest if entry["command"]),
                f"bench report {shlex.quote(str(store.folder))}",
            ]
        ),
        created=last["at"],
        run=store.folder.name,
        protocol=protocol,
        protocol_description=" ".join([described.words, *([TILED] if (rows["tile"] > 0).any() else [])]),
        interval=statistics.WORDS,
        versions=last["versions"],
        machine=last["machine"],
        models=tuple(_model_card(about[label]) for label in dict.fromkeys(rows["model"])),
        noises=tuple(_noise_card(name, rows, manifest) for name in dict.fromkeys(rows["noise_name"])),
        datasets=tuple(_dataset_card(sets[name]) for name in dict.fromkeys(rows["dataset"])),
        pictures=tuple(pictures(store, rows, protocol)),
        not_measured=tuple(_not_measured(rows, last)),
    )


def _model_card(about: dict[str, Any]) -> reports.ModelCard:
    card = about["card"]
    return reports.ModelCard(
        name=about["label"],
        title=about["title"],
        size=about["size"],
        parameters=card.get("parameters"),
        weights=about["weights"],
        weights_hash=about["weights_hash"],
        paper=about["paper"],
        licence=card.get("licence", about["licence"]),
        trained_on=_trained_on(card),
        iterations=card.get("recipe", {}).get("iterations"),
        note=_how_trained(card),
    )


def _trained_on(card: dict[str, Any]) -> str:
    if "libraries" in card:
        return "nothing: it is not trained"
    trained = card.get("trained_on")
    if isinstance(trained, str):  # as whoever imported them said
        return trained
    return f"{trained['images']} images of {trained['data']}, {trained['noise']}" if trained else "not known here"


def _how_trained(card: dict[str, Any]) -> str:
    if "libraries" in card:
        libraries = ", ".join(f"{library} {version}" for library, version in card["libraries"].items())
        return f"The noise level is {card['noise_level']}. Computed by {libraries}, whose versions the hash is of"
    if "origin" in card:
        return f"imported from {card['origin']['file']} (SHA-256 {card['origin']['sha256'][:12]})"
    if "recipe" not in card:
        return ""
    recipe, network = card["recipe"], card["network"]
    crop, minutes = recipe["crop"], card["seconds"] / 60
    parts = [f"batch {recipe['batch']}, crops of {crop}x{crop}"]
    if recipe["input_mask"]:
        parts.append("input mask {}-{}%".format(*recipe["input_mask"]))
    if network.get("attention_mask"):
        parts.append(f"attention mask {network['attention_mask']}%")
    return ", ".join([*parts, f"{minutes:.0f} minutes of training"])


def _noise_card(name: str, rows: pd.DataFrame, manifest: list[dict]) -> reports.NoiseCard:
    kept = {name: card for entry in manifest for name, card in entry.get("noise_cards", {}).items()}
    if name in noise_zoo.names():
        kept[name] = noises.card(noises.noise_class(name))
    if name not in kept:  # of a run of old
        return reports.NoiseCard(name)
    levels = rows.loc[rows["noise_name"] == name, "level"].dropna().unique()
    card = kept[name]
    return reports.NoiseCard(name, card["title"], card["formula"], card["source"], card["axis"], tuple(sorted(levels)))


def _dataset_card(about: dict[str, Any]) -> reports.DatasetCard:
    return reports.DatasetCard(about["name"], about["title"], about["images"], about["licence"], about["note"])


def pictures(store: Store, rows: pd.DataFrame, protocol: str):
    """The pictures of these rows that are in the run folder."""
    folder = store.folder / "pictures"
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    for row in rows.to_dict("records") if there else ():
        shared = (row["image_hash"], row["noise"], row["noise_version"], row["seed"], protocol)
        found = {
            "clean": store.picture_path("clean", *shared),
            "noisy": store.picture_path("noisy", *shared),
            row["model"]: store.picture_path(row_key(row)),
        }
        for source, path in found.items():
            if path.name in there:
                yield reports.Picture(row["dataset"], row["image"], row["noise"], row["seed"], source, path)


def _not_measured(rows: pd.DataFrame, last: dict) -> list[str]:
    sentences = [sentence[0].upper() + sentence[1:] + "." for sentence in last["left_out"]]
    if rows["lpips"].isna().all():
        sentences.append("LPIPS was not measured.")
    failed = int((rows["status"] != "ok").sum())
    if failed:
        reasons = rows.loc[rows["status"] != "ok", "reason"].value_counts()
        sentences.append(f"{failed} rows failed, most often because: {reasons.index[0]}.")
    small = [d for d, part in rows.groupby("dataset", sort=False) if part["image"].nunique() < 20]
    for name in small:
        count = rows.loc[rows["dataset"] == name, "image"].nunique()
        sentences.append(f"{name} has {count} images only: its intervals are wide and themselves uncertain.")
    if (rows["size"] == "small").any():
        sentences.append(
            "Models of size small are scaled-down members of their families, trained alike for a short time; "
            "they say nothing of the published sizes."
        )
    return sentences
