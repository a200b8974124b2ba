"""Denoising with a loaded network, for evaluation, analyses, training and trials alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from bench.models.mask_keys import keyed


def to_batch(image: np.ndarray) -> Tensor:
    """An image (H, W, C) -> (1, C, H, W), contiguous."""
    return torch.from_numpy(image).permute(2, 0, 1)[None].contiguous()


@torch.inference_mode()
def run(network: nn.Module, noisy: Tensor, keys: Sequence[int], device: torch.device, **level: Tensor) -> Tensor:
    """Output of a network in eval mode for images (B, C, H, W) in [0, 1]: float32 on the CPU, not checked.

    keys    one per image, for the masks of a network that draws them
    level   `sigma`, the noise level of a non-blind network that has to be given it
    """
    return network(noisy.to(device, copy=True), **keyed(network, keys), **level).float().cpu()


def denoise(network: nn.Module, noisy: Tensor, keys: Sequence[int], device: torch.device, **level: Tensor) -> Tensor:
    """`run`; raises ValueError for an output that is not finite or not of the shape of the images."""
    output = run(network, noisy, keys, device, **level)
    if output.shape != noisy.shape:
        raise ValueError(f"expected an output of shape {tuple(noisy.shape[1:])}, got {tuple(output.shape[1:])}")
    if not output.isfinite().all():
        raise ValueError("expected finite values in the output, got NaN or infinity")
    return output
