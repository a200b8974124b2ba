"""Images as arrays: their pixels as data sets store them, and data sets made of arrays."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench import datasets, spec
from bench.core.errors import BadInput
from bench.datasets.image import CleanImage, Dataset
from bench.datasets.locations import added_datasets
from bench.datasets.public import PUBLIC
from bench.protocols import to_bytes

DEFAULT_NAME = "arrays"
GivenDatasets = str | Path | np.ndarray | Dataset | Mapping[str, Any] | Iterable[Any]


def pixels_of(image: Any, what: str = "image", outside: float = 0.0) -> np.ndarray:
    """The image as uint8 (H, W, 1) or (H, W, 3), a copy: uint8, or floats in [0, 1], which are rounded to 8 bits.

    image    an array (H, W), (H, W, 1) or (H, W, 3), or what numpy.asarray takes, such as a Pillow image
    outside  how far floats may lie outside [0, 1]; they are clipped

    Raises BadInput.
    """
    array = checked(image, what, outside)
    return array.copy() if array.dtype == np.uint8 else to_bytes(array)


def checked(image: Any, what: str = "image", outside: float = 0.0) -> np.ndarray:
    """The image as an array (H, W, 1) or (H, W, 3), uint8 or floats. Raises BadInput, as `pixels_of`."""
    array = np.asarray(image)
    shape = array.shape
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[-1] not in (1, 3) or not array.size:
        advice = ": move the channels last" if len(shape) == 3 and shape[0] in (1, 3) else ""
        raise BadInput(f"{what}: expected an array (H, W), (H, W, 1) or (H, W, 3), got {shape}{advice}")
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind != "f":
        raise BadInput(f"{what}: expected uint8, or floats in [0, 1], got {array.dtype}: convert it to one of these")
    low, high = float(array.min()), float(array.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise BadInput(f"{what}: expected finite values, got NaN or infinity")
    if low < -outside or high > 1 + outside:
        raise BadInput(f"{what}: expected floats in [0, 1], got {low:.3g} to {high:.3g}: divide by the value of white")
    return array


def dataset_of(images: Any, name: str = DEFAULT_NAME) -> Dataset:
    """The data set of an array, or of a sequence or mapping (name -> array) of arrays. Raises BadInput."""
    from bench.datasets import builtin

    spec.parse(name)
    if name in {*builtin.NAMES, *PUBLIC, *added_datasets()}:
        raise BadInput(f"expected a new name for images, got {name!r}, a data set that exists: choose another name")
    if isinstance(images, Mapping):
        named = {str(key): image for key, image in images.items()}
    else:
        named = {str(index): image for index, image in enumerate([images] if _is_image(images) else images)}
    if not named:
        raise BadInput(f"data set {name}: expected images, got none")
    made = (
        CleanImage(key, partial(np.copy, pixels_of(image, f"image {key} of {name}"))) for key, image in named.items()
    )
    return Dataset(name, f"{len(named)} arrays", "of their owners", tuple(made))


def expand(given: GivenDatasets) -> list[Dataset]:
    """The data sets of a list of specs, folders and arrays; all arrays of a list are one data set. Raises BadInput.

    given  specs as text with commas, paths of folders, data sets, arrays, lists of these, or a mapping: name -> array,
           arrays, or a folder
    """
    found: list[Dataset | None] = []
    loose: list[Any] = []
    for thing in _parts(given):
        if not _is_image(thing):
            found.append(_loaded(thing))
            continue
        if not loose:
            found.append(None)  # the place of the arrays
        loose.append(thing)
    return [dataset_of(loose) if dataset is None else dataset for dataset in found]


def _parts(given: GivenDatasets) -> Iterator[Any]:
    """Specs, paths, data sets and images, one by one."""
    if isinstance(given, str):
        yield from map(_path_or_spec, spec.split(given))
    elif isinstance(given, Mapping):
        yield from (_named(str(name), thing) for name, thing in given.items())
    elif isinstance(given, Path | Dataset) or _is_image(given):
        yield given
    elif isinstance(given, Iterable):
        for item in given:
            yield from _parts(item)
    else:
        got = type(given).__name__
        raise BadInput(f"datasets: expected specs, folders or arrays, got an object of type {got}")


def _path_or_spec(text: str) -> str | Path:
    """A path if the text has a separator before its parameters, else a spec."""
    name = text.partition("(")[0]
    return Path(text) if os.sep in name or "/" in name or name in (".", "..") else text


def _named(name: str, given: Any) -> Dataset:
    """A data set under a name: images, or those of a folder or of another data set."""
    if isinstance(given, str | Path | Dataset):
        raise BadInput(
            f"data set {name}: expected an array or several, got {given!r}: bench data add gives a folder a name"
        )
    return dataset_of(given, name)


def _loaded(given: str | Path | Dataset) -> Dataset:
    return given if isinstance(given, Dataset) else datasets.load_dataset(given)


def _is_image(thing: Any) -> bool:
    """Whether an object is one image: an array that is not a stack of images, or what converts to one."""
    if isinstance(thing, str | Path | Dataset | Mapping | list | tuple):
        return False
    return hasattr(thing, "__array__") and np.asarray(thing).ndim < 4
