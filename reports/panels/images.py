"""The page of images: the scores of every image, and its pictures side by side if the run saved them."""

from dataclasses import dataclass

import pandas as pd

from reports.charts.style import series_style
from reports.data import NoiseMean
from reports.formatting import number, printable
from reports.measures import DROP, PSNR, SSIM, Measure
from reports.panels import Panel
from reports.picture_selection import CLEAN, PictureSelection, SceneKey, select
from reports.results import NOISY, NoiseSetting, Results
from reports.site_writer import SiteWriter

EXTRA_DIGITS = 4  # beyond those shown: with one, the script's second rounding would change the last digit shown


@dataclass(frozen=True)
class Tile:
    """One picture with its scores as text, '' without one."""

    source: str
    title: str
    file: str
    psnr: str
    ssim: str


@dataclass(frozen=True)
class PictureSet:
    """The pictures of one image under one noise and seed."""

    dataset: str
    image: str
    noise: str
    seed: int
    tiles: tuple[Tile, ...]


def context(results: Results, writer: SiteWriter) -> dict[str, object] | None:
    """Writes a script with scores and pictures per data set and noise; one image is in the HTML for use without
    scripts."""
    if results.rows.empty:
        return None
    selection = select(results)
    files, missing = copied(selection, writer)
    cells = {}
    for d, dataset in enumerate(results.datasets):
        for n, column in enumerate((*results.noises, *results.numbers.means)):
            if isinstance(column, NoiseMean):
                data = averaged(results, dataset, column)
            else:
                data = cell(results, dataset, column, selection, files)
            if data is not None:
                cells[f"{d}-{n}"] = writer.script(f"data/images-{d}-{n}.js", f"images-{d}-{n}", data)
    index = writer.script("data/images.js", "images", {**described(results), "cells": cells})
    return {
        "index": index,
        "scene": first_pictures(results, files),
        "selection_note": selection.note,
        "missing": missing,
    }


Files = dict[SceneKey, dict[str, str]]


def copied(selection: PictureSelection, writer: SiteWriter) -> tuple[Files, int]:
    """Copies the pictures; returns their addresses by scene and source, and how many could not be read."""
    files: Files = {}
    missing = 0
    for key, pictures in selection.files.items():
        addresses = {source: writer.picture(picture.path) for source, picture in pictures.items()}
        missing += sum(address is None for address in addresses.values())
        known = {source: address for source, address in addresses.items() if address is not None}
        if set(known) - {CLEAN}:
            files[key] = known
    return files, missing


def described(results: Results) -> dict[str, object]:
    """The data sets, noises, models and measures of the run for the script."""
    return {
        "datasets": results.datasets,
        "noises": [
            *({"spec": one.spec, "name": one.name, "label": one.label} for one in results.noises),
            *(
                {
                    "spec": one.spec,
                    "name": one.name or one.spec,
                    "label": one.label,
                    "of": one.over,
                }
                for one in results.numbers.means
            ),
        ],
        "first": [one.spec for one in first_choice(results)],
        "command": printable(results.study.figure_command),
        "models": [
            {"name": model, "label": results.label(model), "colour": series_style(results.models, model).variable}
            for model in results.models
        ],
        "measures": [
            {"key": one.key, "title": one.heading, "digits": one.digits, "higher": one.higher_is_better}
            for one in scored(results)
        ],
    }


def scored(results: Results) -> list[Measure]:
    """The measures with a value; PSNR without any."""
    return list(results.measures) or [PSNR]


def first_choice(results: Results) -> list[NoiseSetting]:
    """The noises by preference for the initial view: the middle level of the first OOD noise first."""
    ood = results.ood_of_headline
    levels = [one for one in ood if one.name == ood[0].name]
    middle = levels[(len(levels) - 1) // 2 :] + levels[: (len(levels) - 1) // 2]
    return [*middle, *(one for one in results.noises if one not in levels)]


def cell(
    results: Results, dataset: str, setting: NoiseSetting, selection: PictureSelection, files: Files
) -> dict[str, object] | None:
    """One data set under one noise: images, scores by measure and source in the order of the images, failures,
    pictures; None if not evaluated."""
    known = results.by_seed[PSNR.key].get((dataset, setting.spec))
    if known is None:
        return None
    indices = {(str(image), int(seed)): index for index, (image, seed) in enumerate(known.index)}
    failures: dict[str, dict[int, str]] = {}
    for model, image, seed, reason in results.failures.get((dataset, setting.spec), ()):
        failures.setdefault(model, {})[indices[image, seed]] = reason
    pictures, roles = {}, {}
    for (image, seed), index in indices.items():
        key = (dataset, image, setting.spec, seed)
        if key in files:
            pictures[index], roles[index] = files[key], selection.roles[key]
    return {
        "images": [image for image, _ in indices],
        "seeds": [seed for _, seed in indices],
        "scores": {one.key: scores(results, dataset, setting, one) for one in scored(results)},
        "failed": failures,
        "pictures": pictures,
        "roles": roles,
    }


def scores(results: Results, dataset: str, setting: NoiseSetting, measure: Measure) -> dict[str, list[float | None]]:
    """The scores of each model and of the noisy input, in the order of images and seeds, None without one."""
    tables = results.by_seed[PSNR.key if measure is DROP else measure.key]
    table = tables[dataset, setting.spec]
    if measure is DROP:
        reference = tables.get((dataset, results.reference.spec)) if results.reference else None
        table = (
            pd.DataFrame()
            if reference is None or setting == results.reference
            else reference.reindex(table.index) - table
        )
    return listed(table, measure)


def listed(table: pd.DataFrame, measure: Measure) -> dict[str, list[float | None]]:
    """A table -> its columns with a value, as rounded lists with None for NaN."""
    rounded = table.to_numpy(dtype=float).round(measure.digits + EXTRA_DIGITS)
    columns = {str(name): values.tolist() for name, values in zip(table.columns, rounded.T, strict=True)}
    listed_ = {name: [value if value == value else None for value in values] for name, values in columns.items()}
    return {name: values for name, values in listed_.items() if any(value is not None for value in values)}


def averaged(results: Results, dataset: str, average: NoiseMean) -> dict[str, object] | None:
    """One data set under a mean over several settings: images and mean scores; pictures are under the settings."""
    tables = {one.key: results.mean_per_image(dataset, average, one) for one in scored(results)}
    images = tables[PSNR.key].index
    if not len(images):
        return None
    scores_ = {one.key: listed(tables[one.key].reindex(images), one) for one in scored(results)}
    names = [str(image) for image in images]
    return {"images": names, "seeds": [""] * len(names), "scores": scores_, "failed": {}, "pictures": {}, "roles": {}}


def first_pictures(results: Results, files: Files) -> PictureSet | None:
    """The first image with pictures under the noise of the initial view; None without pictures."""
    order_of = {one.spec: index for index, one in enumerate(first_choice(results))}
    keys = sorted(files, key=lambda key: order_of.get(key[2], len(order_of)))
    if not keys:
        return None
    dataset, image, noise, seed = keys[0]
    rows = results.rows
    here = rows[(rows["dataset"] == dataset) & (rows["image"] == image) & (rows["noise"] == noise)]
    here = here[here["seed"] == seed]
    known = {row["model"]: row for row in here.to_dict("records") if row["status"] == "ok"}
    noisy = next(iter(here.to_dict("records")), {})
    order = dict.fromkeys([NOISY, *results.models, CLEAN, *files[keys[0]]])
    return PictureSet(
        dataset,
        image,
        noise,
        seed,
        tuple(
            tile(results, source, files[keys[0]][source], known, noisy) for source in order if source in files[keys[0]]
        ),
    )


def tile(results: Results, source: str, file: str, known: dict[str, dict], noisy: dict) -> Tile:
    """A picture with its scores."""
    row, suffix = (noisy, "_noisy") if source == NOISY else (known.get(source, {}), "")
    texts = []
    for measure in (PSNR, SSIM):
        value = row.get(f"{measure.key}{suffix}")
        texts.append("" if value is None or pd.isna(value) else number(float(value), measure.digits))
    return Tile(source, "clean" if source == CLEAN else results.label(source), file, *texts)


PANEL = Panel("images", 0, "Images", context)
