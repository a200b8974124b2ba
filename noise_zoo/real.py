"""The noise of cameras, as recorded."""

from dataclasses import dataclass
from typing import ClassVar

from noise_zoo.recorded import RecordedNoise


@dataclass(frozen=True)
class Real(RecordedNoise):
    """Names the noise that a camera or any other process left in the noisy image of a pair, (H, W, C) in [0, 1].

    Source: Abdelhamed et al., A High-Quality Denoising Dataset for Smartphone Cameras, CVPR 2018.
    """

    title: ClassVar[str] = "Real noise"
    formula: ClassVar[str] = "y as recorded, beside x"
    source: ClassVar[str] = "the data set's own pairs"
