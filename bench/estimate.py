"""What a run is going to do, and about how long it takes: `bench run --dry-run`."""

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

SIDE = 256  # of the centre of an image that speeds are measured on, at most


@dataclass
class Estimate:
    """What there is to do: rows by (model, data set), and of these the missing ones; their pixels by model."""

    rows: Counter = field(default_factory=Counter)
    missing: Counter = field(default_factory=Counter)
    pixels: Counter = field(default_factory=Counter)
    noisy: Counter = field(default_factory=Counter)  # pixels of the noisy images to make, by noise
    failing: Counter = field(default_factory=Counter)  # rows of images that cannot be read, by (model, data set)
    unreadable: list[str] = field(default_factory=list)
    examples: dict[int, tuple[Job, Task]] = field(default_factory=dict)  # a job with each noise, cut to its centre

    def table(self, plan: Plan) -> pd.DataFrame:
        """A line for each model and data set: rows, how many are done, and of how many the image cannot be read."""
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
    """Read every image and look for what is missing."""
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
            for place in task.models:
                result.missing[plan.models[place].label, job.dataset] += 1
                result.pixels[place] += height * width
    result.failing.update((row["model"], row["dataset"]) for row in pending.unreadable)
    result.unreadable = sorted({f"{row['image']}: {row['reason']}" for row in pending.unreadable})
    return result


def seconds_needed(plan: Plan, result: Estimate, networks: Networks) -> float:
    """Seconds that these networks need for what is missing, from one small image through each.

    Noise and scores run beside the networks where there are cores to spare; here they are added, a bound from above.
    """
    if not result.examples:
        return 0.0
    job, task = next(iter(result.examples.values()))
    prepared = prepare(plan, job, task)
    scorer = Scorer(plan, prepared, networks.device)  # the first time is slower
    total = 0.0
    for noise, (job, task) in result.examples.items():
        began = time.perf_counter()
        Scorer(plan, prepare(plan, job, task), networks.device)
        total += (time.perf_counter() - began) * result.noisy[noise] / job.clean[..., 0].size
    for place, pixels in result.pixels.items():
        networks.denoise(place, prepared)  # the first time is slower
        began = time.perf_counter()
        output = networks.denoise(place, prepared)
        if output.pixels is not None:
            scorer.columns(output.pixels)
        total += (time.perf_counter() - began) * pixels / prepared.noisy[..., 0].size
    return total


def _centre(job: Job) -> Job:
    height, width = job.clean.shape[:2]
    top, left = max(0, (height - SIDE) // 2), max(0, (width - SIDE) // 2)
    here = slice(top, top + SIDE), slice(left, left + SIDE)
    recorded = {place: replace(pair, noisy=pair.noisy[here]) for place, pair in job.recorded.items()}
    return replace(job, clean=job.clean[here], recorded=recorded)
