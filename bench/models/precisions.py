"""Arithmetic precision of a network: float32, or bfloat16 under torch's autocast.

bfloat16 rounds weights and inputs of a layer to 8 significant bits; later layers amplify this error, which changes the
PSNR of an image under the shipped networks by up to 0.06 dB. A network lists in `float32_layers` the layers that stay
in float32. With these, the PSNR of the shipped networks changes by at most 0.005 dB, except RNAN (0.006; 0.014 without
the list), RIDNet (0.011 on seven noises; 0.036 without) and Restormer (0.06, and no faster). Other networks may change
more: the published DnCNN of 20 layers by up to 0.3 dB, and by 0.01 dB with any single layer in bfloat16.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MethodType

import torch
from torch import Tensor, nn

from bench.core.errors import BadInput, unknown

CAUTION = (
    "bfloat16 changes the PSNR of an image by up to 0.005 dB under the shipped small weights (RNAN and BF-CNN 0.01, "
    "RIDNet 0.02, Restormer 0.1), and more under other weights (published DnCNN 0.3 dB)"
)
NAMES = {"float32": "float32", "bf16": "bfloat16", "bfloat16": "bfloat16"}


def parse(text: str) -> str:
    """'float32' or 'bf16' -> the precision as stored in rows. Raises BadInput."""
    if text not in NAMES:
        raise unknown("precision", text, NAMES)
    return NAMES[text]


def cast(network: nn.Module, precision: str) -> nn.Module:
    """The network, (B, C, H, W) float32 -> the same, in the precision of that name."""
    return network if precision == "float32" else InBfloat16(network)


class InBfloat16(nn.Module):
    """A network under autocast to bfloat16, except the layers in `float32_layers` of any of its modules."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network
        for layer in dict.fromkeys(layer for module in network.modules() for layer in _float32_layers(module)):
            layer.forward = MethodType(_float32_forward, layer)

    @property
    def takes_keys(self) -> bool:
        """Whether the network takes keys for its random numbers."""
        return getattr(self.network, "takes_keys", False)

    def forward(self, x: Tensor, **options) -> Tensor:
        """Run the network in bfloat16; the output is float32."""
        with torch.autocast(x.device.type, torch.bfloat16):
            return self.network(x, **options).float()


def _float32_layers(module: nn.Module) -> list[nn.Module]:
    """The `float32_layers` of a module itself. Raises BadInput if it lists something other than modules."""
    stated = getattr(module, "float32_layers", ())
    layers = list(stated) if isinstance(stated, Iterable) else [stated]
    for layer in layers:
        if not isinstance(layer, nn.Module):
            raise BadInput(
                f"float32_layers of {type(module).__name__}: expected a list of layers, such as [self.head], got a "
                f"{type(layer).__name__}"
            )
    return layers


def _float32_forward(layer: nn.Module, x: Tensor) -> Tensor:
    with torch.autocast(x.device.type, enabled=False):
        return type(layer).forward(layer, x.float())
