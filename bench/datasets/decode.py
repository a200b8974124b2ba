"""Decoding of image files to uint8 pixels: orientation, bit depth, channels, and unsupported files.

All image files of the project are decoded here. The format is detected from the content, not from the suffix. Rules:

* EXIF orientation is applied.
* 16 bits per sample (PNG, TIFF, PPM, PGM): 8-bit level = round(v / 257), so 65535 is white.
* Greyscale files have one channel; palettes become their colours; CMYK and YCbCr become RGB by Pillow's formulas,
  without a colour profile. An opaque alpha channel is dropped.
* Several pages, transparency, floats, signed samples and other bit depths are errors that name the reason.
* Of a JPEG file with further images (preview, gain map: MPO) the first one is read.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from bench.core.errors import described

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "DIB", "WEBP", "GIF", "PPM", "JPEG2000")
GREY, COLOUR, PALETTES = ("1", "L", "LA"), ("RGB", "RGBA", "RGBX", "CMYK", "YCbCr"), ("P", "PA")
BITS, SAMPLE_FORMAT, PHOTOMETRIC, PLANES = 258, 339, 262, 284  # tags of TIFF
UNSIGNED, WHITE_IS_ZERO, SEPARATE = 1, 0, 2  # their values
MIN_WHITE = 4095  # 16-bit files with a lower maximum hold at most 12 bits: round(v / 257) would make them black


@dataclass(frozen=True)
class Header:
    """Header of an image file: Pillow's format and mode, bits per sample (8 or 16), number of pages."""

    format: str
    mode: str
    bits: int
    pages: int


def header(path: Path) -> Header:
    """Read the header of an image file. Raises ValueError if it cannot be read or is not supported."""
    with _opened(path) as image:
        return _header(path, image)


def remarks(path: Path) -> list[str]:
    """Return the conversions of a file's pixels as phrases, from its header; [] for a file that is not supported."""
    try:
        info = header(path)
    except ValueError:
        return []
    deep = ["more than 8 bits per sample, scaled to 8 bits as round(255 v / white)"] if info.bits == 16 else []
    ink = ["CMYK, converted to RGB without a colour profile"] if info.mode == "CMYK" else []
    more = ["several images in a JPEG file (preview, gain map), the first one is read"] if info.format == "MPO" else []
    return [*deep, *ink, *more]


def pixels(path: Path) -> np.ndarray:
    """Decode an image file to uint8, (H, W, 1) if greyscale, else (H, W, 3). Raises ValueError with the reason."""
    with _opened(path) as image:
        info = _header(path, image)
        deep = (info.bits == 16 and info.format != "PPM") or info.mode.startswith("I")
        samples = _from_16_bits(path, image) if deep else _from_8_bits(path, image)
    return samples if samples.ndim == 3 else samples[..., None]


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open a file as a Pillow image; any error in the block becomes a ValueError with the file's name."""
    try:
        with path.open("rb") as file, Image.open(file, formats=FORMATS) as image:  # by path, Pillow maps greyscale
            yield image  # TIFFs into memory and loses their orientation
    except UnsupportedImage:
        raise
    except UnidentifiedImageError as error:
        raise ValueError(f"{path.name} cannot be read as an image: {_unknown(path)}") from error
    except Exception as error:  # Pillow raises many types for broken files
        reason = getattr(error, "strerror", None) or (str(error) if isinstance(error, OSError) else described(error))
        raise ValueError(f"{path.name} cannot be read as an image: {reason}") from error


class UnsupportedImage(ValueError):
    """A file that Pillow can decode, but not to the pixels that are meant."""


def _unknown(path: Path) -> str:
    """Return why Pillow does not recognize a file, from its first bytes."""
    with path.open("rb") as file:
        start = file.read(64)
    if not start:
        return "it is empty"
    if start[:4] in (b"II*\0", b"MM\0*"):
        return "expected 8 or 16-bit greyscale or RGB samples in TIFF, got others, such as floats: convert it"
    if start.startswith(b"version https://git-lfs"):
        return "expected an image, got a Git LFS pointer: download the file with git lfs pull"
    return "unknown file format"


def _header(path: Path, image: Image.Image) -> Header:
    pages = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    if pages > 1:
        raise UnsupportedImage(
            f"{path.name}: expected one image, got {pages} pages or frames: save each as its own file"
        )
    if image.mode == "F":
        raise UnsupportedImage(f"{path.name}: expected 8 or 16-bit samples, got floats: convert it")
    bits = _bits(path, image)
    if image.mode not in (*GREY, *COLOUR, *PALETTES) and not (image.mode.startswith("I") and bits == 16):
        raise UnsupportedImage(f"{path.name}: expected greyscale or RGB, got {image.mode}: convert it")
    return Header(image.format, image.mode, bits, pages)


def _bits(path: Path, image: Image.Image) -> int:
    """Return the bits per sample, 8 or 16; fewer than 8 count as 8, as Pillow scales them. Raises UnsupportedImage."""
    bits, decoded = 8, image.tile[0][3] if image.tile else ""
    if image.format == "TIFF":
        bits, kind = max(image.tag_v2.get(BITS, (1,))), set(image.tag_v2.get(SAMPLE_FORMAT, (UNSIGNED,)))
        if kind != {UNSIGNED}:
            raise UnsupportedImage(
                f"{path.name}: expected unsigned integer samples, got signed or float samples: convert it"
            )
        if bits > 8 and image.tag_v2.get(PLANES) == SEPARATE and len(image.getbands()) > 1:
            raise UnsupportedImage(f"{path.name}: expected interleaved RGB, got {bits}-bit separate planes: convert it")
    elif image.format == "PNG":
        bits = 16 if str(decoded).endswith(";16B") else 8
    elif image.format == "PPM":
        maximum = decoded[1] if isinstance(decoded, tuple) and isinstance(decoded[1], int) else 255
        bits = 16 if maximum > 255 or image.mode == "I" else 8
    elif image.format == "JPEG2000":
        bits = _bits_of_jpeg2000(path)
        if bits == 16 and image.mode != "I;16":
            raise UnsupportedImage(
                f"{path.name}: expected 8 bits per sample in JPEG 2000 colour, got 16: save it as PNG or TIFF"
            )
    if bits > 8 and bits != 16:
        raise UnsupportedImage(f"{path.name}: expected 8 or 16 bits per sample, got {bits}: convert it")
    return max(8, bits)


def _bits_of_jpeg2000(path: Path) -> int:
    """Return the maximum bits per sample in the SIZ segment (ISO 15444-1, A.5.1); Pillow silently keeps 8 of them."""
    with path.open("rb") as file:
        start = file.read(2**16)
    at = start.find(b"\xff\x4f\xff\x51") + 40
    count = int.from_bytes(start[at : at + 2], "big")
    return max((byte & 127) + 1 for byte in start[at + 2 : at + 2 + 3 * count : 3])


def _from_8_bits(path: Path, image: Image.Image) -> np.ndarray:
    """Decode an image of at most 8 bits per sample to uint8 (H, W) or (H, W, 3)."""
    image = ImageOps.exif_transpose(image)
    if image.has_transparency_data and np.asarray(image.convert("RGBA"))[..., 3].min() < 255:
        raise UnsupportedImage(f"{path.name}: expected opaque pixels, got transparent ones: save it on a background")
    if image.mode in GREY:
        return np.asarray(image.convert("L"))
    samples = np.asarray(image.convert("RGB"))
    grey = image.mode in PALETTES and (samples == samples[..., :1]).all()
    return samples[..., 0] if grey else samples


def _from_16_bits(path: Path, image: Image.Image) -> np.ndarray:
    """Decode an image of 16 bits per sample to uint8 (H, W) or (H, W, 3)."""
    if image.mode not in ("RGB", "RGBA", "RGBX", "LA") and not image.mode.startswith("I"):
        raise UnsupportedImage(f"{path.name}: expected 16-bit greyscale or RGB, got {image.mode}: convert it")
    if "transparency" in image.info or image.mode == "LA":
        raise UnsupportedImage(
            f"{path.name}: expected opaque 16-bit samples, got a transparent colour or alpha: save it without"
        )
    if image.mode.startswith("I"):
        samples = np.asarray(ImageOps.exif_transpose(image)).astype(np.uint32)
    else:
        high, low = (_bytes_of_samples(path, order).astype(np.uint32) for order in ("high", "low"))
        samples = high << 8 | low
    if image.format == "TIFF" and image.tag_v2.get(PHOTOMETRIC) == WHITE_IS_ZERO:
        samples = 65535 - samples
    if samples.ndim == 3 and samples.shape[2] == 4:
        if samples[..., 3].min() < 65535:
            raise UnsupportedImage(
                f"{path.name}: expected opaque pixels, got transparent ones: save it on a background"
            )
        samples = samples[..., :3]
    if 0 < (maximum := samples.max()) <= MIN_WHITE:
        raise UnsupportedImage(
            f"{path.name}: expected 16-bit samples up to 65535 (white), got a maximum of {maximum}: "
            "scale them to 0..65535"
        )
    return ((samples + 128) // 257).astype(np.uint8)  # round(v / 257): 257 is odd, so there are no halves


def _bytes_of_samples(path: Path, which: str) -> np.ndarray:
    """Return the high or the low bytes of 16-bit colour samples, uint8 (H, W, C).

    Pillow has no 16-bit colour: it keeps the high byte of each sample. With the opposite byte order set, it keeps the
    low byte.
    """
    with path.open("rb") as file, Image.open(file, formats=FORMATS) as image:
        image.tile = [_with_byte_order(tile, which) for tile in image.tile]
        return np.asarray(ImageOps.exif_transpose(image))


def _with_byte_order(tile: tuple, which: str) -> tuple:
    """Return a Pillow tile whose decoder keeps the `which` bytes; tiles are named tuples from Pillow 11.1."""
    changed = (*tile[:3], _decoder_arguments(tile[3], which))
    return type(tile)(*changed) if hasattr(tile, "_fields") else changed


def _decoder_arguments(arguments: str | tuple, which: str) -> str | tuple:
    """Return decoder arguments with the byte order that keeps the high or the low bytes."""
    if isinstance(arguments, tuple):
        return (_decoder_arguments(arguments[0], which), *arguments[1:])
    found = re.fullmatch(r"((?:RGB|RGBA|RGBX);16)([BLN])", arguments)
    if not found:
        raise UnsupportedImage(f"expected 16-bit RGB samples, got {arguments}: save it as RGB")
    own = found[2] if found[2] != "N" else {"big": "B", "little": "L"}[sys.byteorder]
    return found[1] + (own if which == "high" else {"B": "L", "L": "B"}[own])
