"""Data sets and their images, which are read on demand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import takewhile
from pathlib import Path

import numpy as np

from bench.datasets import decode
from bench.datasets.channels import described
from noise_zoo.noise import Noise

SUFFIXES = set(".png .apng .jpg .jpeg .jpe .jfif .tif .tiff .bmp .dib .webp .gif .ppm .pgm .pbm .pnm .jp2 .j2k".split())
Reader = Callable[[], np.ndarray]  # uint8 (H, W, 1) or (H, W, 3); raises ValueError if it cannot be read


@dataclass(frozen=True)
class CleanImage:
    """A clean image of a data set, and the noisy images recorded with it.

    `read()` returns float32 in [0, 1], multiples of 1/255: (H, W, 1) of a greyscale file, (H, W, 3) of a colour file
    (bench.datasets.channels); so does `read_noisy(noise)`.

    crop        side of the centre crop in pixels, None for whole images
    recorded    (noise, reader of its noisy image), of the size of the clean image
    photograph  name of the photograph or scene that crops share: their rows are not independent
    """

    name: str
    read_bytes: Reader = field(repr=False)
    crop: int | None = None
    recorded: tuple[tuple[Noise, Reader], ...] = ()
    photograph: str = ""

    def __post_init__(self):
        object.__setattr__(self, "photograph", self.photograph or self.name)

    @property
    def pixels(self) -> np.ndarray:
        """The clean image as uint8, (H, W, 1) or (H, W, 3). Raises ValueError if it cannot be read."""
        return np.rint(self.read() * 255).astype(np.uint8)

    @property
    def readers(self) -> Iterator[Reader]:
        """Readers of the clean image and of all its noisy images."""
        yield self.read_bytes
        yield from (reader for _, reader in self.recorded)

    def read(self) -> np.ndarray:
        """Read the clean image, float32 (H, W, C) in [0, 1]. Raises ValueError if it cannot be read."""
        return self._cropped(self.read_bytes())

    def read_noisy(self, noise: Noise) -> np.ndarray:
        """Read the noisy image of a noise, float32 (H, W, C). Raises ValueError without one of the same size."""
        return self.read_with([noise])[1][0]

    def read_with(self, noises: Iterable[Noise]) -> tuple[np.ndarray, list[np.ndarray]]:
        """Read the clean image and the noisy images of these noises. Raises ValueError if sizes or channels differ.

        Whole images are compared, as centre crops of different sizes would not be aligned.
        """
        clean, noisy = self.read_bytes(), [self._reader(noise)() for noise in noises]
        for other in noisy:
            if other.shape != clean.shape:
                sizes = " and ".join(described(pixels.shape) for pixels in (other, clean))
                raise ValueError(
                    f"{self.name}: expected noisy and clean images of one size and number of channels, got {sizes}"
                )
        return self._cropped(clean), [self._cropped(pixels) for pixels in noisy]

    @property
    def channels(self) -> int | None:
        """1 for greyscale, 3 for colour, None if the image cannot be read."""
        try:
            return self.read_bytes().shape[-1]
        except (ValueError, OSError):
            return None

    def problem(self) -> str:
        """Return why this image or its noisy images cannot be used, or ''."""
        try:
            self.read_with(noise for noise, _ in self.recorded)
        except (ValueError, OSError) as error:
            return str(error)
        return ""

    def _reader(self, noise: Noise) -> Reader:
        for other, reader in self.recorded:
            if other == noise:
                return reader
        raise ValueError(f"{self.name}: expected a recorded noise, got {noise} without an image")

    def _cropped(self, pixels: np.ndarray) -> np.ndarray:
        if self.crop is not None:
            pixels = centre_crop(pixels, self.crop, self.name)
        return pixels.astype(np.float32) / 255


@dataclass(frozen=True)
class Dataset:
    """Images under a canonical name, with title, licence and notes for reports.

    It is a sequence: `len(dataset)`, `dataset[0]` or `dataset["a.png"]`, `for image in dataset`.

    found   remarks on the layout of its folder and on skipped files
    folder  path of its folder, '' for data sets of the installation
    """

    name: str
    title: str
    licence: str
    images: tuple[CleanImage, ...] = field(repr=False)
    note: str = ""
    found: tuple[str, ...] = ()
    folder: str = ""

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[CleanImage]:
        return iter(self.images)

    def __getitem__(self, index: int | str) -> CleanImage:
        """The image of an index or name. Raises IndexError or KeyError."""
        if isinstance(index, str):
            return {image.name: image for image in self.images}[index]
        return self.images[index]

    @cached_property
    def remarks(self) -> tuple[str, ...]:
        """Remarks on layout, skipped files and conversions of pixels; reads the headers of all files."""
        files = defaultdict(list)
        for reader in (reader for image in self.images for reader in image.readers):
            for remark in getattr(reader, "remarks", list)():
                files[remark].append(reader.path.name)
        return (*self.found, *(f"{remark}: {counted(names, 'file')}" for remark, names in files.items()))

    @property
    def described(self) -> str:
        """Note and remarks as one text, for the manifest of a run."""
        return "; ".join(filter(None, (self.note, *self.remarks)))

    @property
    def recorded(self) -> tuple[Noise, ...]:
        """Recorded noises of its images; () for a data set of clean images."""
        return tuple(dict.fromkeys(noise for image in self.images for noise, _ in image.recorded))

    @cached_property
    def is_grey(self) -> bool:
        """Whether all readable images are greyscale; reads images up to the first colour one."""
        channels = (image.channels for image in self.images)
        known = list(takewhile(lambda number: number in (None, 1), channels))
        return len(known) == len(self.images) and 1 in known

    def without_noise(self) -> Dataset:
        """Return the data set of its clean images only."""
        return replace(self, images=tuple(replace(image, recorded=()) for image in self.images))


def centre_crop(pixels: np.ndarray, side: int, name: str) -> np.ndarray:
    """Crop the centre `side` x `side` pixels of (H, W, C). Raises ValueError if the image is smaller."""
    height, width = pixels.shape[:2]
    if min(height, width) < side:
        raise ValueError(f"{name}: expected at least {side}x{side} pixels for the crop, got {width}x{height}")
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[top : top + side, left : left + side]


def read_file(path: Path) -> np.ndarray:
    """Read an image file as uint8, (H, W, 1) if greyscale, else (H, W, 3). Raises ValueError if it cannot be read."""
    return decode.pixels(path)


def counted(names: list[str], what: str) -> str:
    """Format a count with up to three names: '3 files (a.png, b.png, c.png)'."""
    listed = ", ".join(in_natural_order(names)[:3]) + (", ..." if len(names) > 3 else "")
    return f"{len(names)} {what}{'s' if len(names) > 1 else ''} ({listed})"


def in_natural_order(names: list[str]) -> list[str]:
    """Sort names in natural order: 2.tif before 10.tif."""
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
