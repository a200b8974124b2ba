"""How many rows a run still has to compute, and about how long it takes: `bench run --dry-run`."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import product

import pandas as pd

from bench.evaluation.denoise import Networks
from bench.evaluation.pending import PendingJobs
from bench.evaluation.prepare import prepare
from bench.evaluation.score import Scorer
from bench.evaluation.task import Job, Task
from bench.runs.plan import Plan

MAX_SIDE = 256  # pixels, of the centre crop that the speed is measured on


@dataclass
class Estimate:
    """The rows that a run has to compute.

    rows        number of rows of the plan, by (model, data set)
    missing     number of rows that are not in the store yet, by (model, data set)
    pixels      pixels that a model has to denoise, by index of the model
    noisy       pixels of noisy images to make, by index of the noise
    failing     rows of images that cannot be read, by (model, data set)
    unreadable  these images, with the reason
    examples    for each noise, by index, a job cropped to its centre
    """

    rows: Counter = field(default_factory=Counter)
    missing: Counter = field(default_factory=Counter)
    pixels: Counter = field(default_factory=Counter)
    noisy: Counter = field(default_factory=Counter)
    failing: Counter = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)
    examples: dict[int, tuple[Job, Task]] = field(default_factory=dict)

    def table(self, plan: Plan) -> pd.DataFrame:
        """One line per model and data set: rows, rows done, and rows whose image cannot be read."""
        lines = []
        for dataset, model in product(plan.datasets, plan.models):
            pair = model.label, dataset.name
            unreadable = {"unreadable": self.failing[pair]} if self.failing else {}
            lines.append(
                {
                    "model": model.label,
                    "data set": dataset.name,
                    "noises": len(plan.noises_on(dataset)),
                    "images": len(dataset.images),
                    "rows": self.rows[pair],
                    "done": self.rows[pair] - self.missing[pair] - self.failing[pair],
                    **unreadable,
                }
            )
        return pd.DataFrame(lines)


def estimate(plan: Plan, done: set[str]) -> Estimate:
    """Read every image and count the rows that are not among the keys `done`."""
    result, pending = Estimate(), PendingJobs(plan, done)
    for dataset in plan.datasets:
        for model in plan.models:
            rows = len(plan.seeds_and_noises(dataset)) * len(dataset.images)
            result.rows[model.label, dataset.name] = rows
    for job in pending.jobs():
        height, width = job.clean.shape[:2]
        for task in job.tasks:
            result.noisy[task.noise] += height * width
            if task.noise not in result.examples:
                result.examples[task.noise] = (_centre(job), task)
            for index in task.models:
                result.missing[plan.models[index].label, job.dataset] += 1
                result.pixels[index] += height * width
    result.failing.update((row["model"], row["dataset"]) for row in pending.unreadable)
    result.unreadable = sorted({f"{row['image']}: {row['reason']}" for row in pending.unreadable})
    return result


def seconds_needed(plan: Plan, needed: Estimate, networks: Networks) -> float:
    """Seconds to compute the missing rows, extrapolated from one small image per model and noise.

    A run makes noise and scores in parallel with the networks if there are cores to spare; here the times are added,
    so the estimate is an upper bound.
    """
    if not needed.examples:
        return 0.0
    job, task = next(iter(needed.examples.values()))
    prepared = prepare(plan, job, task)
    scorer = Scorer(plan, prepared, networks.device)  # warm-up: the first call is slower
    total = 0.0
    for noise, (job, task) in needed.examples.items():
        began = time.perf_counter()
        Scorer(plan, prepare(plan, job, task), networks.device)
        total += (time.perf_counter() - began) * needed.noisy[noise] / job.clean[..., 0].size
    for index, pixels in needed.pixels.items():
        networks.denoise(index, prepared)  # warm-up: the first call is slower
        began = time.perf_counter()
        output = networks.denoise(index, prepared)
        if output.pixels is not None:
            scorer.columns(output.pixels)
        total += (time.perf_counter() - began) * pixels / prepared.noisy[..., 0].size
    return total


def _centre(job: Job) -> Job:
    """The job with its images cropped to their centre of at most MAX_SIDE x MAX_SIDE pixels."""
    height, width = job.clean.shape[:2]
    top, left = max(0, (height - MAX_SIDE) // 2), max(0, (width - MAX_SIDE) // 2)
    window = slice(top, top + MAX_SIDE), slice(left, left + MAX_SIDE)
    recorded = {noise: replace(pair, noisy=pair.noisy[window]) for noise, pair in job.recorded.items()}
    return replace(job, clean=job.clean[window], recorded=recorded)
