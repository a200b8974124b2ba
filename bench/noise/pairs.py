"""Pairs of noisy and clean images: from two folders with the same names, or from a data set of pairs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench import datasets
from bench.core.errors import BadInput
from bench.datasets.channels import described
from bench.protocols import to_bytes
from noise_zoo.noise import Noise

ImagePair = tuple[np.ndarray, np.ndarray]  # (noisy, clean), uint8 (H, W, C)


def read_pairs(noisy: Path, clean: Path) -> Iterator[ImagePair]:
    """Yield (noisy, clean), uint8 (H, W, 1 or 3), for every image of the first folder; names are compared by stem.

    Raises BadInput before reading if a clean image is missing, and for images of different size.
    """
    left, right = (by_stem(folder) for folder in (noisy, clean))
    alone = [image.name for stem, image in left.items() if stem not in right]
    if alone:
        some = f"{', '.join(alone[:3])}{', ...' if len(alone) > 3 else ''}"
        raise BadInput(f"{clean}: expected an image for each of {len(left)} in {noisy}, got none for {some}")
    return (_read_pair(image, right[stem], noisy, clean) for stem, image in left.items())


def recorded_pairs(source: Path | str) -> dict[Noise, Iterator[ImagePair]]:
    """Return {recorded noise: iterator of its pairs (noisy, clean)} of a folder or data set of pairs.

    Layouts are those of `bench run` (bench.datasets). Raises BadInput for a data set of clean images.
    """
    found = datasets.load_dataset(source)
    if not found.recorded:
        raise BadInput(
            f"expected pairs of noisy and clean images, got {len(found.images)} clean images in {source}: give the "
            "folder of noisy images and the folder of clean ones"
        )
    return {noise: _recorded(found, noise) for noise in found.recorded}


def _recorded(data: datasets.Dataset, noise: Noise) -> Iterator[ImagePair]:
    for image in data.images:
        if noise in dict(image.recorded):
            try:
                clean, (noisy,) = image.read_with([noise])
            except ValueError as error:
                raise BadInput(f"{data.name}: {error}") from error
            yield to_bytes(noisy), to_bytes(clean)


def by_stem(folder: Path) -> dict[str, datasets.CleanImage]:
    """Return the images of a folder by stem. Raises BadInput if two have the same one."""
    found: dict[str, datasets.CleanImage] = {}
    for image in datasets.unpaired_images(folder):
        other = found.setdefault(Path(image.name).stem, image)
        if other is not image:
            raise BadInput(f"{folder}: expected one image per name, got {other.name} and {image.name}: move one away")
    return found


def _read_pair(left: datasets.CleanImage, right: datasets.CleanImage, noisy: Path, clean: Path) -> ImagePair:
    try:
        pair = left.read_bytes(), right.read_bytes()
    except ValueError as error:
        raise BadInput(str(error)) from error
    _same_size(pair, f"{noisy / left.name} and {clean / right.name}")
    return pair


def _same_size(pair: ImagePair, what: str) -> None:
    """Raise BadInput if the images of a pair differ in size or number of channels."""
    if pair[0].shape != pair[1].shape:
        sizes = " and ".join(described(image.shape) for image in pair)
        raise BadInput(f"{what}: expected images of one size and number of channels, got {sizes}")
