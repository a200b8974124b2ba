"""Wrappers that run a network on other images than it is made for, and give non-blind ones the noise level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from baselines.layers import non_blind
from baselines.layers.classical import ESTIMATED
from baselines.layers.wrapper import Wrapper
from baselines.weights_io.recognition import input_channels, output_channels


class _Adapter(nn.Module):
    """Wraps a network; takes keys if the network does."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    @property
    def takes_keys(self) -> bool:
        return getattr(self.network, "takes_keys", False)


class NonBlind(_Adapter):
    """Runs a non-blind network, forward(x, sigma): see `baselines.layers.non_blind`.

    level   'estimated' in each image, a standard deviation of 255, or 'true': given in every call
    """

    def __init__(self, network: nn.Module, level: non_blind.Level):
        super().__init__(network)
        self.level = level

    def forward(self, x: Tensor, sigma: Tensor | None = None, **keys) -> Tensor:
        """Denoise (B, C, H, W); `sigma`, standard deviation of the noise (B, 1 or C, H, W), overrides the level."""
        deviation = self.deviation(x) if sigma is None else sigma
        return self.network(x, **non_blind.level_input(self.network, deviation), **keys)

    def deviation(self, x: Tensor) -> Tensor:
        """Standard deviation of the noise of images (B, C, H, W) in [0, 1], by the level: (B, 1, H, W)."""
        if self.level == non_blind.TRUE:
            raise ValueError("level='true': expected the noise's standard deviation, got none: write level='estimated'")
        if self.level == ESTIMATED:
            return non_blind.estimated_deviation(x)
        return torch.full_like(x[:, :1], self.level / 255)


def non_blind_part(network: nn.Module) -> NonBlind | None:
    """The NonBlind adapter in a network with adapters; None for a blind network."""
    return next((module for module in network.modules() if isinstance(module, NonBlind)), None)


class LevelOfInput(_Adapter):
    """Gives the noise level of its input to a network that changes the image first, as wrappers do."""

    def forward(self, x: Tensor, sigma: Tensor | None = None, **options) -> Tensor:
        """Denoise (B, C, H, W); the level is in the units of x, and the wrapper scales it."""
        return self.network(x, **with_level(self.network, x, sigma), **options)


def with_level(network: nn.Module, x: Tensor, sigma: Tensor | None = None) -> dict[str, Tensor]:
    """The noise level of images (B, C, H, W) as a keyword argument of a network with adapters, {} for a blind one.

    An adapter that changes images or passes on parts of them calls it first: the level is that of the whole image.
    """
    part = non_blind_part(network)
    if part is None:
        return {}
    return {"sigma": part.deviation(x) if sigma is None else sigma}


def fitted(network: nn.Module, x: Tensor, keys: Sequence[int] | None = None) -> dict[str, Any]:
    """What a wrapper fits to whole images (B, C, H, W), as a keyword argument of the network; {} without a wrapper."""
    if isinstance(network, ReplicateGreyscale):
        return fitted(network.network, replicated(x), keys)
    part = next((module for module in network.modules() if isinstance(module, Wrapper)), None)
    return {} if part is None else {"fitted": part.fit(x, keys)}


def trial_level(network: nn.Module, x: Tensor, sigma: float = 15 / 255) -> dict[str, Tensor]:
    """The level for a trial on images (B, C, H, W) of a network that has to be given it, {} for others."""
    part = non_blind_part(network)
    return {"sigma": torch.full_like(x[:, :1], sigma)} if part and part.level == non_blind.TRUE else {}


class PerChannel(_Adapter):
    """Runs a greyscale network, (B, 1, H, W) -> (B, 1, H, W), on each channel of (B, C, H, W) separately."""

    def forward(self, x: Tensor, keys: Sequence[int] | None = None, sigma: Tensor | None = None) -> Tensor:
        """Denoise (B, C, H, W); the channels of an image share its key, and its noise level (B, 1 or C, H, W)."""
        channels = x.flatten(0, 1)[:, None]  # (B C, 1, H, W)
        options = {} if keys is None else {"keys": [key for key in keys for _ in range(x.shape[1])]}
        level = {
            name: value.expand_as(x).flatten(0, 1)[:, None]
            for name, value in with_level(self.network, x, sigma).items()
        }
        return self.network(channels, **options, **level).view_as(x)


class ReplicateGreyscale(_Adapter):
    """Runs a colour network on (B, 1, H, W): the channel replicated three times, its three outputs averaged."""

    def forward(self, x: Tensor, **options) -> Tensor:
        """Denoise (B, 1, H, W). Raises ValueError where the network changes the shape of (B, 3, H, W)."""
        colour = replicated(x)
        y = self.network(colour, **options)
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

    def forward(self, x: Tensor, sigma: Tensor | None = None) -> Tensor:
        """Denoise (B, C, H, W) in [0, 1]; the noise level of a non-blind network is scaled too."""
        level = {name: value * self.white for name, value in with_level(self.network, x, sigma).items()}
        return self.network(x * self.white, **level) / self.white


class SwapChannels(_Adapter):
    """Runs a network made for BGR on RGB images, (B, 3, H, W)."""

    def forward(self, x: Tensor, **options) -> Tensor:
        """Denoise (B, 3, H, W) in RGB order."""
        return self.network(x.flip(1), **options).flip(1)


def adapt(network: nn.Module, parameters: Mapping[str, Any], level: non_blind.Level | None = ESTIMATED) -> nn.Module:
    """The network, wrapped as its parameters require: per channel if greyscale, rescaled for another value range.

    level   of a non-blind network

    Raises ValueError unless it has 3 (colour) or 1 (greyscale) input and output channels.
    """
    inputs, outputs = input_channels(parameters), output_channels(parameters)
    if inputs not in (1, 3) or outputs != inputs:
        raise ValueError(f"expected 3 (colour) or 1 (greyscale) channels in and out, got {inputs} in and {outputs} out")
    if non_blind.level_argument(network):
        network = NonBlind(network, level)
    if inputs == 1:
        network = PerChannel(network)
    white = parameters.get("rgb_range", 1)
    return network if white == 1 else RangeAdapter(network, white)
