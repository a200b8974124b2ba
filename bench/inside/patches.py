"""Patches: where they are cut from data sets, and the noisy pixels in them.

Noise is made on the whole image, keyed as in every run, and patches are cut from the noisy image: they are pixels that
`bench run` shows the networks. Patches come in a random order within windows of some images, so that an image is made
noisy once and let go; memory does not grow with a data set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.datasets import CleanImage, Dataset
from bench.errors import BadInput
from bench.noise import noises
from bench.protocols import Protocol
from bench.runs import contents
from noise_zoo.legacy import LegacyGenerator

WINDOW_IMAGES = 32  # noisy images at hand, at most
WINDOW_PIXELS = 16_000_000  # of these images together, or one larger image; 24 bytes each


@dataclass(frozen=True)
class Patch:
    """A square by its image's place in `Patches.images` and its top left pixel."""

    image: int
    top: int
    left: int


@dataclass(frozen=True)
class Patches:
    """Squares of `side` pixels in a keyed random order, the same whatever they are used for.

    `windows` has the window of each image; patches come window by window. `pixels` is a hash of all images.
    """

    datasets: tuple[str, ...]
    images: tuple[CleanImage, ...]
    windows: tuple[int, ...]
    patches: tuple[Patch, ...]
    side: int
    overlapping: bool
    channels: int = 3
    pixels: str = ""

    @property
    def words(self) -> str:
        """'64 patches of 128x128 from 7 images of builtin, which overlap'"""
        used = len({patch.image for patch in self.patches})
        overlap = ", which overlap" if self.overlapping else ""
        size = f"{self.side}x{self.side}"
        kind = "greyscale " if self.channels == 1 else ""
        return f"{len(self.patches)} {kind}patches of {size} from {used} images of {', '.join(self.datasets)}{overlap}"


@dataclass(frozen=True)
class Batch:
    """Patches with what a network needs for them; `keys` are those of its masks."""

    noisy: Tensor  # (B, C, S, S), as noise and protocol make it; C is 1 or 3
    clean: Tensor  # (B, C, S, S) in [0, 1]
    keys: tuple[int, ...]
    images: tuple[int, ...]


def cut(datasets: Sequence[Dataset], count: int, side: int) -> Patches:
    """`count` patches, as many from each image as from any other where they are large enough.

    They overlap only where the images have no room for so many side by side. Raises BadInput where there is none, and
    for greyscale images beside colour ones.
    """
    images = tuple(image for dataset in datasets for image in dataset.images)
    shapes, hashes = zip(*map(_shape_and_hash, images), strict=True)
    sizes, channels = [shape[:2] for shape in shapes], {shape[2] for shape in shapes}
    if len(channels) > 1:
        grey = sum(shape[2] == 1 for shape in shapes)
        raise BadInput(f"{grey} of {len(images)} images are greyscale: expected images of one kind, name them apart")
    room = [(height // side) * (width // side) for height, width in sizes]
    if not any(room):
        largest = max(min(size) for size in sizes)
        raise BadInput(
            f"no image is as large as {side}x{side}; the largest square is {largest}: write --side {largest}"
        )
    overlapping = sum(room) < count
    if overlapping:  # images of exactly the side have one place, however many are wanted
        room = [max(0, height - side + 1) * max(0, width - side + 1) for height, width in sizes]
    patches = [
        Patch(place, top, left)
        for place, (size, share) in enumerate(zip(sizes, shares(room, count), strict=True))
        for top, left in spread(*size, side, share, overlapping)
    ]
    names = tuple(dataset.name for dataset in datasets)
    order = np.random.default_rng(noises.stream_key("patches", *names, count, side)).permutation(len(patches))
    windows = windows_of(sizes)
    mixed = sorted((patches[place] for place in order), key=lambda patch: windows[patch.image])
    owners = (dataset.name for dataset in datasets for _ in dataset.images)
    pixels = contents.combined_hash(zip(owners, (image.name for image in images), hashes, strict=True))
    return Patches(names, images, windows, tuple(mixed), side, overlapping, *channels, pixels)


def windows_of(sizes: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """The window of each image by (height, width), in order: as many images as are kept at hand together."""
    found, window, images, pixels = [], 0, 0, 0
    for height, width in sizes:
        images, pixels = images + 1, pixels + height * width
        if images > 1 and (images > WINDOW_IMAGES or pixels > WINDOW_PIXELS):
            window, images, pixels = window + 1, 1, height * width
        found.append(window)
    return tuple(found)


def _shape_and_hash(image: CleanImage) -> tuple[tuple[int, int, int], str]:
    try:
        clean = image.read()
        return clean.shape, noises.pixel_hash(clean)
    except (ValueError, OSError) as error:
        raise BadInput(str(error)) from error


def shares(room: Sequence[int], count: int) -> list[int]:
    """How many each image gives, as evenly as their room allows; the first ones one more where it does not divide."""
    given = [0] * len(room)
    left = min(count, sum(room))
    while left:
        open_ = [place for place, space in enumerate(room) if given[place] < space]
        each = max(1, left // len(open_))
        for place in open_[: left if each == 1 else None]:
            more = min(each, room[place] - given[place], left)
            given[place] += more
            left -= more
    return given


def spread(height: int, width: int, side: int, count: int, overlapping: bool) -> list[tuple[int, int]]:
    """`count` top left corners, (top, left), spread over the image on a grid as nearly square as it goes."""
    if not count:
        return []
    rows, columns = height // side, width // side
    if overlapping:
        vertical, horizontal = height - side + 1, width - side + 1  # places along each axis
        rows = min(vertical, max(1, round((count * vertical / horizontal) ** 0.5)))
        columns = min(horizontal, -(-count // rows))
        rows = min(vertical, -(-count // columns))
        columns = max(columns, -(-count // rows))
    tops = np.linspace(0, height - side, rows).round().astype(int)
    lefts = np.linspace(0, width - side, columns).round().astype(int)
    corners = [(int(top), int(left)) for top in tops for left in lefts]
    return [corners[(2 * place + 1) * len(corners) // (2 * count)] for place in range(count)]


def network_input(clean: np.ndarray, noise: Any, seed: int, protocol: Protocol) -> tuple[np.ndarray, np.ndarray]:
    """(what a network gets, clean target), both float32 (H, W, C), of a clean image: the pixels of `bench run`."""
    if protocol.legacy_seed is None:
        random = noises.generator(noises.pixel_hash(clean), noise, seed)
    else:
        random = LegacyGenerator(protocol.legacy_seed + seed)
    noisy, target = noises.apply(noise, clean, random)
    return np.ascontiguousarray(protocol.noisy_input(noisy), dtype=np.float32), target


def batches(
    patches: Patches, noise: Any, seed: int, protocol: Protocol, size: int, smallest: int = 1
) -> Iterator[Batch]:
    """The patches under a noise, `size` at a time, made one batch ahead; a last batch under `smallest` is dropped."""

    made: dict[int, tuple[np.ndarray, np.ndarray]] = {}  # of one window

    def image(place: int) -> tuple[np.ndarray, np.ndarray]:
        if place not in made:
            if made and patches.windows[place] != patches.windows[next(iter(made))]:
                made.clear()
            made[place] = network_input(patches.images[place].read(), noise, seed, protocol)
        return made[place]

    def make(some: list[Patch]) -> Batch:
        noisy, clean, keys = [], [], []
        for patch in some:
            square = np.s_[patch.top : patch.top + patches.side, patch.left : patch.left + patches.side]
            pair = [whole[square] for whole in image(patch.image)]
            noisy.append(pair[0])
            clean.append(pair[1])
            keys.append(noises.mask_key(noises.pixel_hash(pair[1]), noise, seed))
        return Batch(_tensor(noisy), _tensor(clean), tuple(keys), tuple(patch.image for patch in some))

    rest, waiting = iter(patches.patches), None
    with ThreadPoolExecutor(1) as maker:
        submit = maker.submit if noises.is_ours(noise) else _at_once  # a user's code runs beside nothing else
        while some := list(islice(rest, size)):
            upcoming = submit(make, some) if len(some) >= smallest else None
            if waiting is not None:
                yield waiting.result()
            waiting = upcoming
        if waiting is not None:
            yield waiting.result()


def _at_once(make: Callable[[list[Patch]], Batch], some: list[Patch]) -> Future[Batch]:
    future: Future[Batch] = Future()
    future.set_result(make(some))
    return future


def _tensor(images: list[np.ndarray]) -> Tensor:
    """(H, W, C) images -> (B, C, H, W)."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()
