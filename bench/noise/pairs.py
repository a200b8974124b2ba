"""Noisy images beside clean ones: two folders with the same names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench import datasets
from bench.datasets.channels import described
from bench.errors import BadInput


def read_pairs(noisy: Path, clean: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(noisy, clean), uint8 (H, W, 1 or 3), of every image in the first folder; names count without their suffix.

    Names are looked at before anything is read. Raises BadInput.
    """
    left, right = (_by_stem(folder) for folder in (noisy, clean))
    alone = [image.name for stem, image in left.items() if stem not in right]
    if alone:
        some = f"{', '.join(alone[:3])}{', ...' if len(alone) > 3 else ''}"
        raise BadInput(f"{clean} has no image beside {len(alone)} of {len(left)} in {noisy}: {some}")
    return (_read_pair(image, right[stem], noisy, clean) for stem, image in left.items())


def _by_stem(folder: Path) -> dict[str, datasets.CleanImage]:
    found: dict[str, datasets.CleanImage] = {}
    for image in datasets.pictures_of(folder):
        other = found.setdefault(Path(image.name).stem, image)
        if other is not image:
            raise BadInput(f"{folder} has two images of one name, {other.name} and {image.name}: move one away")
    return found


def _read_pair(left, right, noisy: Path, clean: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        pair = left.read_bytes(), right.read_bytes()
    except ValueError as error:
        raise BadInput(str(error)) from error
    if pair[0].shape != pair[1].shape:
        sizes = " and ".join(described(image.shape) for image in pair)
        raise BadInput(f"{noisy / left.name} and {clean / right.name} are {sizes}: expected one size and kind")
    return pair
