"""Non-blind networks: their forward takes the noise level beside the image.

A network is non-blind if its forward has a parameter named `sigma` or `noise_level_map` without a default. It gets the
standard deviation of the noise in the units of its input, images in [0, 1], as a map (B, 1, H, W), constant where one
number describes the noise; or as (B, 1, 1, 1), the root mean square of the map, if its class has `scalar_sigma = True`.
"""

from __future__ import annotations

import inspect

import torch
from torch import Tensor, nn

from baselines.layers.classical import ESTIMATED, describe_level, noise_level
from baselines.layers.validation import is_number

LEVEL_ARGUMENTS = ("sigma", "noise_level_map")
TRUE = "true"  # the level of the noise itself, known because the noise was added by a program
Level = float | str  # 'estimated', 'true', or a standard deviation of 255


def level_argument(network: nn.Module | type) -> str | None:
    """The name of the parameter of `forward` that takes the noise level; None for a blind network."""
    try:
        parameters = inspect.signature(network.forward).parameters
    except (AttributeError, TypeError, ValueError):  # of compiled code
        return None
    named = (parameters[name] for name in LEVEL_ARGUMENTS if name in parameters)
    return next((parameter.name for parameter in named if parameter.default is inspect.Parameter.empty), None)


def check_level(level: Level) -> Level:
    """The level, if it is 'estimated', 'true' or a number from 0, of 255. Raises ValueError."""
    if level not in (ESTIMATED, TRUE) and not (is_number(level) and level >= 0):
        raise ValueError(f"level: expected {ESTIMATED!r}, {TRUE!r} or a number from 0, of 255, e.g. 15, got {level!r}")
    return level


def describe(level: Level) -> str:
    """Text on where the noise level comes from, for cards."""
    if level == TRUE:
        return "true standard deviation of the noise, given to the network: not blind"
    return "estimated in each image, assuming white Gaussian noise" if level == ESTIMATED else describe_level(level)


def estimated_deviation(x: Tensor) -> Tensor:
    """Estimated standard deviation of the noise of each image of (B, C, H, W): a constant map (B, 1, H, W)."""
    images = x.detach().permute(0, 2, 3, 1).cpu().double().numpy()  # (B, H, W, C)
    levels = torch.tensor([noise_level(image) for image in images], dtype=x.dtype, device=x.device)
    return levels.view(-1, 1, 1, 1).expand(-1, 1, *x.shape[-2:])


def level_input(network: nn.Module, deviation: Tensor) -> dict[str, Tensor]:
    """The level as an argument of a network's forward, {} for a blind one.

    deviation   standard deviation of the noise (B, 1 or C, H, W); of several channels the root mean square is given
    """
    argument = level_argument(network)
    if argument is None:
        return {}
    over = (1, 2, 3) if getattr(network, "scalar_sigma", False) else (1,)
    if deviation.shape[1] > 1 or len(over) > 1:
        deviation = deviation.square().mean(over, keepdim=True).sqrt()
    return {argument: deviation.contiguous()}
