"""What methods need that are trained on each test image: gradients within an evaluation, and keyed initial weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


@contextmanager
def learning(x: Tensor) -> Iterator[Tensor]:
    """Context with gradients in float32, also in inference mode and under autocast; yields a copy of the images."""
    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.autocast(x.device.type, enabled=False),
    ):
        yield x.detach().clone().float()


def initialized(network: nn.Module, key: int) -> nn.Module:
    """A network on the meta device -> on the CPU, with torch's default initialization, drawn from the key alone."""
    network, generator = network.to_empty(device="cpu"), torch.Generator().manual_seed(key % 2**63)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_uniform_(layer.weight, math.sqrt(5), generator=generator)
            bound = layer.weight[0].numel() ** -0.5
            nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
    return network
