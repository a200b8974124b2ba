"""Outputs of models for noisy patches, and the results of analyses of outputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bench.analyses.core import measurements
from bench.analyses.core.config import Config
from bench.analyses.core.patches import Batch, batches
from bench.analyses.core.result import Result
from bench.core.errors import as_bad_input
from bench.core.progress import progress
from bench.models import adapters, inference, tiling
from bench.models.model_specs import Model
from bench.models.tiles import Tiled
from bench.noise import noises
from noise_zoo.noise import Noise


@dataclass(frozen=True)
class Denoiser:
    """A loaded model on a device, which denoises batches."""

    model: Model
    network: nn.Module
    device: torch.device

    def for_image(self, channels: int) -> nn.Module:
        """The network for images of 1 or 3 channels."""
        return adapters.for_image(self.network, self.model.channels, channels)

    def __call__(self, noisy: Tensor, key: int) -> Tensor:
        """An image (1, C, H, W) in [0, 1], with its key -> the output of the same shape, float32 on the CPU.

        Raises BadInput for an output that is not an image.
        """
        network = self.for_image(noisy.shape[1])
        with as_bad_input(f"model {self.model.label}"):
            return inference.denoise(network, noisy, [key], self.device)


def load_denoiser(model: Model, device: torch.device) -> Denoiser:
    """A model on a device; one that only works in tiles of one size is applied in them. Raises BadInput."""
    network = model.checked(device)
    own = tiling.own(model)
    return Denoiser(model, Tiled(network, own) if own else network, device)


def denoised(models: Sequence[Model], config: Config, noise: Noise) -> Iterator[tuple[Batch, dict[str, Tensor]]]:
    """Each patch (a batch of one) under a noise, with the outputs by model."""
    denoisers = [load_denoiser(model, config.device) for model in models]
    with progress("patches", len(config.patches.patches)) as bar:
        for batch in batches(config.patches, noise, config.seed, config.protocol, 1):
            yield batch, {one.model.label: one(batch.noisy, batch.keys[0]) for one in denoisers}
            bar.advance()


def outputs_result(
    analysis: str,
    models: Sequence[Model],
    config: Config,
    noise: Noise,
    version: int,
    estimates: Iterable[tuple[str, str, Sequence[float]]],
    **numbers: Any,
) -> Result:
    """The result of an analysis of outputs under one noise, which models of later calls join.

    version     of the definition: other numbers need another version
    estimates   (measure, model, (value, low, high)) of each measurement
    numbers     further fields of the result: tables, draw, summary
    """
    label, by_label = noises.canonical(noise), {model.label: model for model in models}
    where = config.columns(version=version)
    rows = [
        measurements.row(
            measure, measurements.subject(by_label[model], "", noise, config.seed), where, estimate=estimate
        )
        for measure, model, estimate in estimates
    ]
    question = {**config.settings, "noise": label, "noise_versions": [noises.version(noise)], "version": version}
    return Result(
        analysis,
        [label],
        question,
        [model_settings(model) for model in by_label.values()],
        measurements=rows,
        joins=True,
        **numbers,
    )


def model_settings(model: Model, **more: Any) -> dict[str, Any]:
    """Settings of a model in saved results."""
    return {"models": model.label, "weights_sha256": model.weights_hash, **more}


def to_levels(images: Tensor) -> Tensor:
    """Images in [0, 1] -> 8-bit levels, uint8, clipped and rounded as for every score."""
    return (images.clamp(0, 1) * 255).round().to(torch.uint8)
