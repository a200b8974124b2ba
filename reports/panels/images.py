"""The images behind the numbers: every image's scores, and its pictures side by side where there are some."""

from dataclasses import dataclass

import pandas as pd

from reports.charts.style import look
from reports.folder import SiteFolder
from reports.formatting import number
from reports.measures import GAP, PSNR, SSIM, Measure
from reports.panels import Panel
from reports.results import NOISY, Average, NoiseSetting, Results
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
    cells = {}
    for d, dataset in enumerate(results.datasets):
        for n, column in enumerate((*results.noises, *results.averages)):
            if isinstance(column, Average):
                data = averaged(results, dataset, column)
            else:
                data = cell(results, dataset, column, selection, files)
            if data is not None:
                cells[f"{d}-{n}"] = folder.script(f"data/images-{d}-{n}.js", f"images-{d}-{n}", data)
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
        "noises": [
            *({"spec": one.spec, "name": one.name, "label": one.label} for one in results.noises),
            *(
                {
                    "spec": one.spec,
                    "name": one.name or one.spec,
                    "label": one.label,
                    "of": [setting.spec for setting in one.settings],
                }
                for one in results.averages
            ),
        ],
        "first": [one.spec for one in first_choice(results)],
        "models": [{"name": model, "colour": look(results.models, model).variable} for model in results.models],
        "measures": [
            {"key": one.key, "title": one.heading, "digits": one.digits, "higher": one.higher_is_better}
            for one in scored(results)
        ],
    }


def scored(results: Results) -> list[Measure]:
    """The measures that have a number; PSNR where none has."""
    return list(results.measures) or [PSNR]


def first_choice(results: Results) -> list[NoiseSetting]:
    """The noises in the order in which one is chosen to begin with: the middle level of the first that is OOD."""
    ood = results.ood_of_headline
    away = [one for one in ood if one.name == ood[0].name]
    middle = away[(len(away) - 1) // 2 :] + away[: (len(away) - 1) // 2]
    return [*middle, *(one for one in results.noises if one not in away)]


def cell(
    results: Results, dataset: str, setting: NoiseSetting, selection: Selection, files: Files
) -> dict[str, object] | None:
    """One data set under one noise: its images, the scores of each source in their order, failures and pictures."""
    known = results.by_seed[PSNR.key].get((dataset, setting.spec))
    if known is None:
        return None
    places = {(str(image), int(seed)): place for place, (image, seed) in enumerate(known.index)}
    failures: dict[str, dict[int, str]] = {}
    for model, image, seed, reason in results.failures.get((dataset, setting.spec), ()):
        failures.setdefault(model, {})[places[image, seed]] = reason
    pictures, roles = {}, {}
    for (image, seed), place in places.items():
        key = (dataset, image, setting.spec, seed)
        if key in files:
            pictures[place], roles[place] = files[key], selection.roles[key]
    return {
        "images": [image for image, _ in places],
        "seeds": [seed for _, seed in places],
        "scores": {one.key: scores(results, dataset, setting, one) for one in scored(results)},
        "failed": failures,
        "pictures": pictures,
        "roles": roles,
    }


def scores(results: Results, dataset: str, setting: NoiseSetting, measure: Measure) -> dict[str, list[float | None]]:
    """The scores of each model, and of the noisy input, in the order of images and seeds; None where there is none."""
    tables = results.by_seed[PSNR.key if measure is GAP else measure.key]
    table = tables[dataset, setting.spec]
    if measure is GAP:
        reference = tables.get((dataset, results.reference.spec)) if results.reference else None
        table = (
            pd.DataFrame()
            if reference is None or setting == results.reference
            else reference.reindex(table.index) - table
        )
    return listed(table, measure)


def listed(table: pd.DataFrame, measure: Measure) -> dict[str, list[float | None]]:
    """A table -> its columns that have a number, as lists rounded for the page; None where there is none."""
    rounded = table.to_numpy(dtype=float).round(measure.digits + 1)
    columns = {str(name): values.tolist() for name, values in zip(table.columns, rounded.T, strict=True)}
    listed_ = {name: [value if value == value else None for value in values] for name, values in columns.items()}
    return {name: values for name, values in listed_.items() if any(value is not None for value in values)}


def averaged(results: Results, dataset: str, average: Average) -> dict[str, object] | None:
    """One data set under a mean of several noises: its images and their mean scores; its pictures are the parts'."""
    tables = {one.key: results.mean_per_image(dataset, average.settings, one) for one in scored(results)}
    images = tables[PSNR.key].index
    if not len(images):
        return None
    scores_ = {one.key: listed(tables[one.key].reindex(images), one) for one in scored(results)}
    names = [str(image) for image in images]
    return {"images": names, "seeds": [""] * len(names), "scores": scores_, "failed": {}, "pictures": {}, "roles": {}}


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
