"""Pixels of output files of other code: image files (`bench.datasets.decode`), float TIFF, and NumPy arrays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.core.errors import BadInput, described
from bench.datasets import decode
from bench.datasets.arrays import checked
from bench.datasets.channels import GREY
from bench.datasets.image import SUFFIXES
from bench.protocols import Protocol, to_bytes

ARRAY = ".npy"
ENDINGS = {*SUFFIXES, ARRAY}
MAX_OUTSIDE = 1.0  # how far floats may lie outside [0, 1]: farther is another value of white
MIN_CLIPPED = 0.01  # share of values outside [0, 1] from which a remark says so
LOSSY = ("JPEG", "MPO")


@dataclass(frozen=True)
class OutputFile:
    """Pixels of an output, (H, W, 1) or (H, W, 3), uint8 or float32 in [0, 1], and remarks on their conversion."""

    pixels: np.ndarray
    remarks: tuple[str, ...] = ()

    @property
    def in_8_bits(self) -> np.ndarray:
        """The pixels as uint8."""
        return self.pixels if self.pixels.dtype == np.uint8 else to_bytes(self.pixels)

    @property
    def in_floats(self) -> np.ndarray:
        """The pixels as float32 in [0, 1]."""
        return self.pixels.astype(np.float32) / 255 if self.pixels.dtype == np.uint8 else self.pixels


@dataclass(frozen=True)
class PixelReader:
    """Callable that reads the file of a noisy image of `bench noise apply` as uint8 (H, W, C). Raises ValueError."""

    path: Path

    def __call__(self) -> np.ndarray:
        """Read the image."""
        return read(self.path).in_8_bits


def read_scored(path: Path, channels: int, rules: Protocol) -> OutputFile:
    """Read an output as a protocol scores it; `channels`: those of the clean image. Raises ValueError."""
    return read(path, channels)  # every protocol scores 8 bits


def read(path: Path, channels: int | None = None, rounded: bool = True) -> OutputFile:
    """Read an output: an image file, or a NumPy array or TIFF of uint8 or of floats in [0, 1], (H, W) or (H, W, C).

    Floats are clipped to [0, 1] and, if `rounded`, rounded to 8 bits, as outputs of networks are. Three equal channels
    become one if `channels` is 1, those of the clean image. Raises ValueError.
    """
    output = _read(path, rounded)
    pixels = output.pixels
    if channels == 1 and pixels.shape[-1] == 3 and (pixels == pixels[..., :1]).all():
        remark = f"three equal channels for a {GREY} image"
        return OutputFile(np.ascontiguousarray(pixels[..., :1]), (*output.remarks, remark))
    return output


def _read(path: Path, rounded: bool) -> OutputFile:
    floats = _floats(path)
    if floats is None:
        lossy = decode.header(path).format in LOSSY
        return OutputFile(decode.pixels(path), (*decode.remarks(path), *(["lossy JPEG file"] if lossy else [])))
    array = checked(floats, path.name, MAX_OUTSIDE)
    if array.dtype == np.uint8:
        return OutputFile(array)
    share = float(((array < 0) | (array > 1)).mean())
    remarks = (f"{share:.0%} of the values are outside [0, 1] and clipped",) if share > MIN_CLIPPED else ()
    return OutputFile(to_bytes(array) if rounded else np.clip(array, 0, 1).astype(np.float32), remarks)


def _floats(path: Path) -> np.ndarray | None:
    """The array of a NumPy file or float TIFF; None for other files. Raises ValueError."""
    if path.suffix.lower() == ARRAY:
        try:
            return np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise ValueError(f"{path.name}: expected a NumPy array, got another file: {described(error)}") from error
    if path.suffix.lower() not in (".tif", ".tiff"):
        return None
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            pages = file.pages
            if not len(pages) or pages[0].dtype is None or pages[0].dtype.kind != "f":
                return None
            if len(pages) > 1:
                raise BadInput(f"{path.name}: expected one image, got {len(pages)} pages: save each as its own file")
            return pages[0].asarray()
    except BadInput:
        raise
    except Exception as error:  # tifffile raises many types for broken files and missing decoders
        raise ValueError(f"{path.name} cannot be read: {described(error)}") from error
