"""Recorded noise of Monte-Carlo rendering."""

from dataclasses import dataclass
from typing import ClassVar

from noise_zoo.recorded import RecordedNoise


@dataclass(frozen=True)
class MonteCarlo(RecordedNoise):
    """Names pairs of renders (H, W, C) in [0, 1], tone-mapped: `spp` samples per pixel, and a reference of far more.

    Source: Kajiya, The Rendering Equation, SIGGRAPH 1986; as test noise Chen et al., CVPR 2023.
    """

    axis: ClassVar[str] = "spp"
    levels: ClassVar[tuple[float, ...]] = (64, 128)
    title: ClassVar[str] = "Monte-Carlo rendering noise"
    formula: ClassVar[str] = "y = T(mean of spp sampled paths), x = T(mean of far more), T the tone mapping"
    source: ClassVar[str] = "pairs of the data set"

    spp: int

    def __post_init__(self) -> None:
        self.check_integer("spp", 1, 10**9)
