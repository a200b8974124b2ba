"""Pictures: clean, noisy and every model side by side, with their scores."""

import math
from collections import defaultdict
from dataclasses import asdict, dataclass

from reports.folder import SiteFolder
from reports.formatting import number
from reports.panels import Panel
from reports.results import NOISY, Results
from reports.study import Picture

CLEAN = "clean"


@dataclass(frozen=True)
class Tile:
    """One picture with its scores as text ('' where it has none); `best` marks the highest PSNR."""

    source: str
    title: str
    file: str
    psnr: str
    ssim: str
    best: bool


@dataclass(frozen=True)
class Scene:
    """One image under one noise and seed."""

    dataset: str
    image: str
    noise: str
    noise_name: str
    label: str
    seed: int
    tiles: tuple[Tile, ...]


def context(results: Results, folder: SiteFolder) -> dict[str, object]:
    """All scenes as data for the script, the first of them for readers without it."""
    scenes, missing = collect(results, folder)
    if not scenes:
        return {"scene": None, "missing": missing, "data": ""}
    first = first_shown(results, scenes)
    plain = [asdict(scene) for scene in scenes]
    data = folder.script("data/gallery.js", "gallery", plain)
    return {"scene": scenes[first], "first": first, "missing": missing, "data": data}


def first_shown(results: Results, scenes: list[Scene]) -> int:
    """Place of the first image under a middle level of a noise off the training noise."""
    away = [setting.spec for setting in results.off_training]
    image = (scenes[0].dataset, scenes[0].image)
    here = [place for place, one in enumerate(scenes) if (one.dataset, one.image) == image and one.noise in away]
    return here[(len(here) - 1) // 2] if here else 0


def collect(results: Results, folder: SiteFolder) -> tuple[list[Scene], int]:
    """Copies the pictures; scenes in reading order, and how many files could not be read."""
    grouped: dict[tuple[str, str, str, int], dict[str, str]] = defaultdict(dict)
    clean: dict[tuple[str, str], str] = {}
    missing = 0
    for picture in results.study.pictures:
        address = folder.picture(picture.path)
        if address is None:
            missing += 1
            continue
        if picture.source == CLEAN:
            clean.setdefault((picture.dataset, picture.image), address)
        if picture.source != CLEAN or picture.noise:
            grouped[place(picture)][picture.source] = address
    scores = scores_of(results)
    scenes = [scene(results, key, files, clean, scores) for key, files in grouped.items()]
    order = {setting.spec: index for index, setting in enumerate(results.noises)}
    images = {key: index for index, key in enumerate(dict.fromkeys((s.dataset, s.image) for s in scenes))}
    known = [one for one in scenes if any(tile.source != CLEAN for tile in one.tiles)]
    known.sort(
        key=lambda one: (
            images[one.dataset, one.image],
            order.get(one.noise, len(order)),
            one.noise,
            one.seed,
        )
    )
    return known, missing


def place(picture: Picture) -> tuple[str, str, str, int]:
    """What the pictures of one scene share."""
    return picture.dataset, picture.image, picture.noise, int(picture.seed)


def scores_of(results: Results) -> dict[tuple, tuple[float, float]]:
    """PSNR and SSIM by (data set, image, noise, seed, model or noisy)."""
    pictured = {place(picture) for picture in results.study.pictures}
    scores: dict[tuple, tuple[float, float]] = {}
    columns = [
        "dataset",
        "image",
        "noise",
        "seed",
        "model",
        "status",
        "psnr",
        "ssim",
        "psnr_noisy",
        "ssim_noisy",
    ]
    for dataset, image, noise, seed, model, status, *values in results.rows[columns].itertuples(index=False):
        key = (dataset, image, noise, seed)
        if key in pictured:
            psnr, ssim, psnr_noisy, ssim_noisy = (float(value) for value in values)
            if status == "ok":
                scores[*key, model] = (psnr, ssim)
            if math.isfinite(psnr_noisy):
                scores[*key, NOISY] = (psnr_noisy, ssim_noisy)
    return scores


def scene(results: Results, key: tuple[str, str, str, int], files: dict, clean: dict, scores: dict) -> Scene:
    """One scene: clean, noisy, then the models in order."""
    dataset, image, noise, seed = key
    files = ({CLEAN: clean[dataset, image]} if (dataset, image) in clean else {}) | files
    order = [CLEAN, NOISY, *results.models, *files]
    sources = [source for source in dict.fromkeys(order) if source in files]
    known = {source: scores.get((*key, source), (math.nan, math.nan)) for source in sources}
    models = [known[source][0] for source in sources if source not in (CLEAN, NOISY)]
    best = max((value for value in models if math.isfinite(value)), default=math.nan)
    titles = {CLEAN: "clean", NOISY: "noisy input"}
    tiles = tuple(
        Tile(source, titles.get(source, source), files[source], *texts(known[source]), known[source][0] == best)
        for source in sources
    )
    setting = next((one for one in results.noises if one.spec == noise), None)
    name = setting.name if setting else noise.split("(")[0]
    return Scene(dataset, image, noise, name, setting.label if setting else noise, seed, tiles)


def texts(scores: tuple[float, float]) -> tuple[str, str]:
    """PSNR and SSIM -> their texts, '' where there are none."""
    return tuple(
        number(value, digits) if math.isfinite(value) else "" for value, digits in zip(scores, (2, 4), strict=True)
    )


PANEL = Panel("overview", 40, "Pictures", context)
