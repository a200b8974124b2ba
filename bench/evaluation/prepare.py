"""The noisy image of a task under the protocol."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from baselines.layers.non_blind import TRUE
from bench.core.errors import BadInput
from bench.evaluation.task import Job, Task
from bench.noise import noises
from bench.protocols import to_bytes
from bench.runs.plan import Plan


@dataclass(frozen=True)
class PreparedImage:
    """The pixels of a task, all (H, W, 1) or (H, W, 3), and the key of the masks that networks draw on it.

    noisy                     the input of networks, float32
    noisy_bytes, clean_bytes  the noisy input and the clean target as they are scored, uint8
    deviation                 standard deviation of the noise, float32, if a model of the task is given the true noise
                              level, or the reason why it has none
    """

    noisy: np.ndarray
    noisy_bytes: np.ndarray
    clean_bytes: np.ndarray
    mask_key: int
    deviation: np.ndarray | str | None = None


def prepare(plan: Plan, job: Job, task: Task) -> PreparedImage:
    """Make the noisy image, or take the recorded one. Raises ValueError if a user-defined noise fails."""
    noise, image_hash = plan.noises[task.noise], job.hash_under(task.noise)
    if noise.recorded:
        noisy, target = plan.protocol.noisy_input(job.recorded[task.noise].noisy), job.clean
    else:
        noisy, target = noises.network_input(noise, job.clean, task.seed, plan.protocol, image_hash)
    mask_key = noises.mask_key(image_hash, noise, task.seed)
    deviation = _deviation(plan, job, task)
    return PreparedImage(noisy, to_bytes(noisy), to_bytes(target), mask_key, deviation)


def _deviation(plan: Plan, job: Job, task: Task) -> np.ndarray | str | None:
    if not any(plan.models[index].level == TRUE for index in task.models):
        return None
    try:
        return noises.standard_deviation(plan.noises[task.noise], job.clean)
    except BadInput as error:
        return str(error)
