"""Square parts of an image that a figure magnifies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.core.errors import BadInput, shortened
from bench.core.integers import integers_of

SHARE = 4  # the shorter side of an image over the side of the box that is chosen for it
MIN_SIDE = 16  # pixels


@dataclass(frozen=True)
class Box:
    """A square of `side` pixels with its upper left corner at column `x` and row `y`, counted from 0."""

    x: int
    y: int
    side: int

    @classmethod
    def parse(cls, text: str) -> Box:
        """Parse 'X,Y,SIDE'. Raises BadInput."""
        try:
            x, y, side = integers_of(text)
        except ValueError:
            side = 0
        if side < 2:
            raise BadInput(f"--zoom: expected X,Y,SIDE in pixels, such as 40,60,48, got {shortened(text)}")
        return cls(x, y, side)

    def __str__(self) -> str:
        return f"{self.x},{self.y},{self.side}"

    def of(self, pixels: np.ndarray) -> np.ndarray:
        """The part of an image (H, W, C). Raises BadInput if the box is not inside of it."""
        height, width = pixels.shape[:2]
        if self.x + self.side > width or self.y + self.side > height:
            raise BadInput(f"--zoom: expected a box inside the image of {width}x{height} pixels, got {self}")
        return pixels[self.y : self.y + self.side, self.x : self.x + self.side]


def most_different(outputs: Sequence[np.ndarray], clean: np.ndarray) -> Box:
    """The box in which the outputs, uint8 (H, W, C), differ most: largest mean variance between them.

    Of one output: where its squared error is largest.
    """
    images = np.stack([image.astype(np.float64) for image in (outputs if len(outputs) > 1 else [*outputs, clean])])
    differences = images.var(axis=0).mean(axis=-1)
    shorter = min(differences.shape)
    side = min(shorter, max(MIN_SIDE, shorter // SHARE))
    sums = np.pad(differences.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    totals = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    y, x = np.unravel_index(int(totals.argmax()), totals.shape)
    return Box(int(x), int(y), side)
