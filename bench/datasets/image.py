"""Images of a data set, read when they are wanted, and the data set itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from noise_zoo.noise import Noise

SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp"}
Reader = Callable[[], np.ndarray]  # uint8 (H, W, 3); raises ValueError where it cannot


@dataclass(frozen=True)
class CleanImage:
    """One image of a data set, and the noisy ones that were recorded with it.

    `read()` gives float32 (H, W, 3) in [0, 1], exact multiples of 1/255; `read_noisy(noise)` alike.
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

    def read(self) -> np.ndarray:
        return self._read(self.read_bytes)

    def read_noisy(self, noise: Noise) -> np.ndarray:
        """The noisy image recorded under this noise. Raises ValueError where there is none."""
        for other, reader in self.recorded:
            if other == noise:
                return self._read(reader)
        raise ValueError(f"{self.name} has no image with {noise}")

    def problem(self) -> str:
        """Why this image cannot be used, or ''."""
        try:
            shapes = {self.read().shape, *(self.read_noisy(noise).shape for noise, _ in self.recorded)}
        except (ValueError, OSError) as error:
            return str(error)
        sizes = " and ".join(sorted(f"{width}x{height}" for height, width, _ in shapes))
        return f"the images of {self.name} have {sizes} pixels, wanted the same" if len(shapes) > 1 else ""

    def _read(self, reader: Reader) -> np.ndarray:
        pixels = reader()
        if self.crop is not None:
            pixels = centre_crop(pixels, self.crop, self.name)
        return pixels.astype(np.float32) / 255


@dataclass(frozen=True)
class Dataset:
    """Images under a canonical name, with what a reader of the results wants to know of them."""

    name: str
    title: str
    licence: str
    images: tuple[CleanImage, ...]
    note: str = ""
    folder: str = ""  # where they lie, '' for those of the installation

    @property
    def recorded(self) -> tuple[Noise, ...]:
        """The noises that its images were recorded with; none of a data set of clean images alone."""
        return tuple(dict.fromkeys(noise for image in self.images for noise, _ in image.recorded))

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
    """An image file as uint8 (H, W, 3); grey becomes three equal channels. Raises ValueError if it cannot be read."""
    try:
        with Image.open(path) as image:
            if image.mode.startswith(("I", "F")):
                raise ValueError(f"{path.name} has {image.mode!r} pixels; 8-bit images are wanted")
            if any(";16" in str(tile[3]) for tile in image.tile):  # Pillow would drop half of the bits, and not say so
                raise ValueError(f"{path.name} has 16 bits a sample; 8-bit images are wanted")
            return np.asarray(image.convert("RGB"))
    except UnidentifiedImageError as error:
        raise ValueError(f"{path.name} cannot be read as an image: its format is not known") from error
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"{path.name} cannot be read as an image: {reason}") from error


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
