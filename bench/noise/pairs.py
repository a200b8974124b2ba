"""Noisy images beside clean ones: two folders with the same names, or a data set of pairs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench import datasets
from bench.datasets.channels import described
from bench.errors import BadInput
from bench.protocols import to_bytes
from noise_zoo.noise import Noise

ImagePair = tuple[np.ndarray, np.ndarray]  # (noisy, clean), uint8 (H, W, C)


def read_pairs(noisy: Path, clean: Path) -> Iterator[ImagePair]:
    """(noisy, clean), uint8 (H, W, 1 or 3), of every image in the first folder; names count without their suffix.

    Names are looked at before anything is read. Raises BadInput.
    """
    left, right = (_by_stem(folder) for folder in (noisy, clean))
    alone = [image.name for stem, image in left.items() if stem not in right]
    if alone:
        some = f"{', '.join(alone[:3])}{', ...' if len(alone) > 3 else ''}"
        raise BadInput(f"{clean} has no image beside {len(alone)} of {len(left)} in {noisy}: {some}")
    return (_read_pair(image, right[stem], noisy, clean) for stem, image in left.items())


def recorded_pairs(source: Path | str) -> dict[Noise, Iterator[ImagePair]]:
    """A folder or data set of pairs -> for each noise that was recorded, its pairs (noisy, clean), read when wanted.

    What a pair is says `bench.datasets`, as for `bench run`. Raises BadInput where there are clean images alone.
    """
    found = datasets.load_dataset(source)
    if not found.recorded:
        raise BadInput(
            f"expected pairs of noisy and clean images, got {source} with {len(found.images)} clean images: name the "
            "folder of the noisy images and the folder of the clean ones"
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


def _by_stem(folder: Path) -> dict[str, datasets.CleanImage]:
    found: dict[str, datasets.CleanImage] = {}
    for image in datasets.unpaired_images(folder):
        other = found.setdefault(Path(image.name).stem, image)
        if other is not image:
            raise BadInput(f"{folder} has two images of one name, {other.name} and {image.name}: move one away")
    return found


def _read_pair(left, right, noisy: Path, clean: Path) -> ImagePair:
    try:
        pair = left.read_bytes(), right.read_bytes()
    except ValueError as error:
        raise BadInput(str(error)) from error
    _same_size(pair, f"{noisy / left.name} and {clean / right.name}")
    return pair


def _same_size(pair: ImagePair, what: str) -> None:
    """Raise BadInput where the images of a pair differ in size or channels."""
    if pair[0].shape != pair[1].shape:
        sizes = " and ".join(described(image.shape) for image in pair)
        raise BadInput(f"{what} are {sizes}: expected one size and kind")
