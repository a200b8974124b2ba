"""Image quality metrics, a file each: `score(output, clean) -> float` on uint8 arrays (H, W, C) of equal shape."""

from __future__ import annotations

import numpy as np


def crop_border(image: np.ndarray, border: int) -> np.ndarray:
    """Leave out `border` pixels at each side of (H, W, C)."""
    return image[border : image.shape[0] - border, border : image.shape[1] - border] if border else image
