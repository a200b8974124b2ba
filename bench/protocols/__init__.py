"""Protocols: how noise is stored and how scores are computed. One file per protocol; its name is in every row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bench import registry
from bench.core.errors import unknown

# how the noisy image is stored before it is given to the network
ROUNDED, FLOORED = "rounded", "floored"  # clipped to [0, 1], and rounded or truncated to 8 bits
CLIPPED, UNCLIPPED = "clipped", "unclipped"  # floats, clipped to [0, 1] or not

FLOAT32_ERROR = 255 * 2.0**-24  # in 8-bit levels: a float32 this close below a level stands for it


@dataclass(frozen=True)
class Protocol:
    """Range, rounding, border and random generator of an evaluation.

    border         width in pixels that is cropped at each side before PSNR and SSIM
    definition     the protocol in one or two sentences
    source         whose convention it is
    storage        how noisy images are stored before they are given to the network
    storage_of     the same by name of the noise, where it differs
    rounds_scores  score images rounded to 8 bits; else clipped to [0, 1], and not rounded
    pad_to         images are extended by reflection at the bottom and right to multiples of it, in pixels
    legacy_seed    None for noise keyed by image and seed; else the seed of a new NumPy RandomState for every image
    lpips_order    order of the channels given to LPIPS
    """

    name: str
    border: int
    definition: str
    source: str
    storage: str = ROUNDED
    storage_of: Mapping[str, str] = field(default_factory=dict)
    rounds_scores: bool = True
    pad_to: int = 1
    legacy_seed: int | None = None
    lpips_order: str = "RGB"

    def stores_bytes(self, noise: str) -> bool:
        """Whether noisy images under a noise of this name are stored in 8 bits."""
        return self.storage_of.get(noise, self.storage) in (ROUNDED, FLOORED)

    def noisy_input(self, noisy: np.ndarray, noise: str) -> np.ndarray:
        """The input of the network, float32 (H, W, C), from the unclipped noisy image under a noise of this name."""
        storage = self.storage_of.get(noise, self.storage)
        if storage == ROUNDED:
            return to_bytes(noisy).astype(np.float32) / 255
        if storage == FLOORED:
            return _floored(noisy).astype(np.float32) / 255
        return np.ascontiguousarray(np.clip(noisy, 0, 1) if storage == CLIPPED else noisy, dtype=np.float32)

    def as_scored(self, image: np.ndarray) -> np.ndarray:
        """Floats (H, W, C) -> what metrics get: uint8; or, if scores are not rounded, float32 in [0, 255]."""
        return to_bytes(image) if self.rounds_scores else np.clip(image, 0, 1, dtype=np.float32) * np.float32(255)


def _floored(image: np.ndarray) -> np.ndarray:
    """Floats in [0, 1] -> uint8, clipped and truncated."""
    return np.floor(np.clip(image, 0, 1) * 255.0 + FLOAT32_ERROR).clip(0, 255).astype(np.uint8)


def to_bytes(image: np.ndarray) -> np.ndarray:
    """Floats in [0, 1] -> uint8, clipped and rounded to nearest; most protocols score these."""
    scaled = np.clip(image, 0, 1)
    scaled *= 255
    return np.rint(scaled, out=scaled).astype(np.uint8)


def names() -> list[str]:
    """The names of all protocols."""
    return [name.replace("_", "-") for name in registry.modules(__name__, "PROTOCOL")]


def load_protocol(name: str) -> Protocol:
    """A protocol by name. Raises BadInput with similar names."""
    if name not in names():
        raise unknown("protocol", name, names())
    return registry.load(__name__, name.replace("-", "_"), "PROTOCOL")
