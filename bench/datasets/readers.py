"""Readers of image files: pixels in 8 bits, and what is done to them beyond reading."""

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
    """How linear light is exr_options: exposure in stops, tone curve, layer of an EXR file; None for what is usual."""

    exposure: float | None = None
    curve: str | None = None
    layer: str | None = None


DEFAULT_EXR_OPTIONS = ExrOptions()


@dataclass(frozen=True)
class FileReader:
    """Reads a file when it is called: uint8 (H, W, 1) or (H, W, 3). Raises ValueError."""

    path: Path
    exr_options: ExrOptions = DEFAULT_EXR_OPTIONS

    def __call__(self) -> np.ndarray:
        if self.path.suffix.lower() != EXR_SUFFIX:
            return read_file(self.path)
        light, curve = exr.read(self.path, self.exr_options.layer), self.exr_options.curve or tone.CURVES[0]
        return to_bytes(tone.map_tones(light, self.exr_options.exposure or 0.0, curve))

    def remarks(self) -> list[str]:
        """What is done to the file's pixels beyond reading them, and what else is in it."""
        linear = self.path.suffix.lower() == EXR_SUFFIX
        return exr.remarks(self.path, self.exr_options.layer) if linear else decode.remarks(self.path)
