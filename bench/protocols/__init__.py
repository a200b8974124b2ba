"""How noise is stored and scores are taken, a named protocol a file; the name is in every row."""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from importlib import import_module

import numpy as np

from bench.errors import unknown


@dataclass(frozen=True)
class Protocol:
    """Range, rounding, border and random stream of an evaluation.

    store_noise   clip the noisy image to [0, 1] and round it to 8 bits before the network sees it
    border        pixels left out at each side before PSNR and SSIM
    legacy_seed   None for keyed noise; a seed for NumPy's RandomState, made anew for every image
    lpips_order   order of the channels that LPIPS is fed
    definition    the protocol in a sentence or two, for people
    source        who scores like this
    """

    name: str
    store_noise: bool
    border: int
    definition: str
    source: str
    legacy_seed: int | None = None
    lpips_order: str = "RGB"

    def noisy_input(self, noisy: np.ndarray) -> np.ndarray:
        """What the network is given: float32 (H, W, C), from the unclipped noisy image."""
        return to_bytes(noisy).astype(np.float32) / 255 if self.store_noise else noisy


def to_bytes(image: np.ndarray) -> np.ndarray:
    """[0, 1] floats -> uint8, clipped and rounded to nearest: what every score is taken on."""
    scaled = np.clip(image, 0, 1)
    scaled *= 255
    return np.rint(scaled, out=scaled).astype(np.uint8)


def names() -> list[str]:
    return sorted(info.name.replace("_", "-") for info in pkgutil.iter_modules(__path__))


def load_protocol(name: str) -> Protocol:
    """A protocol by name. Raises BadInput with the nearest names."""
    if name not in names():
        raise unknown("protocol", name, names())
    return import_module(f"bench.protocols.{name.replace('-', '_')}").PROTOCOL
