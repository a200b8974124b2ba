"""Networks whose input is not what an image is, made to take it: grey ones, colour ones, and white at 255."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from baselines.recognition import input_channels, output_channels


class PerChannel(nn.Module):
    """A network for grey images, (B, 1, H, W) -> the same, run on each channel of (B, C, H, W) by itself."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    @property
    def takes_keys(self) -> bool:
        return getattr(self.network, "takes_keys", False)

    def forward(self, x: Tensor, keys: Sequence[int] | None = None) -> Tensor:
        """Denoise (B, C, H, W); the channels of an image share its key."""
        alone = x.flatten(0, 1)[:, None]  # (B C, 1, H, W)
        options = {} if keys is None else {"keys": [key for key in keys for _ in range(x.shape[1])]}
        return self.network(alone, **options).view_as(x)


class ReplicateGreyscale(nn.Module):
    """A network for colour images, run on (B, 1, H, W): its input three times, and the mean of its three outputs."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    @property
    def takes_keys(self) -> bool:
        return getattr(self.network, "takes_keys", False)

    def forward(self, x: Tensor, **keys) -> Tensor:
        """Denoise (B, 1, H, W). Raises ValueError where the network changes the shape of (B, 3, H, W)."""
        colour = replicated(x)
        y = self.network(colour, **keys)
        if y.shape != colour.shape:
            raise ValueError(f"the output has shape {tuple(y.shape[1:])}, expected {tuple(colour.shape[1:])}")
        return y.float().mean(1, keepdim=True)


def replicated(x: Tensor) -> Tensor:
    """(B, 1, H, W) -> (B, 3, H, W) with equal channels."""
    return x.expand(-1, 3, -1, -1).contiguous()


def for_image(network: nn.Module, takes: int | None, channels: int) -> nn.Module:
    """The network for images of 1 or 3 channels; `takes`: the channels that it is for, None for any number."""
    return ReplicateGreyscale(network) if channels == 1 and takes == 3 else network


class RangeAdapter(nn.Module):
    """A network that wants (B, C, H, W) in [0, `white`], given it in [0, 1]."""

    def __init__(self, network: nn.Module, white: float):
        super().__init__()
        self.network, self.white = network, white

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x * self.white) / self.white


def adapt(network: nn.Module, parameters: Mapping[str, Any]) -> nn.Module:
    """The network, in wrappers where its parameters say that it takes another input than colour in [0, 1].

    Raises ValueError where it takes, or gives, neither colour nor grey.
    """
    came, gave = input_channels(parameters), output_channels(parameters)
    if came not in (1, 3) or gave != came:
        raise ValueError(f"the network takes {came} channels and gives {gave}, wanted 3 (colour) or 1 (grey) of both")
    if came == 1:
        network = PerChannel(network)
    white = parameters.get("rgb_range", 1)
    return network if white == 1 else RangeAdapter(network, white)
