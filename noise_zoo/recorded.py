"""Recorded noise: exists in pairs of images only and cannot be sampled."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from noise_zoo.noise import Images, Noise, Random


class RecordedNoise(Noise):
    """Names the noise of pairs (noisy, clean), each (H, W, C) in [0, 1], stored in files.

    The noisy images are part of the data set; calling this always raises ValueError.
    """

    groups: ClassVar[tuple[str, ...]] = ()
    random: ClassVar[bool] = False
    recorded: ClassVar[bool] = True

    def __call__(self, clean: np.ndarray, rng: Random) -> Images:
        raise ValueError(
            f"{type(self).__name__}: recorded noise cannot be sampled: use a data set of pairs, such as mc-mini, or a "
            "folder with noisy/ and clean/"
        )


@dataclass(frozen=True)
class Applied(RecordedNoise):
    """Names the noise of noisy files, (H, W, C) in [0, 1], that a known noise has made, by its spec and version."""

    spec: str
    made_by: int
