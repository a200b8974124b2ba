"""What models make of noisy patches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bench.errors import BadInput
from bench.inside.probe import one_line_errors
from bench.networks import adapters, tiling
from bench.networks.mask_keys import keyed
from bench.networks.models import Model
from bench.networks.tiles import Tiled


@dataclass(frozen=True)
class Denoiser:
    """A model on a device: (B, C, H, W) in [0, 1], C 1 or 3, and a key an image -> the same, float32 on the CPU."""

    model: Model
    network: nn.Module
    device: torch.device

    def for_image(self, channels: int) -> nn.Module:
        """The network for images of 1 or 3 channels."""
        return adapters.for_image(self.network, self.model.channels, channels)

    @torch.inference_mode()
    def __call__(self, noisy: Tensor, keys: Sequence[int]) -> Tensor:
        """Raises BadInput for an output that is no image. On a CPU the images run one by one, which is faster there."""
        network = self.for_image(noisy.shape[1])
        step = 1 if self.device.type == "cpu" else len(noisy)
        parts = []
        for first in range(0, len(noisy), step):
            some = slice(first, first + step)
            x = noisy[some].to(self.device, copy=True)
            with one_line_errors(self.model):
                y = network(x, **keyed(network, keys[some])).float().cpu()
            if y.shape != x.shape or not y.isfinite().all():
                problem = f"an output of shape {tuple(y.shape)} for {tuple(x.shape)}, or values that are not finite"
                raise BadInput(f"model {self.model.label} gives {problem}")
            parts.append(y)
        return torch.cat(parts)


def denoiser(model: Model, device: torch.device) -> Denoiser:
    """A loaded model, in the tile that it is always run in where it has one. Raises BadInput."""
    network = model.checked(device)
    own = tiling.own(model)
    return Denoiser(model, Tiled(network, own) if own else network, device)


def described(denoisers: Sequence[Denoiser]) -> dict[str, Any]:
    """For the settings of a look: which models, with which weights, where."""
    return {
        "models": [one.model.label for one in denoisers],
        "weights_sha256": [one.model.weights_hash for one in denoisers],
        "device": str(denoisers[0].device),
    }


def to_levels(images: Tensor) -> Tensor:
    """[0, 1] -> whole levels 0 to 255, uint8, clipped and rounded as for every score."""
    return (images.clamp(0, 1) * 255).round().to(torch.uint8)
