"""Data sets: clean images, or pairs of noisy and clean ones, from the installation, by name, or from a folder.

Parameters of a data set spec, `CBSD68(crop=256, limit=16)`; all are part of its canonical name:

crop                   side of the centre crop in pixels
limit                  number of images, the first ones by name
pairs                  False skips the noisy images of pairs
exposure, tone, layer  for renders in linear light: stops, 'clip' or 'reinhard', the layer of EXR files ('beauty')
noisy, clean, name     which files are which, where folder and file names do not say so:
                       `photos(noisy='in', clean='gt', name='{}_n')`

A folder given by its path, `DIR` or `DIR(crop=256)`, has the folder's own name, so that rows do not depend on where
files are stored.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from baselines.layers.validation import is_integer, is_number
from bench import spec
from bench.core.errors import BadInput, unknown
from bench.core.paths import expand_user
from bench.datasets import folders, tone
from bench.datasets.folders import StatedLayout, unpaired_images
from bench.datasets.image import SUFFIXES, CleanImage, Dataset, centre_crop, read_file
from bench.datasets.locations import added_datasets, locate, not_a_folder, remember
from bench.datasets.public import PUBLIC, PublicSet, verify
from bench.datasets.readers import DEFAULT_EXR_OPTIONS, ExrOptions

__all__ = ["SUFFIXES", "CleanImage", "Dataset", "centre_crop", "load_dataset", "read_file", "source", "unpaired_images"]


def load_dataset(text: str | Path | spec.Spec) -> Dataset:
    """Load a data set by spec or folder.

    Raises BadInput if it is unknown or empty, or if a public set differs from its published files.
    """
    if isinstance(text, Path):
        return _of_path(expand_user(text))
    parsed = spec.parse(text) if isinstance(text, str) else text
    given = _given(parsed, f"data set {parsed.name}")
    return _restrict(_find(parsed.name, given), given)


def source(text: str) -> Path | str:
    """Return a data set argument as a Path if it names a folder, DIR(...) or a file, else as the text of a spec."""
    path = expand_user(Path(text))
    return path if path.exists() or _with_parameters(text) else text


def _with_parameters(text: str) -> tuple[Path, str] | None:
    """Split DIR(parameters) into the folder and '(parameters)'; else None. Folder names may contain brackets."""
    for found in reversed(list(re.finditer(r"\(", text)) if text.endswith(")") else []):
        if (folder := expand_user(Path(text[: found.start()].rstrip()))).is_dir() and found.start():
            return folder, text[found.start() :]
    return None


def _of_path(path: Path) -> Dataset:
    """Load the data set of a folder, or of DIR(parameters)."""
    folder, given = path, {}
    if not path.exists() and (found := _with_parameters(str(path))):
        folder, given = found[0], _given(spec.parse(f"{FOLDER}{found[1]}"), f"folder {found[0]}")
    if not folder.is_dir():
        raise not_a_folder(folder)
    return _restrict(_folder(folder, folder.resolve().name, given), given)


def _given(parsed: spec.Spec, label: str) -> dict[str, Any]:
    """Return the parameters of a data set spec. Raises BadInput for an unknown one or an invalid value."""
    given = spec.bind(parsed, DEFAULTS, "data set")
    for key, value in given.items():
        if not _fits(key, value):
            raise BadInput(f"{label}: {key}: expected {EXPECTED[key]}, got {spec.format_value(value)}")
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


FOLDER = "folder"  # name in errors of a data set that is given by its path
DEFAULTS = spec.parameters_of(_parameters)
EXPECTED = dict.fromkeys(("crop", "limit"), "an integer of at least 1") | {
    "pairs": "True or False",
    "exposure": "a number of stops from -30 to 30",
    "tone": " or ".join(map(repr, tone.CURVES)),
    "layer": "the name of a layer in quotes, such as 'beauty'",
    "noisy": "a folder in quotes, a pattern such as 'in/{}_n', or a list of these in brackets",
    "clean": "a folder in quotes, or a pattern such as 'gt/{}'",
    "name": "the pattern of a noisy file's name without suffix, with {} for the name of the clean file, such as '{}_n'",
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
    if key in ("crop", "limit"):
        return is_integer(value) and value >= 1
    return is_number(value) and -30 <= value <= 30


def limited(dataset: Dataset, limit: int | None) -> Dataset:
    """Return the first `limit` images as NAME(limit=...), or the data set itself if it has no more images."""
    if limit is None or len(dataset.images) <= limit:
        return dataset
    parsed = spec.parse(dataset.name)
    return _restrict(replace(dataset, name=parsed.name), {**dict(parsed.kwargs), "limit": limit})


def _restrict(dataset: Dataset, given: dict[str, Any]) -> Dataset:
    """Apply the parameters of a spec to a data set and its name."""
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
            raise BadInput(
                f"data set {name}: expected crop, limit or pairs, got {', '.join(own)}, which only folders take"
            )
        return builtin.load(name)
    folder, public = locate(name), PUBLIC.get(name)
    if folder is None and public:
        if public.direct:
            how = f"download it with bench data fetch {name}, or register its folder with bench data add {name} DIR"
        else:
            how = f"download its {public.files} files from {public.home}, then run bench data add {name} DIR"
        raise BadInput(f"data set {name} is not on this machine: {how}")
    if folder is None:
        if (path := expand_user(Path(name))).exists():
            kind = "folder" if path.is_dir() else "file"
            raise BadInput(
                f"expected the name of a data set, got the {kind} {name}: use --data {name}, or give it a "
                f"name with bench data add NAME {name}"
            )
        raise unknown("data set", name, [*builtin.NAMES, *PUBLIC, *added_datasets()])
    return _public(public, folder, given) if public else _folder(folder, name, given)


def _exr_options(given: dict[str, Any]) -> ExrOptions:
    return ExrOptions(given.get("exposure"), given.get("tone"), given.get("layer"))


def _stated_layout(given: dict[str, Any]) -> StatedLayout:
    noisy = given.get("noisy")
    return StatedLayout(
        tuple(noisy) if isinstance(noisy, list | tuple) else noisy and (noisy,),
        given.get("clean"),
        given.get("name", "{}"),
    )


def _public(public: PublicSet, folder: Path, given: dict[str, Any]) -> Dataset:
    """Load a public set. Raises BadInput if its files differ from the published SHA-256 list."""
    note = verify(public, folder) if public.manifest else "files not verified (no SHA-256 list is published)"
    found = _folder(folder, public.name, given)
    return replace(found, title=public.title, licence=public.licence, note=f"{note}; {public.citation}")


def _folder(folder: Path, name: str, given: dict[str, Any]) -> Dataset:
    found = folders.read_folder(folder, _exr_options(given), _stated_layout(given))
    kind = "pairs" if found.images[0].recorded else "images"
    return Dataset(
        name,
        f"folder of {len(found.images)} {kind}",
        "not stated",
        found.images,
        found=found.remarks,
        folder=str(folder.resolve()),
    )


def add(name: str, folder: Path) -> Dataset | None:
    """Register a folder under a name and return its data set, or None if its layout has to be stated.

    Raises BadInput for the name of a built-in set, or of a public set whose files differ.
    """
    from bench.datasets import builtin

    if name in builtin.NAMES:
        raise BadInput(f"expected a new name, got {name!r}, a data set of the installation: choose another name")
    spec.parse(name)
    if not folder.is_dir():
        raise not_a_folder(folder)
    try:
        dataset = _public(PUBLIC[name], folder, {}) if name in PUBLIC else _folder(folder, name, {})
    except folders.AmbiguousLayout:
        dataset = None
    remember(name, folder)
    return dataset
