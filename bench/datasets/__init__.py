"""Data sets: clean colour images by name, or pairs of noisy and clean ones, from the installation or from folders.

A data set spec takes `crop` (side of the centre crop in pixels) and `limit` (the first so many images, in the order of
their names): `CBSD68(crop=256, limit=16)`. `pairs=False` leaves the noisy images of pairs aside; `exposure` (stops) and
`tone` ('clip' or 'reinhard') are for renders in linear light. All are part of its name. A folder given by its path is
called by the folder's own name, so that rows do not depend on where files lie.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import spec
from bench.datasets import folders, tone
from bench.datasets.image import SUFFIXES, CleanImage, Dataset, centre_crop, read_file
from bench.datasets.places import added, locate, remember
from bench.datasets.public import PUBLIC, PublicSet, verify
from bench.errors import BadInput, unknown

__all__ = ["SUFFIXES", "CleanImage", "Dataset", "centre_crop", "load_dataset", "read_file"]

Look = tuple[float | None, str | None]  # exposure and tone of renders


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
    folder, public = locate(name), PUBLIC.get(name)
    if folder is None and public:
        how = f"bench data fetch {name}, or" if public.direct else f"get it from {public.home} and"
        raise BadInput(
            f"data set {name!r} is not on this machine: {how} put its {public.files} files into $BENCH_DATA/{name}, "
            f"or name their folder: bench data add {name} DIR"
        )
    if folder is None:
        raise unknown("data set", name, [*builtin.NAMES, *PUBLIC, *added()])
    return _public(public, folder, look) if public else _folder(folder, name, look)


def _public(public: PublicSet, folder: Path, look: Look) -> Dataset:
    """A public set, compared with its published list. Raises BadInput."""
    note = verify(public, folder) if public.manifest else "no SHA-256 list is published: the files are not compared"
    found = _folder(folder, public.name, look)
    return replace(found, title=public.title, licence=public.licence, note=f"{note}; {public.citation}")


def _folder(folder: Path, name: str, look: Look = (None, None)) -> Dataset:
    images = folders.images_of(folder, *look)
    kind = "pairs" if images[0].recorded else "images"
    return Dataset(name, f"folder of {len(images)} {kind}", "of its owners", images, folder=str(folder.resolve()))


def add(name: str, folder: Path) -> Dataset:
    """Remember a folder under a name; a public name is verified first."""
    from bench.datasets import builtin

    if name in builtin.NAMES:
        raise BadInput(f"{name!r} is a data set of the installation: choose another name")
    spec.parse(name)
    public = PUBLIC.get(name)
    dataset = _public(public, folder, (None, None)) if public else _folder(folder, name)
    remember(name, folder)
    return dataset
