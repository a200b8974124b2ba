"""Readers of image files: 8-bit pixels, and remarks on conversions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.datasets import decode, exr, tone
from bench.datasets.image import read_file
from bench.datasets.layouts import EXR_SUFFIX
from bench.protocols import to_bytes


@dataclass(frozen=True)
class ExrOptions:
    """How an EXR file becomes 8-bit pixels: exposure in stops, tone curve, layer; None for the defaults."""

    exposure: float | None = None
    curve: str | None = None
    layer: str | None = None


DEFAULT_EXR_OPTIONS = ExrOptions()


@dataclass(frozen=True)
class FileReader:
    """Callable that reads a file as uint8 (H, W, 1) or (H, W, 3). Raises ValueError if it cannot be read."""

    path: Path
    exr_options: ExrOptions = DEFAULT_EXR_OPTIONS

    def __call__(self) -> np.ndarray:
        """Read the image."""
        if self.path.suffix.lower() != EXR_SUFFIX:
            return read_file(self.path)
        light, curve = exr.read(self.path, self.exr_options.layer), self.exr_options.curve or tone.CURVES[0]
        return to_bytes(tone.map_tones(light, self.exr_options.exposure or 0.0, curve))

    def remarks(self) -> list[str]:
        """Return the conversions of the file's pixels, and what else is in it, as phrases."""
        linear = self.path.suffix.lower() == EXR_SUFFIX
        return exr.remarks(self.path, self.exr_options.layer) if linear else decode.remarks(self.path)
