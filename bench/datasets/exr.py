"""OpenEXR files of renders: linear light in half or single precision. Needs the package OpenEXR (extra `render`)."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from bench.errors import BadInput, described


def _library():
    try:
        import OpenEXR
    except ImportError:
        raise BadInput("EXR files need the package OpenEXR: pip install 'maskbench[render]'") from None
    return OpenEXR


def read(path: Path) -> np.ndarray:
    """Linear light, float32: (H, W, 3) of channels R, G, B, or (H, W, 1) of Y alone. Raises ValueError, BadInput."""
    library = _library()
    try:
        with library.File(str(path), separate_channels=True) as file:
            channels = {name: channel.pixels for name, channel in file.channels().items()}
    except (RuntimeError, ValueError, TypeError) as error:  # what the library raises for files that are none
        raise ValueError(f"{path.name} cannot be read as an EXR file: {described(error)}") from error
    names = ["R", "G", "B"] if {"R", "G", "B"} <= channels.keys() else ["Y"]
    if not set(names) <= channels.keys():
        raise ValueError(f"{path.name} has the channels {', '.join(sorted(channels))}, wanted R, G and B")
    pixels = np.stack([channels[name] for name in names], axis=-1).astype(np.float32)
    if not np.isfinite(pixels).all():
        raise ValueError(f"{path.name} has values that are not finite")
    return pixels


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
