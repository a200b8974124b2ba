"""Channels of an image from its file to its scores: one for greyscale, three for colour.

An image is greyscale if its file stores one channel: 1 bit, greyscale (with or without alpha), or a palette of greys
only. Noise is then drawn, and scores are computed, in that channel. An RGB file whose three channels are equal is a
colour image: noise is drawn in each channel, and `kind` says so.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

GREY, COLOUR, EQUAL = "greyscale", "colour", "colour with equal channels"


def to_pillow(pixels: np.ndarray) -> Image.Image:
    """Convert uint8 (H, W, 1) or (H, W, 3) to a Pillow image, greyscale or colour."""
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def in_colour(pixels: np.ndarray) -> np.ndarray:
    """Repeat the channel of (H, W, 1) to (H, W, 3); (H, W, 3) is returned as it is."""
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3))


def kind(pixels: np.ndarray) -> str:
    """Describe (H, W, C): greyscale, colour, or colour with equal channels."""
    if pixels.shape[-1] == 1:
        return GREY
    return EQUAL if (pixels == pixels[..., :1]).all() else COLOUR


def described(shape: tuple[int, ...]) -> str:
    """Describe a shape (H, W, C): '48x40 greyscale' for (40, 48, 1)."""
    height, width, channels = shape
    return f"{width}x{height} {GREY if channels == 1 else COLOUR}"
