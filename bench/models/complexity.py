"""Complexity of a network: parameters, operations per pixel, receptive field, memory."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from baselines.layers import validation
from bench.models import adapters
from bench.models.mask_keys import keyed

IMAGE_SIDE = 64
STATED_ATTRIBUTES = ("receptive_field", "bytes_per_pixel", "tile")


def count_parameters(network: nn.Module) -> int:
    """Number of parameters."""
    return sum(parameter.numel() for parameter in network.parameters())


def flops_per_pixel(network: nn.Module) -> int:
    """Multiplications and additions per pixel of a 64x64 colour image, in convolutions and matrix products.

    Gradients are on while counting (and none is computed), because the counter does not know the fused attention
    of inference on the CPU. Source: `torch.utils.flop_counter`.
    """
    needed = [parameter.requires_grad for parameter in network.parameters()]
    device = next((parameter.device for parameter in network.parameters()), None)
    image = torch.full((1, 3, IMAGE_SIDE, IMAGE_SIDE), 0.5, device=device)
    try:
        network.requires_grad_(False)
        with torch.enable_grad(), FlopCounterMode(display=False) as counter:
            network(image, **keyed(network, [0]), **adapters.trial_level(network, image))
    finally:
        for parameter, need in zip(network.parameters(), needed, strict=True):
            parameter.requires_grad_(need)
    return round(counter.get_total_flops() / IMAGE_SIDE**2)


def receptive_field(name: str, parameters: dict[str, Any]) -> int | str | None:
    """Receptive field of a network: side in pixels, or a description; None if unknown."""
    module = import_module(f"baselines.{name}")
    if hasattr(module, "receptive_field"):
        return module.receptive_field(**parameters)
    return getattr(module, "RECEPTIVE_FIELD", None)


def bytes_per_pixel(name: str, parameters: dict[str, Any]) -> int | None:
    """Peak memory per pixel in float32 as the network states it; None if it states nothing."""
    module = import_module(f"baselines.{name}")
    return module.bytes_per_pixel(**parameters) if hasattr(module, "bytes_per_pixel") else None


def own_tile(name: str) -> int | None:
    """Side in pixels of the tile that a network always runs in; None for a network for whole images."""
    return getattr(import_module(f"baselines.{name}"), "TILE", None)


def stated(network: type) -> dict[str, int]:
    """Attributes that a user's class states, such as `receptive_field = 41`; methods and properties do not count.

    `channels = 1` marks a network for greyscale images; other values of `channels` are ignored.

    Raises ValueError for a value that is not a positive integer.
    """
    values = {name: getattr(network, name, None) for name in STATED_ATTRIBUTES}
    found = {name: value for name, value in values.items() if value is not None and not hasattr(value, "__get__")}
    validation.integer(1, **{f"{name} of its class": value for name, value in found.items()})
    return found | ({"channels": 1} if getattr(network, "channels", None) == 1 else {})
