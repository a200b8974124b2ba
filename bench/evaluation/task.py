"""The work of an evaluation, and its results; all of these can be pickled."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from bench.datasets import channels

Cell = tuple[int, int, int]  # index of the noise, seed, index of the model


@dataclass(frozen=True)
class Task:
    """One noisy image, and the models that denoise it.

    noise, models    indices in the plan
    pictured         whether its pictures are saved
    tile_reductions  how often its tiles are made smaller than planned, because memory was exhausted
    """

    noise: int
    seed: int
    models: tuple[int, ...]
    pictured: bool = False
    tile_reductions: int = 0

    @property
    def cells(self) -> list[Cell]:
        """The cells of the task, one per model."""
        return [(self.noise, self.seed, model) for model in self.models]

    def without(self, done: Collection[Cell]) -> Task:
        """The task without the models whose cells are done."""
        return replace(self, models=tuple(m for m in self.models if (self.noise, self.seed, m) not in done))


@dataclass(frozen=True)
class RecordedImage:
    """The noisy image of a pair, of the shape of the clean one, and the SHA-256 of the hashes of both."""

    noisy: np.ndarray
    pair_hash: str


@dataclass(frozen=True)
class Job:
    """The tasks of one clean image, float32 (H, W, 1) or (H, W, 3) in [0, 1], and the SHA-256 of its pixels.

    recorded    noisy images that are recorded with it, by the index of their noise in the plan
    photograph  name that crops of one photograph share
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
        """The kind of the clean image, 'greyscale' or 'colour', see `channels.kind`."""
        return channels.kind(self.clean)

    def hash_under(self, noise: int) -> str:
        """The hash in rows under a noise: of the clean pixels, and also of the noisy ones if they are recorded."""
        return self.recorded[noise].pair_hash if noise in self.recorded else self.image_hash


def remaining_tasks(tasks: Iterable[Task], done: Collection[Cell]) -> tuple[Task, ...]:
    """The tasks without the cells that are done."""
    left = (task.without(done) for task in tasks)
    return tuple(task for task in left if task.models)


@dataclass(frozen=True)
class FinishedRow:
    """The row of a cell with its scores, and its pictures: file name -> content."""

    cell: Cell
    row: Mapping[str, Any]
    pictures: dict[str, bytes] = field(default_factory=dict)
