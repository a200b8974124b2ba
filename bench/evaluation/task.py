"""What is to be done, and what came of it; all of it can be pickled."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Task:
    """One noisy image, and the models that have to denoise it.

    noise, models  places in the plan
    pictured       whether its pictures are kept
    """

    noise: int
    seed: int
    models: tuple[int, ...]
    pictured: bool = False


@dataclass(frozen=True)
class Recorded:
    """The noisy image of a pair, like the clean one, and the SHA-256 of the hashes of both."""

    noisy: np.ndarray
    pair_hash: str


@dataclass(frozen=True)
class Job:
    """Tasks of one clean image, (H, W, 3) float32 in [0, 1], and the SHA-256 of its pixels.

    recorded  noisy images that came with it, by the place of their noise in the plan
    """

    dataset: str
    image: str
    clean: np.ndarray
    image_hash: str
    tasks: tuple[Task, ...]
    recorded: dict[int, Recorded] = field(default_factory=dict)

    def hash_under(self, noise: int) -> str:
        """The hash in rows under a noise: of the clean pixels, and of the noisy ones where they were recorded."""
        return self.recorded[noise].pair_hash if noise in self.recorded else self.image_hash


@dataclass(frozen=True)
class Finished:
    """A row, and the pictures that go with it: file name -> content."""

    row: dict[str, Any]
    pictures: dict[str, bytes] = field(default_factory=dict)
