"""Protocols: how noise is stored and how scores are computed. One file per protocol; its name is in every row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench import registry
from bench.core.errors import unknown


@dataclass(frozen=True)
class Protocol:
    """Range, rounding, border and random generator of an evaluation.

    store_noise   clip the noisy image to [0, 1] and round it to 8 bits before it is given to the network
    border        width in pixels that is cropped at each side before PSNR and SSIM
    definition    the protocol in one or two sentences
    source        whose convention it is
    legacy_seed   None for noise keyed by image and seed; else the seed of a new NumPy RandomState for every image
    lpips_order   order of the channels given to LPIPS
    """

    name: str
    store_noise: bool
    border: int
    definition: str
    source: str
    legacy_seed: int | None = None
    lpips_order: str = "RGB"

    def noisy_input(self, noisy: np.ndarray) -> np.ndarray:
        """The input of the network, float32 (H, W, C), from the unclipped noisy image."""
        stored = to_bytes(noisy).astype(np.float32) / 255 if self.store_noise else noisy
        return np.ascontiguousarray(stored, dtype=np.float32)


def to_bytes(image: np.ndarray) -> np.ndarray:
    """Floats in [0, 1] -> uint8, clipped and rounded to nearest; every score is computed on these."""
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
