"""OpenEXR files of renders: linear light in half or single precision. Requires OpenEXR (extra `render`)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.core.errors import BadInput, described


def _library():
    try:
        import OpenEXR
    except ImportError:
        raise BadInput(
            "expected the package OpenEXR to read EXR files, got none: pip install 'maskbench[render]'"
        ) from None
    return OpenEXR


@dataclass(frozen=True)
class ExrLayer:
    """Channels of a part that form an image, (R, G, B) or (Y,), and the names that select it."""

    part: int
    names: tuple[str, ...]
    channels: tuple[str, ...]


def read(path: Path, layer: str | None = None) -> np.ndarray:
    """Read linear light of the display window, float32 (H, W, 3) of R, G, B or (H, W, 1) of Y.

    `layer` is the name of a layer (`beauty` of channels `beauty.R`, ...) or of a part; the default is R, G, B of the
    first part. Raises ValueError if the file cannot be read, BadInput without OpenEXR.
    """
    chosen = _chosen(path, layer)
    with _opened(path, separate_channels=True) as file:
        part = file.parts[chosen.part]
        channels = [part.channels[name] for name in chosen.channels]
        window, display = (np.ravel(part.header[name]) for name in ("dataWindow", "displayWindow"))
        planes = [channel.pixels for channel in channels]
    if any(channel.xSampling != 1 or channel.ySampling != 1 for channel in channels):
        raise ValueError(
            f"{path.name}: expected channels of one resolution, got subsampled ones: save it without subsampling"
        )
    if any(plane.dtype.kind != "f" for plane in planes):
        raise ValueError(f"{path.name}: expected floats in {', '.join(chosen.channels)}, got integers")
    pixels = _display_window(path, np.stack(planes, axis=-1).astype(np.float32), window, display)
    if not np.isfinite(pixels).all():
        raise ValueError(f"{path.name}: expected finite values, got NaN or infinity")
    return pixels


def remarks(path: Path, layer: str | None = None) -> list[str]:
    """Return the layers of a file that are not read as a phrase, from its headers; [] for an unreadable file."""
    try:
        if layer is not None or len(found := _layers(path)) < 2:
            return []
        _chosen(path, layer)
    except ValueError:
        return []
    others = ", ".join(other.names[0] for other in found[1:4]) + (", ..." if len(found) > 4 else "")
    return [f"EXR with further layers ({others}), R, G, B of the first part are read; layer=NAME selects another"]


def _chosen(path: Path, layer: str | None) -> ExrLayer:
    """Return the layer of a name, default the unnamed one of the first part. Raises ValueError that lists them."""
    found = _layers(path)
    named = ", ".join(repr(other.names[0]) for other in found if other.names[0])
    if layer is not None:
        if chosen := [one for one in found if layer in one.names]:
            return chosen[0]
        raise ValueError(
            f"{path.name}: expected one of its layers ({named or 'only an unnamed one'}), got layer={layer!r}"
        )
    if found and found[0].part == 0 and found[0].names[-1] == "":
        return found[0]
    if named:
        raise ValueError(
            f"{path.name}: expected R, G, B in its first part, got named layers: choose one with layer=, {named}"
        )
    with _opened(path, header_only=True) as file:
        channels = sorted(channel.name for part in file.parts for channel in part.header["channels"])
    chroma = " (luminance and chroma)" if {"RY", "BY"} & set(channels) else ""
    raise ValueError(f"{path.name}: expected channels R, G, B or Y, got {', '.join(channels)}{chroma}: save it as RGB")


def _layers(path: Path) -> list[ExrLayer]:
    """Return the layers of a file by part, unnamed ones first. Raises ValueError for deep data."""
    found = []
    with _opened(path, header_only=True) as file:
        for index, part in enumerate(file.parts):
            if "deep" in str(part.header.get("type", "")):
                raise ValueError(
                    f"{path.name}: expected flat images, got deep data (several samples per pixel): flatten it first"
                )
            names = [channel.name for channel in part.header["channels"]]
            for prefix in sorted({name.rpartition(".")[0] for name in names}):
                own = {name.rpartition(".")[2]: name for name in names if name.rpartition(".")[0] == prefix}
                if channels := _picture_channels(own):
                    found.append(ExrLayer(index, tuple(_names(part.name(), prefix)), channels))
    return found


def _names(part: str, prefix: str) -> Iterator[str]:
    """Yield the names that select a layer: `beauty` of beauty.R, its part's name; last '' without a prefix."""
    yield from filter(None, (prefix, part, f"{part}.{prefix}" if part and prefix else ""))
    if not prefix:
        yield ""


def _picture_channels(own: dict[str, str]) -> tuple[str, ...]:
    """Return the channels of a layer that form an image, (R, G, B) or (Y,); () of XYZ and of luminance with chroma."""
    if {"R", "G", "B"} <= own.keys():
        return own["R"], own["G"], own["B"]
    return (own["Y"],) if "Y" in own and not {"X", "RY", "BY"} & own.keys() else ()


def _display_window(path: Path, pixels: np.ndarray, window: np.ndarray, display: np.ndarray) -> np.ndarray:
    """Crop the data window to the display window, each (left, top, right, bottom); ValueError if it is smaller."""
    left, top, right, bottom = map(int, display)
    first_column, first_row, last_column, last_row = map(int, window)
    if left < first_column or top < first_row or right > last_column or bottom > last_row:
        sizes = f"{last_column - first_column + 1}x{last_row - first_row + 1} of {right - left + 1}x{bottom - top + 1}"
        raise ValueError(f"{path.name}: expected the whole image, got {sizes} pixels in its data window: save it whole")
    return pixels[top - first_row : bottom - first_row + 1, left - first_column : right - first_column + 1]


@contextmanager
def _opened(path: Path, **how: bool) -> Iterator[Any]:
    try:
        with _library().File(str(path), **how) as file:
            yield file
    except (RuntimeError, TypeError, KeyError) as error:  # what the library raises for other files
        raise ValueError(f"{path.name} cannot be read as an EXR file: {described(error)}") from error


def encode(pixels: np.ndarray) -> bytes:
    """Encode linear light (H, W, 3) as the bytes of an EXR file, half precision, lossless ZIP compression."""
    library = _library()
    header = {"compression": library.ZIP_COMPRESSION, "type": library.scanlineimage}
    half = np.ascontiguousarray(np.clip(pixels, 0, 65504), dtype=np.float16)
    with tempfile.TemporaryDirectory() as folder:  # the library only writes to files
        path = Path(folder) / "image.exr"
        with library.File(header, {"RGB": half}) as file:
            file.write(str(path))
        return path.read_bytes()
