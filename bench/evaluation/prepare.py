"""The noisy image of a task, as the protocol stores it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench import noises
from bench.evaluation.task import Job, Task
from bench.plan import Plan
from bench.protocols import to_bytes
from noise_zoo.legacy import LegacyGenerator


@dataclass(frozen=True)
class Prepared:
    """A task's pixels, all (H, W, 3), and the key of the masks that networks draw on it.

    noisy  as networks get it, float32
    noisy_bytes, clean_bytes  the noisy input and the clean target in 8 bits, as they are scored
    """

    noisy: np.ndarray
    noisy_bytes: np.ndarray
    clean_bytes: np.ndarray
    mask_key: int


def prepare(plan: Plan, job: Job, task: Task) -> Prepared:
    """Make the noisy image. Raises ValueError for whatever goes wrong in a user's noise."""
    noise = plan.noises[task.noise]
    legacy = plan.protocol.legacy_seed
    if legacy is None:
        random = noises.generator(job.image_hash, noise, task.seed)
    else:
        random = LegacyGenerator(legacy + task.seed)
    noisy, target = noises.apply(noise, job.clean, random)
    given = np.ascontiguousarray(plan.protocol.noisy_input(noisy), dtype=np.float32)
    mask_key = noises.mask_key(job.image_hash, noise, task.seed)
    return Prepared(given, to_bytes(given), to_bytes(target), mask_key)
