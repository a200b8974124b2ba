"""The images behind the numbers: every image's scores, and its pictures side by side where there are some."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from reports.charts.style import look
from reports.folder import SiteFolder
from reports.formatting import number
from reports.measures import GAP, PSNR, SSIM, Measure
from reports.panels import Panel
from reports.results import NOISY, NoiseSetting, Results
from reports.selection import CLEAN, SceneKey, Selection, select

TITLES = {CLEAN: "clean", NOISY: "noisy input"}


@dataclass(frozen=True)
class Tile:
    """One picture with its scores as text ('' where it has none)."""

    source: str
    title: str
    file: str
    psnr: str
    ssim: str


@dataclass(frozen=True)
class Scene:
    """One image under one noise and seed."""

    dataset: str
    image: str
    noise: str
    seed: int
    tiles: tuple[Tile, ...]


def context(results: Results, folder: SiteFolder) -> dict[str, object] | None:
    """A script of scores and pictures for each data set and noise, and one scene for readers without scripts."""
    if results.rows.empty:
        return None
    selection = select(results)
    files, missing = copied(selection, folder)
    cells, tables = {}, dict(iter(results.rows.reset_index(drop=True).groupby(["dataset", "noise"], sort=False)))
    for d, dataset in enumerate(results.datasets):
        for n, setting in enumerate(results.noises):
            if (dataset, setting.spec) in tables:
                name = f"images-{d}-{n}"
                data = cell(results, tables[dataset, setting.spec], dataset, setting, selection, files)
                cells[f"{d}-{n}"] = folder.script(f"data/{name}.js", name, data)
    index = folder.script("data/images.js", "images", {**described(results), "cells": cells})
    return {
        "index": index,
        "scene": first_scene(results, files),
        "words": selection.words,
        "missing": missing,
    }


Files = dict[SceneKey, dict[str, str]]


def copied(selection: Selection, folder: SiteFolder) -> tuple[Files, int]:
    """Copies the pictures; their addresses by scene and source, and how many could not be read."""
    files: Files = {}
    missing = 0
    for key, pictures in selection.files.items():
        found = {source: folder.picture(picture.path) for source, picture in pictures.items()}
        missing += sum(address is None for address in found.values())
        known = {source: address for source, address in found.items() if address is not None}
        if set(known) - {CLEAN}:
            files[key] = known
    return files, missing


def described(results: Results) -> dict[str, object]:
    """What the script needs to know about the run."""
    return {
        "datasets": results.datasets,
        "noises": [{"spec": one.spec, "name": one.name, "label": one.label} for one in results.noises],
        "first": [one.spec for one in first_choice(results)],
        "models": [{"name": model, "colour": look(results.models, model).variable} for model in results.models],
        "measures": [
            {"key": one.key, "title": one.heading, "digits": one.digits, "higher": one.higher_is_better}
            for one in scored(results)
        ],
    }


def scored(results: Results) -> list[Measure]:
    """The measures that have a number; PSNR where none has."""
    return [measure for measure in results.measures if measure is not GAP] or [PSNR]


def first_choice(results: Results) -> list[NoiseSetting]:
    """The noises in the order in which one is chosen to begin with: the middle level of the first off training."""
    away = [one for one in results.off_training if one.name == results.off_training[0].name]
    middle = away[(len(away) - 1) // 2 :] + away[: (len(away) - 1) // 2]
    return [*middle, *(one for one in results.noises if one not in away)]


def cell(
    results: Results, rows: pd.DataFrame, dataset: str, setting: NoiseSetting, selection: Selection, files: Files
) -> dict[str, object]:
    """One data set under one noise: its images, the scores of each source in their order, failures and pictures."""
    keys = rows[["image", "seed"]].drop_duplicates().reset_index(drop=True)
    places = {key: place for place, key in enumerate(keys.itertuples(index=False, name=None))}
    at = pd.Series([places[key] for key in rows[["image", "seed"]].itertuples(index=False, name=None)], rows.index)
    scores = {m.key: dict(columns(rows, at, len(places), m.key, m.digits)) for m in scored(results)}
    failed = rows[rows["status"] != "ok"]
    failures: dict[str, dict[int, str]] = {}
    for model, place, reason in zip(failed["model"], at[failed.index], failed["reason"], strict=True):
        failures.setdefault(model, {})[place] = "" if pd.isna(reason) else str(reason)
    pictures, roles = {}, {}
    for (image, seed), place in places.items():
        key = (dataset, image, setting.spec, int(seed))
        if key in files:
            pictures[place], roles[place] = files[key], selection.roles[key]
    return {
        "images": keys["image"].astype(str).tolist(),
        "seeds": keys["seed"].astype(int).tolist(),
        "scores": scores,
        "failed": failures,
        "pictures": pictures,
        "roles": roles,
    }


def columns(
    rows: pd.DataFrame, at: pd.Series, length: int, key: str, digits: int
) -> Iterator[tuple[str, list[float | None]]]:
    """The scores of each model, and of the noisy input, by the place of the image; None where there is none."""
    for model, part in rows.groupby("model", sort=False):
        ok = part[part["status"] == "ok"]
        yield model, placed(at[ok.index], ok[key], length, digits)
    yield NOISY, placed(at, rows[f"{key}_noisy"], length, digits)


def placed(at: pd.Series, values: pd.Series, length: int, digits: int) -> list[float | None]:
    """Values -> a list of that length with each at its place, rounded for the page."""
    found: list[float | None] = [None] * length
    for place, value in zip(at, values.astype(float).round(digits + 1), strict=True):
        if value == value:
            found[place] = value
    return found


def first_scene(results: Results, files: Files) -> Scene | None:
    """The first pictured image under the noise that is chosen to begin with."""
    wanted = {one.spec: place for place, one in enumerate(first_choice(results))}
    keys = sorted(files, key=lambda key: wanted.get(key[2], len(wanted)))
    if not keys:
        return None
    dataset, image, noise, seed = keys[0]
    rows = results.rows
    here = rows[(rows["dataset"] == dataset) & (rows["image"] == image) & (rows["noise"] == noise)]
    here = here[here["seed"] == seed]
    known = {row["model"]: row for row in here.to_dict("records") if row["status"] == "ok"}
    noisy = next(iter(here.to_dict("records")), {})
    order = dict.fromkeys([NOISY, *results.models, CLEAN, *files[keys[0]]])
    return Scene(
        dataset,
        image,
        noise,
        seed,
        tuple(tile(source, files[keys[0]][source], known, noisy) for source in order if source in files[keys[0]]),
    )


def tile(source: str, file: str, known: dict[str, dict], noisy: dict) -> Tile:
    """A picture with its scores."""
    row, suffix = (noisy, "_noisy") if source == NOISY else (known.get(source, {}), "")
    texts = []
    for measure in (PSNR, SSIM):
        value = row.get(f"{measure.key}{suffix}")
        texts.append("" if value is None or pd.isna(value) else number(float(value), measure.digits))
    return Tile(source, TITLES.get(source, source), file, *texts)


PANEL = Panel("images", 0, "Images", context)
