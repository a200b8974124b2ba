"""What is to be done, and what came of it; all of it can be pickled."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from bench.datasets import channels

Cell = tuple[int, int, int]  # places of the noise and the model in the plan, the seed between them


@dataclass(frozen=True)
class Task:
    """One noisy image, and the models that have to denoise it.

    noise, models  places in the plan
    pictured       whether its pictures are kept
    smaller        how many times its tiles were made smaller, for want of memory
    """

    noise: int
    seed: int
    models: tuple[int, ...]
    pictured: bool = False
    smaller: int = 0

    @property
    def cells(self) -> list[Cell]:
        return [(self.noise, self.seed, model) for model in self.models]

    def without(self, done: Collection[Cell]) -> Task:
        """What is left of the task."""
        return replace(self, models=tuple(m for m in self.models if (self.noise, self.seed, m) not in done))


@dataclass(frozen=True)
class RecordedImage:
    """The noisy image of a pair, like the clean one, and the SHA-256 of the hashes of both."""

    noisy: np.ndarray
    pair_hash: str


@dataclass(frozen=True)
class Job:
    """Tasks of one clean image, float32 (H, W, 1) or (H, W, 3) in [0, 1], and the SHA-256 of its pixels.

    recorded    noisy images that came with it, by the place of their noise in the plan
    photograph  what crops of one photograph have in common
    """

    dataset: str
    image: str
    clean: np.ndarray
    image_hash: str
    tasks: tuple[Task, ...]
    recorded: dict[int, RecordedImage] = field(default_factory=dict)
    photograph: str = ""

    @cached_property
    def kind(self) -> str:
        """Greyscale or colour, in words."""
        return channels.kind(self.clean)

    def hash_under(self, noise: int) -> str:
        """The hash in rows under a noise: of the clean pixels, and of the noisy ones where they were recorded."""
        return self.recorded[noise].pair_hash if noise in self.recorded else self.image_hash


def remaining_tasks(tasks: Iterable[Task], done: Collection[Cell]) -> tuple[Task, ...]:
    """The tasks without the cells that are done."""
    left = (task.without(done) for task in tasks)
    return tuple(task for task in left if task.models)


@dataclass(frozen=True)
class FinishedRow:
    """The row of a cell, and the pictures that go with it: file name -> content."""

    cell: Cell
    row: dict[str, Any]
    pictures: dict[str, bytes] = field(default_factory=dict)
