"""JPEG compression artefacts."""

from dataclasses import dataclass
from io import BytesIO
from typing import ClassVar

import numpy as np
from PIL import Image

from noise_zoo.noise import Images, Noise, Random, as_image


@dataclass(frozen=True)
class Jpeg(Noise):
    """Encodes (H, W, 1 or 3) in [0, 1] as JPEG of a quality from 1 to 100 and decodes it; deterministic.

    Values are clipped and rounded to 8 bits first. Chroma subsampling is '4:2:0', as in cameras and KAIR, or '4:4:4'.

    Source: ITU-T T.81 as in libjpeg, through Pillow; qualities of Dong et al., ICCV 2015 (AR-CNN).
    """

    axis: ClassVar[str] = "quality"
    levels: ClassVar[tuple[float, ...]] = (10, 20, 30, 40)
    groups: ClassVar[tuple[str, ...]] = ("extras",)
    random: ClassVar[bool] = False
    title: ClassVar[str] = "JPEG"
    formula: ClassVar[str] = "y = decode(encode(x, quality)), chroma subsampling 4:2:0"
    source: ClassVar[str] = "libjpeg through Pillow; qualities of Dong et al., ICCV 2015"

    quality: int
    subsampling: str = "4:2:0"

    def __post_init__(self) -> None:
        self.check_integer("quality", low=1, high=100)
        self.check_choice("subsampling", ("4:2:0", "4:4:4"))

    def __call__(self, clean: np.ndarray, rng: Random) -> Images:
        clean = as_image(clean)
        if clean.shape[2] not in (1, 3):
            raise ValueError(f"Jpeg: expected an image with 1 or 3 channels, got {clean.shape[2]}")
        pixels = np.rint(np.clip(clean, 0, 1) * 255).astype(np.uint8)  # (H, W, C)
        image = Image.fromarray(pixels if clean.shape[2] == 3 else pixels[..., 0])
        file = BytesIO()
        colour = {"subsampling": self.subsampling} if clean.shape[2] == 3 else {}
        image.save(file, "jpeg", quality=self.quality, **colour)
        decoded = np.asarray(Image.open(file)).reshape(clean.shape)
        return decoded.astype(np.float32) / np.float32(255), clean
