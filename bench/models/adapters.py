"""Wrappers that run a network on other images than it is made for: greyscale or colour, and other value ranges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from baselines.weights_io.recognition import input_channels, output_channels


class _Adapter(nn.Module):
    """Wraps a network; takes keys if the network does."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    @property
    def takes_keys(self) -> bool:
        return getattr(self.network, "takes_keys", False)


class PerChannel(_Adapter):
    """Runs a greyscale network, (B, 1, H, W) -> (B, 1, H, W), on each channel of (B, C, H, W) separately."""

    def forward(self, x: Tensor, keys: Sequence[int] | None = None) -> Tensor:
        """Denoise (B, C, H, W); the channels of an image share its key."""
        channels = x.flatten(0, 1)[:, None]  # (B C, 1, H, W)
        options = {} if keys is None else {"keys": [key for key in keys for _ in range(x.shape[1])]}
        return self.network(channels, **options).view_as(x)


class ReplicateGreyscale(_Adapter):
    """Runs a colour network on (B, 1, H, W): the channel replicated three times, its three outputs averaged."""

    def forward(self, x: Tensor, **keys) -> Tensor:
        """Denoise (B, 1, H, W). Raises ValueError where the network changes the shape of (B, 3, H, W)."""
        colour = replicated(x)
        y = self.network(colour, **keys)
        if y.shape != colour.shape:
            raise ValueError(f"output: expected shape {tuple(colour.shape[1:])}, got {tuple(y.shape[1:])}")
        return y.float().mean(1, keepdim=True)


def replicated(x: Tensor) -> Tensor:
    """(B, 1, H, W) -> (B, 3, H, W) with equal channels."""
    return x.expand(-1, 3, -1, -1).contiguous()


def for_image(network: nn.Module, takes: int | None, channels: int) -> nn.Module:
    """The network, wrapped for images with `channels` (1 or 3); `takes`: its own channels, None for any number."""
    return ReplicateGreyscale(network) if channels == 1 and takes == 3 else network


class RangeAdapter(nn.Module):
    """Runs a network made for (B, C, H, W) in [0, `white`] on values in [0, 1]."""

    def __init__(self, network: nn.Module, white: float):
        super().__init__()
        self.network, self.white = network, white

    def forward(self, x: Tensor) -> Tensor:
        """Denoise (B, C, H, W) in [0, 1]."""
        return self.network(x * self.white) / self.white


def adapt(network: nn.Module, parameters: Mapping[str, Any]) -> nn.Module:
    """The network, wrapped as its parameters require: per channel if greyscale, rescaled for another value range.

    Raises ValueError unless it has 3 (colour) or 1 (greyscale) input and output channels.
    """
    inputs, outputs = input_channels(parameters), output_channels(parameters)
    if inputs not in (1, 3) or outputs != inputs:
        raise ValueError(f"expected 3 (colour) or 1 (greyscale) channels in and out, got {inputs} in and {outputs} out")
    if inputs == 1:
        network = PerChannel(network)
    white = parameters.get("rgb_range", 1)
    return network if white == 1 else RangeAdapter(network, white)
