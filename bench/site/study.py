"""The data of a run's pages besides its rows, from its manifest, the cards of models and noises, and its files."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

import noise_zoo
import reports
from bench import metrics, protocols, statistics
from bench.datasets import builtin
from bench.models import display_names
from bench.noise import noises, training_noise
from bench.noise.level_check import NEARLY_CLEAN_PSNR
from bench.runs import contents
from bench.runs.export import READABLE
from bench.runs.store import Store, row_key
from bench.statistics.formulas import FORMULAS
from bench.statistics.intervals import MIN_PHOTOGRAPHS
from bench.statistics.ood import Conditions, groups, nearly_clean
from reports.formatting import plural

TILED = (
    "Images that are too large for a network are denoised in overlapping, blended square tiles, with the side given in "
    "the table of models. Tiling changes the output of networks with global operations (channel attention in RIDNet, "
    "transposed attention in Restormer, non-local blocks in RNAN, normalization in IDF) and of attention masks, which "
    "are drawn per tile."
)


def study_of(
    store: Store, rows: pd.DataFrame, manifest: list[dict], protocol: str, conditions: Conditions
) -> reports.Study:
    """The data of the pages besides the rows."""
    last, described = manifest[-1], protocols.load_protocol(protocol)
    about = {model["label"]: model for entry in manifest for model in entry["models"]}
    names = display_names.of_manifest(store.manifest(), rows["model"])
    sets = {dataset["name"]: dataset for entry in manifest for dataset in entry["datasets"]}
    return reports.Study(
        title="MaskBench",
        command="\n".join(dict.fromkeys(map(_reproducing, manifest))),
        created=last["at"],
        run=store.folder.name,
        protocol=protocol,
        protocol_description=" ".join([described.definition, *([TILED] if (rows["tile"] > 0).any() else [])]),
        intervals=statistics.mean_intervals,
        formulas=tuple(reports.FormulaCard(one.name, one.formula, one.explanation, one.source) for one in FORMULAS),
        measures=tuple(measures(rows, manifest)),
        versions=last["versions"],
        machine=last["machine"],
        models=tuple(_model_card(about[label], name, rows, conditions) for label, name in names.items()),
        noises=tuple(_noise_card(name, rows, manifest) for name in dict.fromkeys(rows["noise_name"])),
        datasets=tuple(_dataset_card(sets[name], part) for name, part in rows.groupby("dataset", sort=False)),
        pictures=tuple(pictures(store, rows, protocol)),
        not_measured=tuple(_not_measured(rows, last)),
        reference=conditions.reference,
        groups=tuple(reports.ModelGroup(one.name, one.models, one.ood, one.known) for one in groups(rows, conditions)),
        nearly_clean=nearly_clean(rows),
        figure_command=_figure_command(store, protocol, last["protocol"]),
    )


def _reproducing(entry: Mapping[str, Any]) -> str:
    """The command that made rows of a run, for a shell; of a run from Python a comment."""
    command = entry["command"]
    return command if command.startswith("bench ") else "# bench.run(...) in Python"


def _figure_command(store: Store, protocol: str, default: str) -> str:
    """The start of the command that makes a figure of one of the run's images."""
    words = ["bench", "figure", str(store.folder), *(["--protocol", protocol] if protocol != default else [])]
    return shlex.join(words)


def measures(rows: pd.DataFrame, manifest: list[dict]) -> Iterator[reports.Measure]:
    """The metrics of the rows as the run declared them; older runs declare none and have only built-in metrics."""
    declared = {card["name"]: card for entry in manifest for card in entry.get("metrics", [])}
    for name in statistics.measured(rows):
        card = declared.get(name) or metrics.load_metric(name).card()
        yield reports.Measure(
            name,
            card["title"],
            card["unit"],
            card["digits"],
            card["higher_is_better"],
            card["meaning"],
            f"{card['words']} ({card['source']})",
        )


def _model_card(about: dict[str, Any], name: str, rows: pd.DataFrame, conditions: Conditions) -> reports.ModelCard:
    card, known = about["card"], conditions.of(about["label"])
    inside = [noise for noise in dict.fromkeys(rows["noise"]) if known.trained and known.covers(noise)]
    return reports.ModelCard(
        name=about["label"],
        title=about["title"],
        label="" if name == about["label"] else name,
        size=READABLE["size"].get(about["size"], about["size"]),
        parameters=card.get("parameters"),
        weights=READABLE["weights"].get(about["weights"], about["weights"]),
        weights_hash=about["weights_hash"],
        paper=about["paper"],
        licence=card.get("licence", about["licence"]),
        trained_on=_trained_on(about),
        iterations=card.get("recipe", {}).get("iterations"),
        note=_how_trained(card),
        training_noise=known.description,
        in_distribution=frozenset(inside),
    )


def _trained_on(about: dict[str, Any]) -> str:
    noise = training_noise.of_model(about["card"], about["weights"], about["size"])
    return training_noise.described(about["card"]) or (noise.description if noise.known else "training noise unknown")


def _how_trained(card: dict[str, Any]) -> str:
    if "outputs" in card:
        scored = card["outputs"]
        doubts = "".join(f". Warning: {sentence}" for sentence in scored["warnings"])
        return f"Outputs of other code, {scored['origin']} ({plural(scored['files'], 'output')}){doubts}"
    if "libraries" in card:
        libraries = ", ".join(f"{library} {version}" for library, version in card["libraries"].items())
        return f"Noise level: {card['noise_level']}. Computed by {libraries}; the hash covers these versions"
    level = f"Noise level: {card['noise_level']}. " if "noise_level" in card else ""
    return level + _origin(card)


def _origin(card: dict[str, Any]) -> str:
    if "origin" in card:
        return f"weights imported from {card['origin']['file']} (SHA-256 {card['origin']['sha256'][:12]})"
    if "recipe" not in card:
        return ""
    recipe, network = card["recipe"], card["network"]
    crop, minutes = recipe["crop"], card["seconds"] / 60
    parts = [f"trained with batch size {recipe['batch']}, crops of {crop}x{crop}"]
    if recipe["input_mask"]:
        parts.append("input mask {}-{}%".format(*recipe["input_mask"]))
    if network.get("attention_mask"):
        parts.append(f"attention mask {network['attention_mask']}%")
    return ", ".join([*parts, f"for {minutes:.0f} minutes" if minutes >= 1 else "for less than a minute"])


def _noise_card(name: str, rows: pd.DataFrame, manifest: list[dict]) -> reports.NoiseCard:
    kept = {name: card for entry in manifest for name, card in entry.get("noise_cards", {}).items()}
    if name in noise_zoo.names():
        kept[name] = noises.card(noises.noise_class(name))
    if name not in kept:  # older runs have no noise cards
        return reports.NoiseCard(name)
    levels = rows.loc[rows["noise_name"] == name, "level"].dropna().unique()
    card = kept[name]
    return reports.NoiseCard(name, card["title"], card["formula"], card["source"], card["axis"], tuple(sorted(levels)))


def _dataset_card(about: dict[str, Any], rows: pd.DataFrame) -> reports.DatasetCard:
    note = "; ".join(filter(None, [about["note"], *statistics.inputs(rows)]))
    name, shown = about["name"], set(rows["image"])
    licence = builtin.licences(shown) if contents.base_name(name) == "builtin" else about["licence"]
    return reports.DatasetCard(name, about["title"], about["images"], licence, note)


def pictures(store: Store, rows: pd.DataFrame, protocol: str) -> Iterator[reports.Picture]:
    """The pictures of these rows that the run folder has."""
    folder = store.folder / "pictures"
    saved = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    for row in rows.to_dict("records") if saved else ():
        shared = (row["image_hash"], row["noise"], row["noise_version"], row["seed"], protocol)
        found = {
            "clean": store.picture_path("clean", *shared),
            "noisy": store.picture_path("noisy", *shared),
            row["model"]: store.picture_path(row_key(row)),
        }
        for source, path in found.items():
            if path.name in saved:
                yield reports.Picture(row["dataset"], row["image"], row["noise"], row["seed"], source, path)


def _not_measured(rows: pd.DataFrame, last: dict) -> list[str]:
    sentences = [f"{sentence}." for sentence in last["left_out"]]
    why = last.get("not_measured", {})
    empty = [f"{sentence}." for sentence in statistics.without_value(rows)]
    sentences += empty
    for measure in measures(rows, [last]):
        if rows[measure.key].isna().all() and not any(one.startswith(f"{measure.key} ") for one in empty):
            reason = f": {why[measure.key]}" if measure.key in why else ""
            sentences.append(f"{measure.title} was not measured{reason}.")
    for noise, mean in nearly_clean(rows).items():
        sentences.append(
            f"`{noise}` is excluded from OOD means as nearly clean: the mean PSNR of the noisy input is {mean:.1f} dB "
            f"(limit: {NEARLY_CLEAN_PSNR:g} dB)."
        )
    failed = int((rows["status"] != "ok").sum())
    if failed:
        reasons = rows.loc[rows["status"] != "ok", "reason"].value_counts()
        sentences.append(
            f"{failed} {'row' if failed == 1 else 'rows'} failed; most frequent reason: {reasons.index[0]}."
        )
    small = [d for d, part in rows.groupby("dataset", sort=False) if part["image"].nunique() < 20]
    for name in small:
        count = rows.loc[rows["dataset"] == name, "image"].nunique()
        if count < MIN_PHOTOGRAPHS:
            sentences.append(f"{name} has only {plural(count, 'image')}: too few for intervals, ties and ranks.")
        else:
            sentences.append(f"{name} has only {count} images: its 95% intervals are wide and imprecise.")
    if (rows["size"] == "small").any():
        sentences.append(
            "Models of size small are scaled-down versions with a common, short training: their scores do not "
            "represent the published models."
        )
    return sentences
