"""OpenEXR files of renders: linear light in half or single precision. Needs the package OpenEXR (extra `render`)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import BadInput, described


def _library():
    try:
        import OpenEXR
    except ImportError:
        raise BadInput("EXR files need the package OpenEXR: pip install 'maskbench[render]'") from None
    return OpenEXR


@dataclass(frozen=True)
class ExrLayer:
    """Channels of a part that make a picture: R, G and B, or Y alone. `names` are those it can be asked for by."""

    part: int
    names: tuple[str, ...]
    channels: tuple[str, ...]


def read(path: Path, layer: str | None = None) -> np.ndarray:
    """Linear light of the display window, float32 (H, W, 3) of R, G, B, or (H, W, 1) of Y. Raises ValueError, BadInput.

    `layer` names a layer (channels `beauty.R`, ...) or a part; without it R, G, B of the first part are read.
    """
    chosen = _chosen(path, layer)
    with _opened(path, separate_channels=True) as file:
        part = file.parts[chosen.part]
        channels = [part.channels[name] for name in chosen.channels]
        window, display = (np.ravel(part.header[name]) for name in ("dataWindow", "displayWindow"))
        planes = [channel.pixels for channel in channels]
    if any(channel.xSampling != 1 or channel.ySampling != 1 for channel in channels):
        raise ValueError(f"{path.name} has channels of fewer pixels than others: save it without subsampling")
    if any(plane.dtype.kind != "f" for plane in planes):
        raise ValueError(f"{path.name} has integers in {', '.join(chosen.channels)}, expected light in floats")
    pixels = _display_window(path, np.stack(planes, axis=-1).astype(np.float32), window, display)
    if not np.isfinite(pixels).all():
        raise ValueError(f"{path.name} has values that are not finite")
    return pixels


def remarks(path: Path, layer: str | None = None) -> list[str]:
    """What a file has beside the picture that is read, from its headers; nothing for one that cannot be read."""
    try:
        if layer is not None or len(found := _layers(path)) < 2:
            return []
        _chosen(path, layer)
    except ValueError:
        return []
    others = ", ".join(other.names[0] for other in found[1:4]) + (", ..." if len(found) > 4 else "")
    return [f"EXR with further layers ({others}), R, G, B of the first part are read; layer=NAME chooses"]


def _chosen(path: Path, layer: str | None) -> ExrLayer:
    """The layer of a name, or the unnamed one of the first part. Raises ValueError that lists what there is."""
    found = _layers(path)
    named = ", ".join(repr(other.names[0]) for other in found if other.names[0])
    if layer is not None:
        if chosen := [one for one in found if layer in one.names]:
            return chosen[0]
        raise ValueError(f"{path.name} has no layer {layer!r}; it has {named or 'R, G, B without a name alone'}")
    if found and found[0].part == 0 and found[0].names[-1] == "":
        return found[0]
    if named:
        raise ValueError(f"{path.name} has no R, G, B in its first part; choose a layer of it with layer=: {named}")
    with _opened(path, header_only=True) as file:
        channels = sorted(channel.name for part in file.parts for channel in part.header["channels"])
    chroma = " (luminance and chroma)" if {"RY", "BY"} & set(channels) else ""
    raise ValueError(f"{path.name} has the channels {', '.join(channels)}{chroma}, expected R, G and B, or Y alone: "
                     "save it as RGB")  # fmt: skip


def _layers(path: Path) -> list[ExrLayer]:
    """The pictures in a file, part by part, those without a name first. Raises ValueError for deep data."""
    found = []
    with _opened(path, header_only=True) as file:
        for place, part in enumerate(file.parts):
            if "deep" in str(part.header.get("type", "")):
                raise ValueError(f"{path.name} has deep data (several samples at a pixel): flatten it first")
            names = [channel.name for channel in part.header["channels"]]
            for prefix in sorted({name.rpartition(".")[0] for name in names}):
                own = {name.rpartition(".")[2]: name for name in names if name.rpartition(".")[0] == prefix}
                if channels := _picture_channels(own):
                    found.append(ExrLayer(place, tuple(_names(part.name(), prefix)), channels))
    return found


def _names(part: str, prefix: str) -> Iterator[str]:
    """What a layer can be asked for by: `beauty` of beauty.R, or its part's name; '' last where it has no prefix."""
    yield from filter(None, (prefix, part, f"{part}.{prefix}" if part and prefix else ""))
    if not prefix:
        yield ""


def _picture_channels(own: dict[str, str]) -> tuple[str, ...]:
    """The channels of a layer that make a picture, (R, G, B) or (Y,); X, Y, Z and luminance with chroma are none."""
    if {"R", "G", "B"} <= own.keys():
        return own["R"], own["G"], own["B"]
    return (own["Y"],) if "Y" in own and not {"X", "RY", "BY"} & own.keys() else ()


def _display_window(path: Path, pixels: np.ndarray, window: np.ndarray, display: np.ndarray) -> np.ndarray:
    """The display window out of the data window, each (left, top, right, bottom); what lies outside is cut off."""
    left, top, right, bottom = map(int, display)
    first_column, first_row, last_column, last_row = map(int, window)
    if left < first_column or top < first_row or right > last_column or bottom > last_row:
        sizes = f"{last_column - first_column + 1}x{last_row - first_row + 1} of {right - left + 1}x{bottom - top + 1}"
        raise ValueError(f"{path.name} has {sizes} pixels (its data window is not the whole picture): save it whole")
    return pixels[top - first_row : bottom - first_row + 1, left - first_column : right - first_column + 1]


@contextmanager
def _opened(path: Path, **how: bool) -> Iterator[Any]:
    try:
        with _library().File(str(path), **how) as file:
            yield file
    except (RuntimeError, TypeError, KeyError) as error:  # what the library raises for files that are none
        raise ValueError(f"{path.name} cannot be read as an EXR file: {described(error)}") from error


def encode(pixels: np.ndarray) -> bytes:
    """Linear light (H, W, 3) as the bytes of an EXR file, half precision, without loss compressed."""
    library = _library()
    header = {"compression": library.ZIP_COMPRESSION, "type": library.scanlineimage}
    half = np.ascontiguousarray(np.clip(pixels, 0, 65504), dtype=np.float16)
    with tempfile.TemporaryDirectory() as folder:  # the library writes files alone
        path = Path(folder) / "image.exr"
        with library.File(header, {"RGB": half}) as file:
            file.write(str(path))
        return path.read_bytes()
