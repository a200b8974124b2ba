"""The images of a training: of one data set or of several, decoded once, some of them held out for choices."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import datasets, spec
from bench.datasets.channels import in_colour
from bench.errors import BadInput

HELD_OUT_COUNT = 20  # about so many images are kept for choices and for test curves


@dataclass(frozen=True)
class TrainingImages:
    """uint8 images (H, W, C): C is 1 where all are greyscale, else 3.

    name      of the data sets: 'DIV2K, WED'
    train     a greyscale image among colour ones has three equal channels
    held_out  by data set and name, as they were read: (H, W, 1) if greyscale
    sha256    of all pixels as they were read, in their order
    terms     of the images, by data set
    remarks   what was found, skipped and done to pixels, sentences that begin with the data set
    grey      how many are greyscale
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
        return self.train[0].shape[2]


def load(text: str) -> TrainingImages:
    """The images of a folder, or of data sets: 'photos/', 'BSDS400', 'DIV2K,Flickr2K,my folder/'. Raises BadInput.

    Every n-th image is held out, about 20 in all; none where there are no more than that.
    """
    places = [text] if isinstance(datasets.source(text), Path) else spec.split(text)
    found = [datasets.load_dataset(datasets.source(place)) for place in places]
    names = [dataset.name for dataset in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise BadInput(f"two data sets of {text} are called {twice[0]!r}: name each once, or rename one of the folders")
    if not found:
        raise BadInput(f"{text!r} names no data set: wanted a folder, BSDS400, or several such as DIV2K,Flickr2K")
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
    """The pixels of all images, by several threads: decoders let go of the interpreter."""
    with ThreadPoolExecutor() as threads:
        try:
            return list(threads.map(lambda image: np.rint(image.read() * 255).astype(np.uint8), dataset.images))
        except ValueError as error:
            raise BadInput(f"data set {dataset.name}: {error}") from error
