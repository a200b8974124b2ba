"""Outputs of models for batches of noisy patches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bench.analyses.core.config import Config
from bench.analyses.core.patches import Batch, batches
from bench.core.errors import BadInput, as_bad_input
from bench.core.progress import progress
from bench.models import adapters, tiling
from bench.models.mask_keys import keyed
from bench.models.model_specs import Model
from bench.models.tiles import Tiled
from bench.noise import noises


@dataclass(frozen=True)
class Denoiser:
    """A loaded model on a device, which denoises batches."""

    model: Model
    network: nn.Module
    device: torch.device

    def for_image(self, channels: int) -> nn.Module:
        """The network for images of 1 or 3 channels."""
        return adapters.for_image(self.network, self.model.channels, channels)

    @torch.inference_mode()
    def __call__(self, noisy: Tensor, keys: Sequence[int]) -> Tensor:
        """Images (B, C, H, W) in [0, 1], with one key per image -> outputs of the same shape, float32 on the CPU.

        On a CPU the images run one by one, which is faster there. Raises BadInput for an output that is not an image.
        """
        network = self.for_image(noisy.shape[1])
        step = 1 if self.device.type == "cpu" else len(noisy)
        outputs = []
        for first in range(0, len(noisy), step):
            part = slice(first, first + step)
            x = noisy[part].to(self.device, copy=True)
            with as_bad_input(f"model {self.model.label}"):
                y = network(x, **keyed(network, keys[part])).float().cpu()
            if y.shape != x.shape or not y.isfinite().all():
                got = "NaN or infinity" if y.shape == x.shape else f"shape {tuple(y.shape)}"
                raise BadInput(
                    f"model {self.model.label}: expected a finite output of shape {tuple(x.shape)}, got {got}"
                )
            outputs.append(y)
        return torch.cat(outputs)


def load_denoiser(model: Model, device: torch.device) -> Denoiser:
    """A model on a device; one that only works in tiles of one size is applied in them. Raises BadInput."""
    network = model.checked(device)
    own = tiling.own(model)
    return Denoiser(model, Tiled(network, own) if own else network, device)


def denoised(denoisers: Sequence[Denoiser], config: Config, noise: Any) -> Iterator[tuple[Batch, dict[str, Tensor]]]:
    """Each patch (a batch of one) under a noise, with the outputs by model."""
    with progress("patches", len(config.patches.patches)) as bar:
        for batch in batches(config.patches, noise, config.seed, config.protocol, 1):
            yield batch, {one.model.label: one(batch.noisy, batch.keys) for one in denoisers}
            bar.advance()


def noise_question(config: Config, noise: Any, version: int) -> dict[str, Any]:
    """Settings for saved results of outputs under one noise, besides those of the models."""
    return {**config.settings, "noise": noises.canonical(noise), "noise_versions": [noises.version(noise)],
            "version": version}  # fmt: skip


def model_settings(model: Model, **more: Any) -> dict[str, Any]:
    """Settings of a model in saved results."""
    return {"models": model.label, "weights_sha256": model.weights_hash, **more}


def to_levels(images: Tensor) -> Tensor:
    """Images in [0, 1] -> 8-bit levels, uint8, clipped and rounded as for every score."""
    return (images.clamp(0, 1) * 255).round().to(torch.uint8)
