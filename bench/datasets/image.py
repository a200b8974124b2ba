"""Images of a data set, read when they are wanted, and the data set itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import takewhile
from pathlib import Path

import numpy as np

from bench.datasets import decode
from bench.datasets.channels import described
from noise_zoo.noise import Noise

SUFFIXES = set(".png .apng .jpg .jpeg .jpe .jfif .tif .tiff .bmp .dib .webp .gif .ppm .pgm .pbm .pnm .jp2 .j2k".split())
Reader = Callable[[], np.ndarray]  # uint8 (H, W, 1) or (H, W, 3); raises ValueError where it cannot


@dataclass(frozen=True)
class CleanImage:
    """One image of a data set, and the noisy ones that were recorded with it.

    `read()` gives float32 in [0, 1], exact multiples of 1/255: (H, W, 1) of a greyscale file, (H, W, 3) of a colour one
    (bench.datasets.channels); `read_noisy(noise)` alike.
    recorded    noises with the readers of their noisy images, of the size of the clean one
    photograph  what crops of one photograph or scene have in common: their rows are not independent
    """

    name: str
    read_bytes: Reader
    crop: int | None = None
    recorded: tuple[tuple[Noise, Reader], ...] = ()
    photograph: str = ""

    def __post_init__(self):
        object.__setattr__(self, "photograph", self.photograph or self.name)

    @property
    def readers(self) -> Iterator[Reader]:
        """Of the clean image and of all that were recorded with it."""
        yield self.read_bytes
        yield from (reader for _, reader in self.recorded)

    def read(self) -> np.ndarray:
        return self._cropped(self.read_bytes())

    def read_noisy(self, noise: Noise) -> np.ndarray:
        """The noisy image recorded under this noise. Raises ValueError where there is none, or one of another size."""
        return self.read_with([noise])[1][0]

    def read_with(self, noises: Iterable[Noise]) -> tuple[np.ndarray, list[np.ndarray]]:
        """The clean image, and the noisy ones recorded under these noises. Raises ValueError where sizes differ.

        The sizes of the whole images are compared: a crop from the centre of two sizes would show two places.
        """
        clean, noisy = self.read_bytes(), [self._reader(noise)() for noise in noises]
        for other in noisy:
            if other.shape != clean.shape:
                sizes = " and ".join(described(pixels.shape) for pixels in (other, clean))
                raise ValueError(f"{self.name}: expected noisy and clean images of one size and kind, got {sizes}")
        return self._cropped(clean), [self._cropped(pixels) for pixels in noisy]

    @property
    def channels(self) -> int | None:
        """1 of a greyscale image, 3 of a colour one, None of one that cannot be read."""
        try:
            return self.read_bytes().shape[-1]
        except (ValueError, OSError):
            return None

    def problem(self) -> str:
        """Why this image cannot be used, or ''."""
        try:
            self.read_with(noise for noise, _ in self.recorded)
        except (ValueError, OSError) as error:
            return str(error)
        return ""

    def _reader(self, noise: Noise) -> Reader:
        for other, reader in self.recorded:
            if other == noise:
                return reader
        raise ValueError(f"{self.name} has no image with {noise}")

    def _cropped(self, pixels: np.ndarray) -> np.ndarray:
        if self.crop is not None:
            pixels = centre_crop(pixels, self.crop, self.name)
        return pixels.astype(np.float32) / 255


@dataclass(frozen=True)
class Dataset:
    """Images under a canonical name, with what a reader of the results wants to know of them.

    found  sentences on what its folder was taken for, and what of it was skipped
    """

    name: str
    title: str
    licence: str
    images: tuple[CleanImage, ...]
    note: str = ""
    found: tuple[str, ...] = ()
    folder: str = ""  # its path, '' for data sets of the installation

    @cached_property
    def remarks(self) -> tuple[str, ...]:
        """What was found, skipped, and done to pixels beyond reading them, a sentence each; reads files' headers."""
        files = defaultdict(list)
        for reader in (reader for image in self.images for reader in image.readers):
            for remark in getattr(reader, "remarks", list)():
                files[remark].append(reader.path.name)
        return (*self.found, *(f"{remark}: {counted(names, 'file')}" for remark, names in files.items()))

    @property
    def described(self) -> str:
        """The note and the remarks in one text, for the manifest of a run."""
        return "; ".join(filter(None, (self.note, *self.remarks)))

    @property
    def recorded(self) -> tuple[Noise, ...]:
        """The noises that its images were recorded with; none of a data set of clean images alone."""
        return tuple(dict.fromkeys(noise for image in self.images for noise, _ in image.recorded))

    @cached_property
    def is_grey(self) -> bool:
        """Whether every image that can be read is greyscale; reads them up to the first that is not."""
        channels = (image.channels for image in self.images)
        known = list(takewhile(lambda number: number in (None, 1), channels))
        return len(known) == len(self.images) and 1 in known

    def without_noise(self) -> Dataset:
        """The clean images alone."""
        return replace(self, images=tuple(replace(image, recorded=()) for image in self.images))


def centre_crop(pixels: np.ndarray, side: int, name: str) -> np.ndarray:
    """The centre `side` x `side` of (H, W, C). Raises ValueError if the image is smaller."""
    height, width = pixels.shape[:2]
    if min(height, width) < side:
        raise ValueError(f"{name} is {width}x{height}, smaller than the crop of {side}x{side}")
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[top : top + side, left : left + side]


def read_file(path: Path) -> np.ndarray:
    """An image file as uint8, (H, W, 1) if it is greyscale, else (H, W, 3). Raises ValueError if it cannot be read."""
    return decode.pixels(path)


def counted(names: list[str], what: str) -> str:
    """'3 files (a.png, b.png, c.png)', with three names at most."""
    some = ", ".join(in_natural_order(names)[:3]) + (", ..." if len(names) > 3 else "")
    return f"{len(names)} {what}{'s' if len(names) > 1 else ''} ({some})"


def in_natural_order(names: list[str]) -> list[str]:
    """Sorted, with 2.tif before 10.tif."""
    return sorted(names, key=_natural)


def _natural(name: str) -> list:
    parts, digits = [], ""
    for character in name + "\0":
        if character.isdigit():
            digits += character
        else:
            parts += [(0, int(digits), ""), (1, 0, character)] if digits else [(1, 0, character)]
            digits = ""
    return parts
