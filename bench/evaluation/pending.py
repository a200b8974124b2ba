"""Which rows of a plan a store lacks, found out image by image: a key has the pixels in it, so images are read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from baselines.checkpoints import first_line
from bench import isolation
from bench.datasets import CleanImage, Dataset
from bench.evaluation.rows import failed, planned_row, row_without_scores
from bench.evaluation.task import Job, RecordedImage, Task
from bench.noise import noises
from bench.runs.plan import Plan
from bench.runs.store import row_key
from noise_zoo.noise import Noise

# told of each image that was read: data set, image, hashes of its pixels by noise ('' of the clean one), keys of rows
Heard = Callable[[str, str, Mapping[str, str], list[str]], None]


class PendingJobs:
    """The jobs that complete a store, in the order of the plan.

    done        keys of the rows that are there
    pictures    how many images of a data set have their pictures kept, at the first seed
    heard       is told of each image that was read
    skipped     how many rows of the images read so far are there
    unreadable  rows of images that could not be read, since they were last taken away
    """

    def __init__(self, plan: Plan, done: Collection[str], pictures: int = 0, heard: Heard = lambda *image: None):
        self.plan, self.done, self.pictures, self.heard = plan, done, pictures, heard
        self.skipped = 0
        self.unreadable: list[dict[str, Any]] = []

    def jobs(self) -> Iterator[Job]:
        """A job for each image that lacks rows; the next image is read while one is worked on."""
        images = ((d, place, image) for d in self.plan.datasets for place, image in enumerate(d.images))
        with ThreadPoolExecutor(1, "reader") as reader:
            waiting = None
            for dataset, place, image in images:
                upcoming = (dataset, place, image, reader.submit(_read, image, self._recorded(dataset)))
                if waiting is not None:
                    yield from self._job(*waiting)
                waiting = upcoming
            if waiting is not None:
                yield from self._job(*waiting)

    def _job(self, dataset: Dataset, place: int, image: CleanImage, reading) -> Iterator[Job]:
        try:
            with isolation.let_others_run():
                clean, image_hash, recorded = reading.result()
        except (ValueError, OSError) as error:
            rows = list(self._unreadable(dataset, image.name, first_line(error)))
            self.heard(dataset.name, image.name, {"": ""}, list(map(row_key, rows)))
            self.unreadable += rows
            return
        whole = Job(dataset.name, image.name, clean, image_hash, (), recorded, image.photograph)
        tasks, asked = [], []
        for seed, noise in self.plan.seeds_and_noises(dataset):
            cells = [(noise, seed, model) for model in range(len(self.plan.models))]
            keys = [row_key(planned_row(self.plan, whole, cell)) for cell in cells]
            models = tuple(model for model, key in enumerate(keys) if key not in self.done)
            asked += keys
            self.skipped += len(keys) - len(models)
            if models:
                pictured = place < self.pictures and seed == self.plan.seeds[0]
                tasks.append(Task(noise, seed, models, pictured))
        pairs = {self.plan.noise_columns[noise]["noise"]: pair.pair_hash for noise, pair in recorded.items()}
        self.heard(dataset.name, image.name, {"": image_hash, **pairs}, asked)
        if tasks:
            yield replace(whole, tasks=tuple(tasks))

    def _recorded(self, dataset: Dataset) -> dict[int, Noise]:
        """The noises of the plan whose noisy images are in the data set, by their places."""
        places = {place: self.plan.noises[place] for place in self.plan.noises_on(dataset)}
        return {place: noise for place, noise in places.items() if noise.recorded}

    def _unreadable(self, dataset: Dataset, image: str, reason: str) -> Iterator[dict[str, Any]]:
        for (seed, noise), model in product(self.plan.seeds_and_noises(dataset), range(len(self.plan.models))):
            yield failed(row_without_scores(self.plan, model, noise, seed, dataset.name, image, "", 0), reason)


def _read(image: CleanImage, wanted: dict[int, Noise]) -> tuple[np.ndarray, str, dict[int, RecordedImage]]:
    """The clean image and its hash, and the noisy ones that are recorded with it under these noises."""
    with isolation.our_code():  # not while user code may have changed the current folder, say
        clean, others = image.read_with(wanted.values())
        image_hash, noisy = noises.pixel_hash(clean), dict(zip(wanted, others, strict=True))
    return (
        clean,
        image_hash,
        {place: RecordedImage(pixels, _both(image_hash, pixels)) for place, pixels in noisy.items()},
    )


def _both(image_hash: str, noisy: np.ndarray) -> str:
    return hashlib.sha256((image_hash + noises.pixel_hash(noisy)).encode()).hexdigest()
