"""Denoising with a loaded network, for evaluation, analyses, training and trials alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from bench.models.contract import output_problem
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


@torch.inference_mode()
def denoise(network: nn.Module, noisy: Tensor, keys: Sequence[int], device: torch.device, **level: Tensor) -> Tensor:
    """`run`; raises ValueError for an output that is no finite image of the shape of its input (`output_problem`)."""
    given = noisy.to(device, copy=True)
    output = network(given, **keyed(network, keys), **level)
    if problem := output_problem(given, output):
        raise ValueError(problem)
    return output.float().cpu()
