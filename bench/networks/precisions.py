"""The arithmetic that a network is run in: float32, or bfloat16 under torch's autocast.

A layer's weights and input are rounded to 8 bits, a constant error that the layers behind it amplify: it moves the
PSNR of an image under the shipped networks by up to 0.06 dB. A network names in `float32_layers` what has to stay in
float32; with that the shipped ones are within 0.005 dB, but for RNAN (0.006, 0.014 without), RIDNet (0.011 at most on
seven noises, 0.036 without) and Restormer, which loses up to 0.06 dB with anything in bfloat16 and is no faster in it.
Nothing is promised of others: the published DnCNN of 20 layers loses up to 0.3 dB, and any layer of it in bfloat16
costs 0.01 dB.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MethodType

import torch
from torch import Tensor, nn

from bench.errors import BadInput, unknown

CAUTION = (
    "bfloat16 moves the PSNR of an image under the small weights that ship by up to 0.005 dB (RNAN 0.01, RIDNet "
    "0.02, Restormer 0.1), and under other weights by more: 0.3 dB under the published DnCNN"
)
NAMES = {"float32": "float32", "bf16": "bfloat16", "bfloat16": "bfloat16"}


def parse(text: str) -> str:
    """'float32' or 'bf16' -> the name that stands in rows. Raises BadInput."""
    if text not in NAMES:
        raise unknown("precision", text, NAMES)
    return NAMES[text]


def cast(network: nn.Module, precision: str) -> nn.Module:
    """The network, (B, C, H, W) float32 -> the same, in the precision of that name."""
    return network if precision == "float32" else InBfloat16(network)


class InBfloat16(nn.Module):
    """A network under autocast to bfloat16; what it names in `float32_layers`, at any depth, is left in float32."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network
        for layer in dict.fromkeys(layer for module in network.modules() for layer in _float32_layers(module)):
            layer.forward = MethodType(_float32_forward, layer)

    @property
    def takes_keys(self) -> bool:
        return getattr(self.network, "takes_keys", False)

    def forward(self, x: Tensor, **keys) -> Tensor:
        with torch.autocast(x.device.type, torch.bfloat16):
            return self.network(x, **keys).float()


def _float32_layers(module: nn.Module) -> list[nn.Module]:
    """What a module names itself. Raises BadInput where that is something else than layers."""
    stated = getattr(module, "float32_layers", ())
    layers = list(stated) if isinstance(stated, Iterable) else [stated]
    for layer in layers:
        if not isinstance(layer, nn.Module):
            came = f"float32_layers of {type(module).__name__} has a {type(layer).__name__}"
            raise BadInput(f"{came}, wanted a list of layers, such as [self.head]")
    return layers


def _float32_forward(layer: nn.Module, x: Tensor) -> Tensor:
    with torch.autocast(x.device.type, enabled=False):
        return type(layer).forward(layer, x.float())
