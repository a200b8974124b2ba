"""The engine of `bench score`: outputs from files in place of networks; noise, scores and pictures as in every run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.core.environment import device_of
from bench.core.errors import described
from bench.datasets.output_files import read_scored
from bench.evaluation.denoise import DenoisedImage, Networks
from bench.evaluation.pipeline import Pipeline
from bench.evaluation.prepare import PreparedImage
from bench.evaluation.rows import planned_row
from bench.evaluation.task import Cell, Job, Task
from bench.noise import noises
from bench.outputs.checks import hash_of
from bench.outputs.noisy_set import Key
from bench.runs.plan import Plan


class FromFiles(Pipeline):
    """The pipeline with outputs from the files of the plan's `OutputsModel`s.

    noisy_hashes  hash of each noisy image that outputs were made of; '' if it is not known
    device        of the metrics
    """

    def __init__(self, plan: Plan, noisy_hashes: Mapping[Key, str], device: str = "auto"):
        super().__init__(plan, Networks((), (), (), device_of(device)))
        self.noisy_hashes = noisy_hashes

    def describe(self) -> dict[str, Any]:
        """The device of the metrics, for the manifest."""
        return {"engine": "files", "device": str(self.networks.device)}

    def _planned_row(self, job: Job, cell: Cell) -> dict[str, Any]:
        return planned_row(self.plan, job, cell)  # on which device outputs were made is not known

    def _output(self, job: Job, task: Task, cell: Cell, prepared: PreparedImage) -> DenoisedImage:
        noise, seed, index = cell
        key = (job.dataset, job.image, self.plan.noise_columns[noise]["noise"], seed)
        model = self.plan.models[index]
        if key not in model.hashes:
            return DenoisedImage(None, 0, reason=model.reasons[key])
        expected = self.noisy_hashes[key]
        if expected and noises.pixel_hash(prepared.noisy) != expected:
            return DenoisedImage(
                None,
                0,
                reason="expected the noisy image of the manifest, got other pixels: make the noisy images again",
            )
        try:
            output = read_scored(model.files[key], job.clean.shape[-1], self.plan.protocol)
        except (ValueError, OSError) as error:
            return DenoisedImage(None, 0, reason=described(error))
        if hash_of(output) != model.hashes[key]:
            return DenoisedImage(None, 0, reason="the file was changed while it was scored")
        return DenoisedImage(output.pixels, 0)
