"""The rows of a plan that a store lacks, image by image: a key covers the pixels, so every image has to be read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import product

import numpy as np

from bench.core import isolation
from bench.core.errors import described
from bench.datasets import CleanImage, Dataset
from bench.evaluation.rows import failed, planned_row, row_without_scores
from bench.evaluation.task import Job, RecordedImage, Task
from bench.noise import noises
from bench.runs.plan import Plan
from bench.runs.schema import Row
from bench.runs.store import row_key
from noise_zoo.noise import Noise

# arguments: data set, image, hashes of its pixels by noise ('' for the clean image), keys of its rows
ImageCallback = Callable[[str, str, Mapping[str, str], list[str]], None]

ReadImage = tuple[np.ndarray, str, dict[int, RecordedImage]]  # of `_read`


class PendingJobs:
    """The jobs that complete a store, in the order of the plan.

    done           keys of the rows that are in the store
    pictures       number of images of each data set whose pictures are saved, at the first seed
    on_image_read  called for each image after it was read
    skipped        number of rows that were skipped because they are in the store
    unreadable     rows of images that could not be read; the caller takes them out
    """

    def __init__(
        self, plan: Plan, done: Collection[str], pictures: int = 0, on_image_read: ImageCallback = lambda *image: None
    ):
        self.plan, self.done, self.pictures, self.on_image_read = plan, done, pictures, on_image_read
        self.skipped = 0
        self.unreadable: list[Row] = []

    def jobs(self) -> Iterator[Job]:
        """One job for each image that lacks rows; the next image is read in the background."""
        images = (
            (dataset, index, image) for dataset in self.plan.datasets for index, image in enumerate(dataset.images)
        )
        with ThreadPoolExecutor(1, "reader") as reader:
            waiting = None
            for dataset, index, image in images:
                upcoming = (dataset, index, image, reader.submit(_read, image, self._recorded(dataset)))
                if waiting is not None:
                    yield from self._job(*waiting)
                waiting = upcoming
            if waiting is not None:
                yield from self._job(*waiting)

    def _job(self, dataset: Dataset, index: int, image: CleanImage, reading: Future[ReadImage]) -> Iterator[Job]:
        try:
            with isolation.let_others_run():
                clean, image_hash, recorded = reading.result()
        except (ValueError, OSError) as error:
            rows = list(self._unreadable(dataset, image.name, described(error)))
            self.on_image_read(dataset.name, image.name, {"": ""}, list(map(row_key, rows)))
            self.unreadable += rows
            return
        whole = Job(dataset.name, image.name, clean, image_hash, (), recorded, image.photograph)
        tasks, planned = [], []
        for seed, noise in self.plan.seeds_and_noises(dataset):
            cells = [(noise, seed, model) for model in range(len(self.plan.models))]
            keys = [row_key(planned_row(self.plan, whole, cell)) for cell in cells]
            models = tuple(model for model, key in enumerate(keys) if key not in self.done)
            planned += keys
            self.skipped += len(keys) - len(models)
            if models:
                pictured = index < self.pictures and seed == self.plan.seeds[0]
                tasks.append(Task(noise, seed, models, pictured))
        pairs = {self.plan.noise_columns[noise]["noise"]: pair.pair_hash for noise, pair in recorded.items()}
        self.on_image_read(dataset.name, image.name, {"": image_hash, **pairs}, planned)
        if tasks:
            yield replace(whole, tasks=tuple(tasks))

    def _recorded(self, dataset: Dataset) -> dict[int, Noise]:
        """The noises of the plan, by index, whose noisy images are recorded in the data set."""
        in_plan = {index: self.plan.noises[index] for index in self.plan.noises_on(dataset)}
        return {index: noise for index, noise in in_plan.items() if noise.recorded}

    def _unreadable(self, dataset: Dataset, image: str, reason: str) -> Iterator[Row]:
        """The failed rows of an image that cannot be read."""
        for (seed, noise), model in product(self.plan.seeds_and_noises(dataset), range(len(self.plan.models))):
            yield failed(row_without_scores(self.plan, model, noise, seed, dataset.name, image, "", 0), reason)


def _read(image: CleanImage, recorded: dict[int, Noise]) -> ReadImage:
    """The clean image, its hash, and by index the noisy images that are recorded with it under these noises."""
    with isolation.our_code():  # user-defined code may have changed the current folder
        clean, others = image.read_with(recorded.values())
        image_hash, noisy = noises.pixel_hash(clean), dict(zip(recorded, others, strict=True))
    pairs = {index: RecordedImage(pixels, _pair_hash(image_hash, pixels)) for index, pixels in noisy.items()}
    return clean, image_hash, pairs


def _pair_hash(image_hash: str, noisy: np.ndarray) -> str:
    return hashlib.sha256((image_hash + noises.pixel_hash(noisy)).encode()).hexdigest()
