"""The noisy image of a task, as the protocol stores it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.evaluation.task import Job, Task
from bench.noise import noises
from bench.protocols import to_bytes
from bench.runs.plan import Plan
from noise_zoo.legacy import LegacyGenerator


@dataclass(frozen=True)
class PreparedImage:
    """A task's pixels, all (H, W, 1) or (H, W, 3), and the key of the masks that networks draw on it.

    noisy  as networks get it, float32
    noisy_bytes, clean_bytes  the noisy input and the clean target in 8 bits, as they are scored
    """

    noisy: np.ndarray
    noisy_bytes: np.ndarray
    clean_bytes: np.ndarray
    mask_key: int


def prepare(plan: Plan, job: Job, task: Task) -> PreparedImage:
    """Take or make the noisy image. Raises ValueError for whatever goes wrong in a user's noise."""
    noise, image_hash = plan.noises[task.noise], job.hash_under(task.noise)
    if noise.recorded:
        noisy, target = job.recorded[task.noise].noisy, job.clean
    else:
        noisy, target = noises.apply(noise, job.clean, _stream(plan, image_hash, task))
    given = np.ascontiguousarray(plan.protocol.noisy_input(noisy), dtype=np.float32)
    mask_key = noises.mask_key(image_hash, noise, task.seed)
    return PreparedImage(given, to_bytes(given), to_bytes(target), mask_key)


def _stream(plan: Plan, image_hash: str, task: Task) -> np.random.Generator | LegacyGenerator:
    legacy = plan.protocol.legacy_seed
    if legacy is not None:
        return LegacyGenerator(legacy + task.seed)
    return noises.generator(image_hash, plan.noises[task.noise], task.seed)
