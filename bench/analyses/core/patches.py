"""Patches of data sets, and their noisy pixels in batches.

Noise is made on the whole image, keyed as in every run, and patches are cut from the noisy image: they are pixels that
`bench run` gives to the networks. The order is random within windows of a few images, so that the noise of an image is
made once; memory does not grow with a data set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby, islice

import numpy as np
import torch
from torch import Tensor

from bench.core.errors import BadInput
from bench.datasets import CleanImage, Dataset
from bench.noise import noises
from bench.protocols import Protocol
from bench.runs import contents
from noise_zoo.noise import Noise
from reports.formatting import plural

MAX_WINDOW_IMAGES = 32  # noisy images in memory
MAX_WINDOW_PIXELS = 16_000_000  # of these images together, or one larger image; 24 bytes each


@dataclass(frozen=True)
class Patch:
    """A square by the index of its image in `Patches.images` and its top left pixel."""

    image: int
    top: int
    left: int


@dataclass(frozen=True)
class Patches:
    """Squares of `side` pixels in a keyed random order, the same for every analysis.

    windows   the window of each image; patches are ordered by window
    channels  1 or 3, of all images
    pixels    hash of all images
    asked     how many were asked for; the images may hold fewer
    """

    datasets: tuple[str, ...]
    images: tuple[CleanImage, ...]
    windows: tuple[int, ...]
    patches: tuple[Patch, ...]
    side: int
    overlapping: bool
    channels: int = 3
    pixels: str = ""
    asked: int = 0

    def require(self, minimum: int, what: str) -> None:
        """Raise BadInput if there are fewer patches than an analysis needs."""
        if len(self.patches) >= minimum:
            return
        if self.asked < minimum:
            raise BadInput(f"--patches: expected {minimum} or more for {what}, got {self.asked}")
        raise BadInput(
            f"expected {minimum} or more patches for {what}, got {len(self.patches)}: the images hold no more of "
            f"{self.side}x{self.side} pixels; use a smaller --side or more images"
        )

    @property
    def text(self) -> str:
        """'64 patches of 128x128 from 7 images of builtin, overlapping'"""
        used = len({patch.image for patch in self.patches})
        overlap = ", overlapping" if self.overlapping else ""
        size = f"{self.side}x{self.side}"
        kind = "greyscale " if self.channels == 1 else ""
        fewer = f" (of {self.asked}: the images hold no more)" if len(self.patches) < self.asked else ""
        count = f"{len(self.patches)} {kind}{'patch' if len(self.patches) == 1 else 'patches'}"
        return f"{count} of {size} from {plural(used, 'image')} of {', '.join(self.datasets)}{overlap}{fewer}"


@dataclass(frozen=True)
class Batch:
    """Noisy and clean patches; `keys` are those of the masks of a network, `images` the index of each one's image."""

    noisy: Tensor  # (B, C, S, S), as noise and protocol make it; C is 1 or 3
    clean: Tensor  # (B, C, S, S) in [0, 1]
    keys: tuple[int, ...]
    images: tuple[int, ...]


def cut(datasets: Sequence[Dataset], count: int, side: int) -> Patches:
    """`count` patches of `side` pixels, in equal numbers from each image that is large enough.

    They overlap only if the images are too few or too small. Raises BadInput if no image is as large as a patch, or
    if some are greyscale and others are colour.
    """
    images = tuple(image for dataset in datasets for image in dataset.images)
    shapes, hashes = zip(*map(_shape_and_hash, images), strict=True)
    sizes, channels = [shape[:2] for shape in shapes], {shape[2] for shape in shapes}
    if len(channels) > 1:
        grey = sum(shape[2] == 1 for shape in shapes)
        raise BadInput(f"expected greyscale or colour images, got {grey} greyscale of {len(images)}: separate them")
    room = [(height // side) * (width // side) for height, width in sizes]
    if not any(room):
        largest = max(min(size) for size in sizes)
        raise BadInput(f"--side: expected at most {largest}, the largest square in the images, got {side}")
    overlapping = sum(room) < count
    if overlapping:  # an image of exactly the side has one position
        room = [max(0, height - side + 1) * max(0, width - side + 1) for height, width in sizes]
    patches = [
        Patch(index, top, left)
        for index, (size, share) in enumerate(zip(sizes, shares(room, count), strict=True))
        for top, left in spread(*size, side, share, overlapping)
    ]
    names = tuple(dataset.name for dataset in datasets)
    order = np.random.default_rng(noises.stream_key("patches", *names, count, side)).permutation(len(patches))
    windows = windows_of(sizes)
    mixed = sorted((patches[index] for index in order), key=lambda patch: windows[patch.image])
    owners = (dataset.name for dataset in datasets for _ in dataset.images)
    pixels = contents.combined_hash(zip(owners, (image.name for image in images), hashes, strict=True))
    return Patches(names, images, windows, tuple(mixed), side, overlapping, *channels, pixels, count)


def windows_of(sizes: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """The window of each image, from sizes (height, width): consecutive images that are in memory together."""
    windows, window, images, pixels = [], 0, 0, 0
    for height, width in sizes:
        images, pixels = images + 1, pixels + height * width
        if images > 1 and (images > MAX_WINDOW_IMAGES or pixels > MAX_WINDOW_PIXELS):
            window, images, pixels = window + 1, 1, height * width
        windows.append(window)
    return tuple(windows)


def _shape_and_hash(image: CleanImage) -> tuple[tuple[int, int, int], str]:
    try:
        clean = image.read()
        return clean.shape, noises.pixel_hash(clean)
    except (ValueError, OSError) as error:
        raise BadInput(str(error)) from error


def shares(room: Sequence[int], count: int) -> list[int]:
    """Number of patches of each image, as even as possible; `room` is how many fit into each, `count` their sum."""
    rounds = (index for number in range(max(room)) for index, space in enumerate(room) if space > number)
    given = Counter(islice(rounds, count))  # one patch of each image in turn
    return [given[index] for index in range(len(room))]


def spread(height: int, width: int, side: int, count: int, overlapping: bool) -> list[tuple[int, int]]:
    """`count` top left corners, (top, left), on a grid over the image that is as square as possible."""
    if not count:
        return []
    rows, columns = height // side, width // side
    if overlapping:
        vertical, horizontal = height - side + 1, width - side + 1  # positions along each axis
        rows = min(vertical, max(1, round((count * vertical / horizontal) ** 0.5)))
        columns = min(horizontal, -(-count // rows))
        rows = min(vertical, -(-count // columns))
        columns = max(columns, -(-count // rows))
    tops = np.linspace(0, height - side, rows).round().astype(int)
    lefts = np.linspace(0, width - side, columns).round().astype(int)
    corners = [(int(top), int(left)) for top in tops for left in lefts]
    return [corners[(2 * index + 1) * len(corners) // (2 * count)] for index in range(count)]


def batches(
    patches: Patches, noise: Noise, seed: int, protocol: Protocol, size: int, smallest: int = 1
) -> Iterator[Batch]:
    """The patches under a noise, `size` at a time, made one batch ahead; a last batch below `smallest` is skipped."""
    made = _batches(patches, noise, seed, protocol, size, smallest)
    return _one_ahead(made) if noises.is_ours(noise) else made  # a user's code runs while nothing else does


def _batches(
    patches: Patches, noise: Noise, seed: int, protocol: Protocol, size: int, smallest: int
) -> Iterator[Batch]:
    squares = _squares(patches, noise, seed, protocol)
    while len(chosen := list(islice(squares, size))) >= smallest:
        noisy, clean, images = zip(*chosen, strict=True)
        keys = tuple(noises.mask_key(noises.pixel_hash(square), noise, seed) for square in clean)
        yield Batch(_tensor(noisy), _tensor(clean), keys, images)


def _squares(
    patches: Patches, noise: Noise, seed: int, protocol: Protocol
) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
    """(noisy, clean, index of the image) of each patch; the noisy images of one window are in memory."""
    for _, window in groupby(patches.patches, key=lambda patch: patches.windows[patch.image]):
        images: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        for patch in window:
            if patch.image not in images:
                clean = patches.images[patch.image].read()
                images[patch.image] = noises.network_input(noise, clean, seed, protocol)
            square = np.s_[patch.top : patch.top + patches.side, patch.left : patch.left + patches.side]
            noisy, clean = (image[square].copy() for image in images[patch.image])  # a view would keep the image
            yield noisy, clean, patch.image


def _one_ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The same batches; the next one is made in a thread while one is used."""
    with ThreadPoolExecutor(1) as maker:
        upcoming = maker.submit(next, batches, None)
        while (batch := upcoming.result()) is not None:
            upcoming = maker.submit(next, batches, None)
            yield batch


def _tensor(images: Sequence[np.ndarray]) -> Tensor:
    """(H, W, C) images -> (B, C, H, W)."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()
