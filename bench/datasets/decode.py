"""An image file becomes pixels here and nowhere else: orientation, bit depth, channels, and what is refused.

The format is told by the content, not by the suffix. The rules:

* EXIF orientation is applied.
* 16 bits a sample (PNG, TIFF, PPM, PGM): 8-bit level = round(v / 257), so 65535 is white.
* Grey files have one channel; palettes are replaced by their colours; CMYK and YCbCr become RGB by Pillow's formulas,
  without a colour profile. An opaque alpha channel is dropped.
* Several pages, transparency, floats, signed samples and other bit depths are refused, each with its reason.
* Of a JPEG file with further pictures behind it (a preview, a gain map: MPO) the first one is the photograph.
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

from bench.errors import described

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "DIB", "WEBP", "GIF", "PPM", "JPEG2000")
GREY, COLOUR, PALETTES = ("1", "L", "LA"), ("RGB", "RGBA", "RGBX", "CMYK", "YCbCr"), ("P", "PA")
BITS, SAMPLE_FORMAT, PHOTOMETRIC, PLANES = 258, 339, 262, 284  # tags of TIFF
UNSIGNED, WHITE_IS_ZERO, SEPARATE = 1, 0, 2  # their values
MIN_WHITE = 4095  # 16-bit files that end here hold 12 bits or fewer: round(v / 257) would make them black


@dataclass(frozen=True)
class Header:
    """What a file says of its pixels before they are read: bits a sample, pages, Pillow's mode and format."""

    format: str
    mode: str
    bits: int
    pages: int


def header(path: Path) -> Header:
    """The header of an image file. Raises ValueError if it cannot be read, or says what is refused."""
    with _opened(path) as image:
        return _header(path, image)


def remarks(path: Path) -> list[str]:
    """What is done to the pixels of a file beyond reading them, from its header; nothing for one that is refused."""
    try:
        said = header(path)
    except ValueError:
        return []
    deep = ["more than 8 bits a sample, scaled to 8 by round(255 v / white)"] if said.bits == 16 else []
    ink = ["CMYK, made RGB without a colour profile"] if said.mode == "CMYK" else []
    more = ["further pictures in a JPEG file (preview, gain map), the first is read"] if said.format == "MPO" else []
    return [*deep, *ink, *more]


def pixels(path: Path) -> np.ndarray:
    """An image file as uint8, (H, W, 1) where it is grey and (H, W, 3) in colour. Raises ValueError with the reason."""
    with _opened(path) as image:
        said = _header(path, image)
        deep = said.bits == 16 and said.format != "PPM" or said.mode.startswith("I")
        samples = _from_16_bits(path, image) if deep else _from_8_bits(path, image)
    return samples if samples.ndim == 3 else samples[..., None]


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """A file as Pillow's image; whatever goes wrong inside is a ValueError with the file's name."""
    try:
        with path.open("rb") as file, Image.open(file, formats=FORMATS) as image:  # by path, Pillow maps grey TIFFs
            yield image  # into memory and loses their orientation
    except UnsupportedImage:
        raise
    except UnidentifiedImageError as error:
        raise ValueError(f"{path.name} cannot be read as an image: {_unknown(path)}") from error
    except Exception as error:  # Pillow raises a dozen kinds for broken files
        reason = getattr(error, "strerror", None) or (str(error) if isinstance(error, OSError) else described(error))
        raise ValueError(f"{path.name} cannot be read as an image: {reason}") from error


class UnsupportedImage(ValueError):
    """A file that can be read, and whose pixels would not be those that are meant."""


def _unknown(path: Path) -> str:
    """Why Pillow knows nothing of a file, as far as its first bytes say."""
    with path.open("rb") as file:
        start = file.read(64)
    if not start:
        return "it is empty"
    if start[:4] in (b"II*\0", b"MM\0*"):
        return "it is a TIFF file of floats or of other samples than 8 or 16-bit grey or RGB: save it as one of these"
    if start.startswith(b"version https://git-lfs"):
        return "it is a pointer of Git LFS: fetch the file itself with git lfs pull"
    return "its format is not known"


def _header(path: Path, image: Image.Image) -> Header:
    pages = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    if pages > 1:
        raise UnsupportedImage(f"{path.name} has {pages} pages or frames, expected one: save each as a file of its own")
    if image.mode == "F":
        raise UnsupportedImage(
            f"{path.name} has floats, whose white is not known, expected 8 or 16-bit samples: scale it"
        )
    bits = _bits(path, image)
    if image.mode not in (*GREY, *COLOUR, *PALETTES) and not (image.mode.startswith("I") and bits == 16):
        raise UnsupportedImage(f"{path.name} has pixels of the kind {image.mode}, expected grey or RGB: convert it")
    return Header(image.format, image.mode, bits, pages)


def _bits(path: Path, image: Image.Image) -> int:
    """Bits a sample, 8 for fewer, which Pillow scales. Raises UnsupportedImage for what is neither 8 nor 16."""
    bits, decoded = 8, image.tile[0][3] if image.tile else ""
    if image.format == "TIFF":
        bits, kind = max(image.tag_v2.get(BITS, (1,))), set(image.tag_v2.get(SAMPLE_FORMAT, (UNSIGNED,)))
        if kind != {UNSIGNED}:
            raise UnsupportedImage(f"{path.name} has signed or float samples, expected unsigned integers: convert it")
        if bits > 8 and image.tag_v2.get(PLANES) == SEPARATE and len(image.getbands()) > 1:
            raise UnsupportedImage(
                f"{path.name} has {bits} bits a sample in separate planes: save it with RGB interleaved"
            )
    elif image.format == "PNG":
        bits = 16 if str(decoded).endswith(";16B") else 8
    elif image.format == "PPM":
        most = decoded[1] if isinstance(decoded, tuple) and isinstance(decoded[1], int) else 255
        bits = 16 if most > 255 or image.mode == "I" else 8
    elif image.format == "JPEG2000":
        bits = _bits_of_jpeg2000(path)
        if bits == 16 and image.mode != "I;16":
            raise UnsupportedImage(f"{path.name} is JPEG 2000 with 16 bits a sample in colour: save it as PNG or TIFF")
    if bits > 8 and bits != 16:
        raise UnsupportedImage(f"{path.name} has {bits} bits a sample, expected 8 or 16: convert it")
    return max(8, bits)


def _bits_of_jpeg2000(path: Path) -> int:
    """The most bits a sample that the SIZ segment states (ISO 15444-1, A.5.1); Pillow keeps 8 of them, unsaid."""
    with path.open("rb") as file:
        start = file.read(2**16)
    at = start.find(b"\xff\x4f\xff\x51") + 40
    count = int.from_bytes(start[at : at + 2], "big")
    return max((byte & 127) + 1 for byte in start[at + 2 : at + 2 + 3 * count : 3])


def _from_8_bits(path: Path, image: Image.Image) -> np.ndarray:
    """uint8 (H, W) or (H, W, 3) of an image with at most 8 bits a sample."""
    image = ImageOps.exif_transpose(image)
    if image.has_transparency_data and np.asarray(image.convert("RGBA"))[..., 3].min() < 255:
        raise UnsupportedImage(f"{path.name} has transparent pixels, whose colour is not known: put it on a background")
    if image.mode in GREY:
        return np.asarray(image.convert("L"))
    samples = np.asarray(image.convert("RGB"))
    grey = image.mode in PALETTES and (samples == samples[..., :1]).all()
    return samples[..., 0] if grey else samples


def _from_16_bits(path: Path, image: Image.Image) -> np.ndarray:
    """uint8 (H, W) or (H, W, 3) of an image with 16 bits a sample."""
    if image.mode not in ("RGB", "RGBA", "RGBX", "LA") and not image.mode.startswith("I"):
        raise UnsupportedImage(f"{path.name} has 16 bits a sample in {image.mode}, expected grey or RGB: convert it")
    if "transparency" in image.info or image.mode == "LA":
        raise UnsupportedImage(
            f"{path.name} has 16 bits a sample and transparency in grey or of one colour: save it without"
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
                f"{path.name} has transparent pixels, whose colour is not known: put it on a background"
            )
        samples = samples[..., :3]
    if 0 < (most := samples.max()) <= MIN_WHITE:
        raise UnsupportedImage(f"{path.name} has 16 bits a sample and no value above {most}, so that white is not 65535: "
                      "scale it to 0 to 65535")  # fmt: skip
    return ((samples + 128) // 257).astype(np.uint8)  # round(v / 257): 257 is odd, so there are no halves


def _bytes_of_samples(path: Path, which: str) -> np.ndarray:
    """The high or the low bytes of 16-bit colour, uint8 (H, W, C).

    Pillow has no 16-bit colour: it keeps the byte that is the high one in the order of bytes that it is told. Told the
    other order, it keeps the low one.
    """
    with path.open("rb") as file, Image.open(file, formats=FORMATS) as image:
        image.tile = [_with_byte_order(tile, which) for tile in image.tile]
        return np.asarray(ImageOps.exif_transpose(image))


def _with_byte_order(tile: tuple, which: str) -> tuple:
    """A tile of Pillow with its decoder told an order of bytes; it is a named tuple from Pillow 11.1 on."""
    told = (*tile[:3], _decoder_arguments(tile[3], which))
    return type(tile)(*told) if hasattr(tile, "_fields") else told


def _decoder_arguments(arguments: str | tuple, which: str) -> str | tuple:
    """A decoder's arguments with the order of bytes that keeps the high or the low ones."""
    if isinstance(arguments, tuple):
        return (_decoder_arguments(arguments[0], which), *arguments[1:])
    found = re.fullmatch(r"((?:RGB|RGBA|RGBX);16)([BLN])", arguments)
    if not found:
        raise UnsupportedImage(f"16 bits a sample as {arguments}: save it as RGB")
    own = found[2] if found[2] != "N" else {"big": "B", "little": "L"}[sys.byteorder]
    return found[1] + (own if which == "high" else {"B": "L", "L": "B"}[own])
