"""Row noise: each line of the sensor has its own offset."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from noise_zoo.noise import Images, Noise, Random, as_image, constant


@dataclass(frozen=True)
class Banding(Noise):
    """Adds one offset N(0, (sigma/255)^2) to each row (or column) of (H, W, C) in [0, 1], the same in all channels.

    Applied to the sRGB image; Wei et al. apply it to the raw image.

    Source: the row noise of Wei et al., CVPR 2020, "A Physics-Based Noise Formation Model for ... Raw Denoising".
    """

    axis: ClassVar[str] = "sigma"
    levels: ClassVar[tuple[float, ...]] = (5, 10, 20)
    groups: ClassVar[tuple[str, ...]] = ("extras",)
    title: ClassVar[str] = "Banding"
    formula: ClassVar[str] = "y = x + n, n ~ N(0, (σ/255)²), one n per row"
    source: ClassVar[str] = "row noise of Wei et al., CVPR 2020"

    sigma: float
    direction: str = "rows"

    def __post_init__(self) -> None:
        self.check_number("sigma")
        self.check_choice("direction", ("rows", "columns"))

    def __call__(self, clean: np.ndarray, rng: Random) -> Images:
        clean = as_image(clean)
        height, width, _ = clean.shape
        shape = (height, 1, 1) if self.direction == "rows" else (1, width, 1)
        offset = rng.standard_normal(shape, dtype=np.float32)
        offset *= self.sigma / 255
        return (clean + offset).astype(np.float32, copy=False), clean

    def standard_deviation(self, clean: np.ndarray) -> np.ndarray:
        """Return sigma/255 everywhere, float32 (H, W, C)."""
        return constant(clean, self.sigma / 255)
