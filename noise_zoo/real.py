"""Recorded noise of a camera."""

from dataclasses import dataclass
from typing import ClassVar

from noise_zoo.noise import shortened
from noise_zoo.recorded import RecordedNoise


@dataclass(frozen=True)
class Real(RecordedNoise):
    """Names the noise of a camera, or of any other process, in pairs of images (H, W, C) in [0, 1].

    `name` tells several of one data set apart: that of the folder with the noisy images.

    Source: Abdelhamed et al., A High-Quality Denoising Dataset for Smartphone Cameras, CVPR 2018.
    """

    title: ClassVar[str] = "Real noise"
    formula: ClassVar[str] = "(y, x) recorded"
    source: ClassVar[str] = "pairs of the data set"

    name: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise ValueError(f"{type(self).__name__}: name: expected text in quotes, got {shortened(self.name)}")
