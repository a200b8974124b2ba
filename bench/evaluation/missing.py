"""Which rows of a plan a store lacks, found out image by image: a key has the pixels in it, so images are read."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

from baselines.checkpoints import first_line
from bench import noises
from bench.datasets import CleanImage, Dataset
from bench.evaluation.rows import failed, unscored
from bench.evaluation.task import Job, Task
from bench.plan import Plan
from bench.store import row_key


class Missing:
    """The jobs that complete a store, in the order of the plan.

    done        keys of the rows that are there
    pictures    how many images of a data set have their pictures kept, at the first seed
    keys        of all rows of the images read so far: what the plan's rows are called in the store
    skipped     how many of these were there
    unreadable  rows of images that could not be read, since they were last taken away
    """

    def __init__(self, plan: Plan, done: Collection[str], pictures: int = 0):
        self.plan, self.done, self.pictures = plan, done, pictures
        self.keys: list[str] = []
        self.skipped = 0
        self.unreadable: list[dict[str, Any]] = []

    def jobs(self) -> Iterator[Job]:
        """A job for each image that lacks rows; the next image is read while one is worked on."""
        images = ((d, place, image) for d in self.plan.datasets for place, image in enumerate(d.images))
        with ThreadPoolExecutor(1, "reader") as reader:
            waiting = None
            for dataset, place, image in images:
                upcoming = (dataset, place, image, reader.submit(_read, image))
                if waiting is not None:
                    yield from self._job(*waiting)
                waiting = upcoming
            if waiting is not None:
                yield from self._job(*waiting)

    def _job(self, dataset: Dataset, place: int, image: CleanImage, reading) -> Iterator[Job]:
        try:
            clean, image_hash = reading.result()
        except (ValueError, OSError) as error:
            self.unreadable += self._unreadable(dataset.name, image.name, first_line(error))
            return
        tasks = []
        tiles = [tiling.tile(*clean.shape[:2]) for tiling in self.plan.tilings]
        for seed, noise in self.plan.seeds_and_noises:
            keys = [
                row_key(unscored(self.plan, model, noise, seed, dataset.name, image.name, image_hash, tile))
                for model, tile in enumerate(tiles)
            ]
            models = tuple(model for model, key in enumerate(keys) if key not in self.done)
            self.keys += keys
            self.skipped += len(keys) - len(models)
            if models:
                pictured = place < self.pictures and seed == self.plan.seeds[0]
                tasks.append(Task(noise, seed, models, pictured))
        if tasks:
            yield Job(dataset.name, image.name, clean, image_hash, tuple(tasks))

    def _unreadable(self, dataset: str, image: str, reason: str) -> Iterator[dict[str, Any]]:
        for (seed, noise), model in product(self.plan.seeds_and_noises, range(len(self.plan.models))):
            row = unscored(self.plan, model, noise, seed, dataset, image, "", 0)
            self.keys.append(row_key(row))
            yield failed(row, reason)


def _read(image: CleanImage):
    clean = image.read()
    return clean, noises.pixel_hash(clean)
