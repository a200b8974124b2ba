"""Training images of one or several data sets, decoded once; some are held out for validation."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import datasets, spec
from bench.core.errors import BadInput
from bench.datasets.channels import in_colour

HELD_OUT_COUNT = 20  # approximate number of images held out for validation and test curves


@dataclass(frozen=True)
class TrainingImages:
    """uint8 images (H, W, C): C is 1 if all are greyscale, else 3.

    name      of the data sets: 'DIV2K, WED'
    train     training images; greyscale ones among colour ones have three equal channels
    held_out  by data set and name, as read: (H, W, 1) if greyscale
    sha256    of all pixels as read, in order
    terms     licence terms by data set
    remarks   on images that were found, skipped or converted, each beginning with the data set
    grey      number of greyscale images
    """

    name: str
    train: list[np.ndarray]
    held_out: dict[str, np.ndarray]
    sha256: str
    terms: dict[str, str]
    remarks: tuple[str, ...] = ()
    grey: int = 0

    @property
    def channels(self) -> int:
        """Channels of the training images: 3 or 1."""
        return self.train[0].shape[2]


def load(text: str) -> TrainingImages:
    """Load the images of a folder or of data sets: 'photos/', 'BSDS400', 'DIV2K,Flickr2K,my folder/'. Raises BadInput.

    Every n-th image is held out, about 20 in total; none if there are no more than that.
    """
    sources = [text] if isinstance(datasets.source(text), Path) else spec.split(text)
    found = [datasets.load_dataset(datasets.source(source)) for source in sources]
    names = [dataset.name for dataset in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise BadInput(
            f"expected different data sets, got two called {twice[0]!r} in {text}: name each once, or rename a folder"
        )
    if not found:
        raise BadInput(f"expected a folder or data sets such as BSDS400 or DIV2K,Flickr2K, got {text!r}")
    count = sum(len(dataset.images) for dataset in found)
    step = max(5, count // HELD_OUT_COUNT)
    train, held_out, digest = [], {}, hashlib.sha256()
    for dataset in found:
        for image, pixels in zip(dataset.images, _decode(dataset), strict=True):
            digest.update(pixels.tobytes())
            if (len(train) + len(held_out)) % step == 0 and count > HELD_OUT_COUNT:
                held_out[f"{dataset.name}/{image.name}"] = pixels
            else:
                train.append(pixels)
    terms = {dataset.name: dataset.licence for dataset in found}
    remarks = tuple(f"{dataset.name}: {remark}" for dataset in found for remark in dataset.remarks)
    grey = sum(pixels.shape[2] == 1 for pixels in (*train, *held_out.values()))
    if grey < count:
        train = [in_colour(pixels) for pixels in train]
    return TrainingImages(", ".join(names), train, held_out, digest.hexdigest(), terms, remarks, grey)


def _decode(dataset: datasets.Dataset) -> list[np.ndarray]:
    """Decode all images, uint8 (H, W, C), in several threads: decoders release the interpreter lock."""
    with ThreadPoolExecutor() as threads:
        try:
            return list(threads.map(lambda image: np.rint(image.read() * 255).astype(np.uint8), dataset.images))
        except ValueError as error:
            raise BadInput(f"data set {dataset.name}: {error}") from error
