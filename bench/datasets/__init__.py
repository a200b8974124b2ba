"""Data sets: clean colour images by name, or pairs of noisy and clean ones, from the installation or from folders.

A data set spec takes `crop` (side of the centre crop in pixels) and `limit` (the first so many images, in the order of
their names): `CBSD68(crop=256, limit=16)`. `pairs=False` skips the noisy images of pairs; `exposure` (stops), `tone`
('clip' or 'reinhard') and `layer` (of EXR files, 'beauty') are for renders in linear light. `noisy`, `clean` and `name`
state which files are which where the usual names do not: `photos(noisy='in', clean='gt', name='{}_n')`. All are part
of its name. A folder given by its path, `DIR` or `DIR(crop=256)`, is called by the folder's own name, so that rows do
not depend on where files lie.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import spec
from bench.datasets import folders, tone
from bench.datasets.folders import StatedLayout, unpaired_images
from bench.datasets.image import SUFFIXES, CleanImage, Dataset, centre_crop, read_file
from bench.datasets.locations import added_datasets, locate, not_a_folder, remember
from bench.datasets.public import PUBLIC, PublicSet, verify
from bench.datasets.readers import DEFAULT_EXR_OPTIONS, ExrOptions
from bench.errors import BadInput, unknown
from bench.home import expanded

__all__ = ["SUFFIXES", "CleanImage", "Dataset", "centre_crop", "load_dataset", "unpaired_images", "read_file", "source"]


def load_dataset(text: str | Path | spec.Spec) -> Dataset:
    """A data set by spec or by folder. Raises BadInput if it is unknown, empty, or not the published files."""
    if isinstance(text, Path):
        return _of_path(expanded(text))
    parsed = spec.parse(text) if isinstance(text, str) else text
    given = _given(parsed)
    return _restrict(_find(parsed.name, given), given)


def source(text: str) -> Path | str:
    """A data set as it was typed: the Path of a folder or file, DIR(...) of one too, or else the text of a spec."""
    path = expanded(Path(text))
    return path if path.exists() or _with_parameters(text) else text


def _with_parameters(text: str) -> tuple[Path, str] | None:
    """DIR(parameters) -> the folder and '(parameters)'; None for all else. A folder's name may have brackets too."""
    for found in reversed(list(re.finditer(r"\(", text)) if text.endswith(")") else []):
        if (folder := expanded(Path(text[: found.start()].rstrip()))).is_dir() and found.start():
            return folder, text[found.start() :]
    return None


def _of_path(path: Path) -> Dataset:
    """The data set of a folder, or of DIR(parameters)."""
    folder, given = path, {}
    if not path.exists() and (found := _with_parameters(str(path))):
        folder, given = found[0], _given(spec.parse(f"{FOLDER}{found[1]}"))
    if not folder.is_dir():
        raise not_a_folder(folder)
    return _restrict(_folder(folder, folder.resolve().name, given), given)


def _given(parsed: spec.Spec) -> dict[str, Any]:
    """The parameters of a data set spec. Raises BadInput for one that cannot be."""
    given = spec.bind(parsed, DEFAULTS, "data set")
    for key, value in given.items():
        if not _fits(key, value):
            raise BadInput(f"data set {parsed.name!r}: {key} is {value!r}, wanted {WANTED[key]}")
    return given


def _parameters(
    crop: int | None = None,
    limit: int | None = None,
    pairs: bool = True,
    exposure: float | None = None,
    tone: str | None = None,
    layer: str | None = None,
    noisy: str | tuple[str, ...] | None = None,
    clean: str | None = None,
    name: str = "{}",
) -> None:
    """The parameters of every data set spec."""


FOLDER = "folder"  # what a folder that is named by its path is called in errors
DEFAULTS = spec.parameters_of(_parameters)
WANTED = dict.fromkeys(("crop", "limit"), "a whole number from 1") | {
    "pairs": "True or False",
    "exposure": "a number of stops from -30 to 30",
    "tone": " or ".join(map(repr, tone.CURVES)),
    "layer": "the name of a layer in quotes",
    "noisy": "a folder in quotes, or a pattern such as 'in/{}_n', or several of them in brackets",
    "clean": "a folder in quotes, or a pattern such as 'gt/{}'",
    "name": "the pattern of a noisy file's name without suffix, with {} for the clean one's: '{}_n'",
}


def _fits(key: str, value: Any) -> bool:
    if key == "pairs":
        return isinstance(value, bool)
    if value is None:
        return True
    if key == "tone":
        return value in tone.CURVES
    if key == "name":
        return isinstance(value, str) and value.count("{}") == 1 and "/" not in value
    if key in ("layer", "noisy", "clean"):
        texts = value if key == "noisy" and isinstance(value, list | tuple) and value else [value]
        return all(isinstance(text, str) and text and text.count("{}") < 2 for text in texts)
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

    if name in builtin.NAMES:
        if _exr_options(given) != DEFAULT_EXR_OPTIONS or _stated_layout(given).stated:
            own = [key for key in given if key not in ("crop", "limit", "pairs")]
            raise BadInput(f"{', '.join(own)}: for renders in linear light and folders of images, and {name} has none")
        return builtin.load(name)
    folder, public = locate(name), PUBLIC.get(name)
    if folder is None and public:
        how = f"bench data fetch {name}, or" if public.direct else f"get it from {public.home} and"
        raise BadInput(
            f"data set {name!r} is not on this machine: {how} put its {public.files} files into $BENCH_DATA/{name}, "
            f"or name their folder: bench data add {name} DIR"
        )
    if folder is None:
        if (path := expanded(Path(name))).exists():
            kind = "folder" if path.is_dir() else "file"
            raise BadInput(f"{name} is a {kind}, expected the name of a data set: a folder is given by --data {name}, "
                           f"or gets a name by bench data add NAME {name}")  # fmt: skip
        raise unknown("data set", name, [*builtin.NAMES, *PUBLIC, *added_datasets()])
    return _public(public, folder, given) if public else _folder(folder, name, given)


def _exr_options(given: dict[str, Any]) -> ExrOptions:
    return ExrOptions(given.get("exposure"), given.get("tone"), given.get("layer"))


def _stated_layout(given: dict[str, Any]) -> StatedLayout:
    noisy = given.get("noisy")
    return StatedLayout(tuple(noisy) if isinstance(noisy, list | tuple) else noisy and (noisy,), given.get("clean"),
                  given.get("name", "{}"))  # fmt: skip


def _public(public: PublicSet, folder: Path, given: dict[str, Any]) -> Dataset:
    """A public set, compared with its published list. Raises BadInput."""
    note = verify(public, folder) if public.manifest else "no SHA-256 list is published: the files are not compared"
    found = _folder(folder, public.name, given)
    return replace(found, title=public.title, licence=public.licence, note=f"{note}; {public.citation}")


def _folder(folder: Path, name: str, given: dict[str, Any]) -> Dataset:
    found = folders.read_folder(folder, _exr_options(given), _stated_layout(given))
    kind = "pairs" if found.images[0].recorded else "images"
    return Dataset(name, f"folder of {len(found.images)} {kind}", "of its owners", found.images, found=found.remarks,
                   folder=str(folder.resolve()))  # fmt: skip


def add(name: str, folder: Path) -> Dataset | None:
    """Remember a folder under a name; a public name is verified first. None where its layout has yet to be stated."""
    from bench.datasets import builtin

    if name in builtin.NAMES:
        raise BadInput(f"{name!r} is a data set of the installation: choose another name")
    spec.parse(name)
    if not folder.is_dir():
        raise not_a_folder(folder)
    try:
        dataset = _public(PUBLIC[name], folder, {}) if name in PUBLIC else _folder(folder, name, {})
    except folders.AmbiguousLayout:
        dataset = None
    remember(name, folder)
    return dataset
