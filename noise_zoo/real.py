"""The noise of cameras, as recorded."""

from dataclasses import dataclass
from typing import ClassVar

from noise_zoo.noise import shortened
from noise_zoo.recorded import RecordedNoise


@dataclass(frozen=True)
class Real(RecordedNoise):
    """Names the noise that a camera or any other process left in the noisy image of a pair, (H, W, C) in [0, 1].

    `name` tells several of one data set apart: that of the folder with the noisy images.

    Source: Abdelhamed et al., A High-Quality Denoising Dataset for Smartphone Cameras, CVPR 2018.
    """

    title: ClassVar[str] = "Real noise"
    formula: ClassVar[str] = "y as recorded, beside x"
    source: ClassVar[str] = "the data set's own pairs"

    name: str = ""

    def __post_init__(self):
        if not isinstance(self.name, str):
            raise ValueError(f"{type(self).__name__}: name is {shortened(self.name)}, wanted text in quotes")
