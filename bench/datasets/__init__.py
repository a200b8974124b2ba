"""Data sets: clean colour images by name, or pairs of noisy and clean ones, from the installation or from folders.

A data set spec takes `crop` (side of the centre crop in pixels) and `limit` (the first so many images, in the order of
their names): `CBSD68(crop=256, limit=16)`. `pairs=False` leaves the noisy images of pairs aside; `exposure` (stops) and
`tone` ('clip' or 'reinhard') are for renders in linear light. All are part of its name. A folder given by its path is
called by the folder's own name, so that rows do not depend on where files lie.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import spec
from bench.datasets import folders, tone
from bench.datasets.image import SUFFIXES, CleanImage, Dataset, centre_crop, read_file
from bench.errors import BadInput, unknown
from bench.home import home

__all__ = ["SUFFIXES", "CleanImage", "Dataset", "centre_crop", "load_dataset", "read_file"]

MANIFESTS = Path(__file__).parent / "manifests"

PUBLIC = {
    "CBSD68": "68 colour photographs of the Berkeley segmentation set (481x321), test",
    "Kodak24": "24 crops of 500x500 from the Kodak photographs, as the denoising papers use them, test",
    "Kodak24-full": "24 Kodak photographs whole (768x512), test",
    "McMaster": "18 colour images of 500x500, test",
    "Urban100": "100 photographs of buildings, test",
    "BSDS400": "BSDS500's train and test parts, 400 photographs, for training (CBSD68 lies in its val part)",
}


def load_dataset(text: str | Path | spec.Spec) -> Dataset:
    """A data set by spec or by folder. Raises BadInput if it is unknown, empty, or not the published files."""
    if isinstance(text, Path):
        return _folder(text, text.resolve().name)
    parsed = spec.parse(text) if isinstance(text, str) else text
    given = spec.bind(parsed, DEFAULTS, "data set")
    for key, value in given.items():
        if not _fits(key, value):
            raise BadInput(f"data set {parsed.name!r}: {key} is {value!r}, wanted {WANTED[key]}")
    return _restrict(_find(parsed.name, given), given)


def _parameters(
    crop: int | None = None,
    limit: int | None = None,
    pairs: bool = True,
    exposure: float | None = None,
    tone: str | None = None,
) -> None:
    """The parameters of every data set spec."""


DEFAULTS = spec.parameters_of(_parameters)
WANTED = dict.fromkeys(("crop", "limit"), "a whole number from 1") | {
    "pairs": "True or False",
    "exposure": "a number of stops from -30 to 30",
    "tone": " or ".join(map(repr, tone.CURVES)),
}


def _fits(key: str, value: Any) -> bool:
    if key == "pairs":
        return isinstance(value, bool)
    if value is None:
        return True
    if key == "tone":
        return value in tone.CURVES
    number = isinstance(value, int) if key in ("crop", "limit") else isinstance(value, int | float)
    low, high = (-30, 30) if key == "exposure" else (1, float("inf"))
    return number and not isinstance(value, bool) and low <= value <= high


def limited(dataset: Dataset, limit: int | None) -> Dataset:
    """The first `limit` images, named so; the data set itself where it has no more than that."""
    if limit is None or len(dataset.images) <= limit:
        return dataset
    parsed = spec.parse(dataset.name)
    return _restrict(replace(dataset, name=parsed.name), {**dict(parsed.kwargs), "limit": limit})


def _restrict(dataset: Dataset, given: dict[str, Any]) -> Dataset:
    """The data set with the parameters of its spec, which its name then has."""
    crop, limit = given.get("crop"), given.get("limit")
    images = tuple(replace(image, crop=crop or image.crop) for image in dataset.images[:limit])
    defaults = {key: parameter.default for key, parameter in DEFAULTS.items()}
    name = spec.canonical(dataset.name, {**defaults, **given}, defaults)
    restricted = replace(dataset, name=name, images=images)
    return restricted if given.get("pairs", True) else restricted.without_noise()


def _find(name: str, given: dict[str, Any]) -> Dataset:
    from bench.datasets import builtin

    look = given.get("exposure"), given.get("tone")
    if name in builtin.NAMES:
        if look != (None, None):
            raise BadInput(f"exposure and tone are for renders in linear light, and {name} has none")
        return builtin.load(name)
    folder = locate(name)
    if folder is None and name in PUBLIC:
        raise BadInput(
            f"data set {name!r} is not on this machine: put its {len(read_manifest(name))} files into "
            f"$BENCH_DATA/{name}, or name their folder: bench data add {name} DIR"
        )
    if folder is None:
        raise unknown("data set", name, [*builtin.NAMES, *PUBLIC, *added()])
    if name in PUBLIC:
        verify(name, folder)
    return _folder(folder, name, name in PUBLIC, *look)


def _folder(
    folder: Path, name: str, verified: bool = False, exposure: float | None = None, curve: str | None = None
) -> Dataset:
    images = folders.images_of(folder, exposure, curve)
    kind = "pairs" if images[0].recorded else "images"
    title = PUBLIC[name] if verified else f"folder of {len(images)} {kind}"
    note = "files equal the published SHA-256 list" if verified else ""
    return Dataset(name, title, "of its owners", images, note)


def locate(name: str) -> Path | None:
    """The folder of a named data set: $BENCH_DATA/NAME, or as added."""
    for root in filter(None, os.environ.get("BENCH_DATA", "").split(os.pathsep)):
        if (Path(root) / name).is_dir():
            return Path(root) / name
    return Path(added()[name]) if name in added() else None


def read_manifest(name: str) -> dict[str, str]:
    """File name -> SHA-256 of a public data set."""
    lines = (MANIFESTS / f"{name}.sha256").read_text().splitlines()
    return {file: digest for digest, file in (line.split(maxsplit=1) for line in lines)}


def verify(name: str, folder: Path) -> None:
    """Compare a folder with the published list. Raises BadInput that counts and names missing and differing files."""
    manifest = read_manifest(name)
    missing = [file for file in manifest if not (folder / file).is_file()]
    present = [file for file in manifest if (folder / file).is_file()]
    differing = [f for f in present if hashlib.sha256((folder / f).read_bytes()).hexdigest() != manifest[f]]
    problems = [
        f"{len(files)} of {len(manifest)} files {what} ({', '.join(files[:3])}{', ...' if len(files) > 3 else ''})"
        for what, files in (("are missing", missing), ("differ", differing))
        if files
    ]
    if problems:
        raise BadInput(
            f"{folder} is not the published {name}: {'; '.join(problems)}. Mend the files, or use them under "
            f"another name with --data {folder}"
        )


def _settings() -> Path:
    return home() / "datasets.json"


def added() -> dict[str, str]:
    """Data sets that the user has named with `bench data add`: name -> folder."""
    return json.loads(_settings().read_text()) if _settings().exists() else {}


def add(name: str, folder: Path) -> Dataset:
    """Remember a folder under a name; a public name is verified first."""
    from bench.datasets import builtin

    if name in builtin.NAMES:
        raise BadInput(f"{name!r} is a data set of the installation: choose another name")
    spec.parse(name)
    if name in PUBLIC:
        verify(name, folder)
    dataset = _folder(folder, name, verified=name in PUBLIC)
    settings = _settings()
    settings.parent.mkdir(parents=True, exist_ok=True)
    part = settings.with_suffix(".part")
    part.write_text(json.dumps({**added(), name: str(folder.resolve())}, indent=1))
    os.replace(part, settings)
    return dataset
