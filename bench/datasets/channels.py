"""How many channels a picture has, from its file to its score: one if it is greyscale, three if it is colour.

Greyscale is what its file stores as one channel: 1 bit, greyscale, greyscale with transparency, or a palette of greys
alone. Noise is then drawn once, in the one channel, and scores are taken there. An RGB file whose three channels are
equal is a colour file: its noise is drawn in each channel, and `kind` says so.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

GREY, COLOUR, EQUAL = "greyscale", "colour", "colour with equal channels"


def to_pillow(pixels: np.ndarray) -> Image.Image:
    """uint8 (H, W, 1) or (H, W, 3) -> a Pillow image, greyscale or colour."""
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def in_colour(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 1) or (H, W, 3) -> (H, W, 3), as a screen shows it."""
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3))


def kind(pixels: np.ndarray) -> str:
    """What (H, W, C) is in words: greyscale, colour, or colour whose three channels are equal."""
    if pixels.shape[-1] == 1:
        return GREY
    return EQUAL if (pixels == pixels[..., :1]).all() else COLOUR


def described(shape: tuple[int, ...]) -> str:
    """'48x40 greyscale' of (40, 48, 1)."""
    height, width, channels = shape
    return f"{width}x{height} {GREY if channels == 1 else COLOUR}"
