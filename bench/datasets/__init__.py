"""Data sets: clean colour images by name, from inside the installation or from folders of files.

A data set spec takes `crop` (side of the centre crop in pixels) and `limit` (the first so many images, in the order of
their names): `CBSD68(crop=256, limit=16)`. Both are part of its name. A folder given by its path is called by the
folder's own name, so that rows do not depend on where files lie.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from bench import spec
from bench.errors import BadInput, unknown
from bench.home import home

SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp"}
MANIFESTS = Path(__file__).parent / "manifests"

PUBLIC = {
    "CBSD68": "68 colour photographs of the Berkeley segmentation set (481x321), test",
    "Kodak24": "24 crops of 500x500 from the Kodak photographs, as the denoising papers use them, test",
    "Kodak24-full": "24 Kodak photographs whole (768x512), test",
    "McMaster": "18 colour images of 500x500, test",
    "Urban100": "100 photographs of buildings, test",
    "BSDS400": "BSDS500's train and test parts, 400 photographs, for training (CBSD68 lies in its val part)",
}


@dataclass(frozen=True)
class CleanImage:
    """One image of a data set. `read()` gives float32 (H, W, 3) in [0, 1], exact multiples of 1/255 for 8-bit files."""

    name: str
    read_bytes: Callable[[], np.ndarray]
    crop: int | None = None

    def read(self) -> np.ndarray:
        pixels = self.read_bytes()
        if self.crop is not None:
            pixels = centre_crop(pixels, self.crop, self.name)
        return pixels.astype(np.float32) / 255


@dataclass(frozen=True)
class Dataset:
    """Images under a canonical name, with what a reader of the results wants to know of them."""

    name: str
    title: str
    licence: str
    images: tuple[CleanImage, ...]
    note: str = ""


def centre_crop(pixels: np.ndarray, side: int, name: str) -> np.ndarray:
    """The centre `side` x `side` of (H, W, C). Raises ValueError if the image is smaller."""
    height, width = pixels.shape[:2]
    if min(height, width) < side:
        raise ValueError(f"{name} is {width}x{height}, smaller than the crop of {side}x{side}")
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[top : top + side, left : left + side]


def read_file(path: Path) -> np.ndarray:
    """An image file as uint8 (H, W, 3); grey becomes three equal channels. Raises ValueError if it cannot be read."""
    try:
        with Image.open(path) as image:
            if image.mode.startswith(("I", "F")):
                raise ValueError(f"{path.name} has {image.mode!r} pixels; 8-bit images are wanted")
            return np.asarray(image.convert("RGB"))
    except UnidentifiedImageError as error:
        raise ValueError(f"{path.name} cannot be read as an image: its format is not known") from error
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path.name} cannot be read as an image: {error}") from error


def load_dataset(text: str | Path | spec.Spec) -> Dataset:
    """A data set by spec or by folder. Raises BadInput if it is unknown, empty, or not the published files."""
    if isinstance(text, Path):
        return _restrict(_folder(text, text.resolve().name), {})
    parsed = spec.parse(text) if isinstance(text, str) else text
    given = spec.bind(parsed, spec.parameters_of(_parameters), "data set")
    for key in given:
        if given[key] is not None and (
            not isinstance(given[key], int) or isinstance(given[key], bool) or given[key] < 1
        ):
            raise BadInput(f"data set {parsed.name!r}: {key} is {given[key]!r}, wanted a whole number from 1")
    return _restrict(_find(parsed.name), given)


def _parameters(crop: int | None = None, limit: int | None = None) -> None:
    """The parameters of every data set spec."""


def limited(dataset: Dataset, limit: int | None) -> Dataset:
    """The first `limit` images, named so; the data set itself where it has no more than that."""
    if limit is None or len(dataset.images) <= limit:
        return dataset
    parsed = spec.parse(dataset.name)
    return _restrict(dataset, {**dict(parsed.kwargs), "limit": limit}, name=parsed.name)


def _restrict(dataset: Dataset, given: dict, name: str | None = None) -> Dataset:
    crop, limit = given.get("crop"), given.get("limit")
    images = dataset.images[:limit]
    images = tuple(CleanImage(image.name, image.read_bytes, crop or image.crop) for image in images)
    canonical = spec.canonical(name or dataset.name, {"crop": crop, "limit": limit}, {"crop": None, "limit": None})
    return Dataset(canonical, dataset.title, dataset.licence, images, dataset.note)


def _find(name: str) -> Dataset:
    from bench.datasets import builtin

    if name in builtin.NAMES:
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
    return _folder(folder, name, verified=name in PUBLIC)


def _folder(folder: Path, name: str, verified: bool = False) -> Dataset:
    if not folder.is_dir():
        raise BadInput(f"there is no folder {folder}")
    files = sorted((f for f in folder.iterdir() if f.suffix.lower() in SUFFIXES), key=lambda f: _natural(f.name))
    if not files:
        raise BadInput(f"the folder {folder} has no images ({', '.join(sorted(SUFFIXES))})")
    images = tuple(CleanImage(file.name, lambda file=file: read_file(file)) for file in files)
    title = PUBLIC[name] if verified else f"folder of {len(files)} images"
    note = "files equal the published SHA-256 list" if verified else ""
    return Dataset(name, title, "of its owners", images, note)


def _natural(name: str) -> list:
    """Sort key that puts 2.tif before 10.tif."""
    parts, digits = [], ""
    for character in name + "\0":
        if character.isdigit():
            digits += character
        else:
            parts += [(0, int(digits), ""), (1, 0, character)] if digits else [(1, 0, character)]
            digits = ""
    return parts


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
