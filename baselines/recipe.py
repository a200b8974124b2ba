"""The recipe of a training: everything that determines it, but for the network and the images.

`paper` is the recipe of Chen et al., CVPR 2023: sigma 15, 64x64 crops, batch 64, 200,000 iterations, Adam (0.9, 0.99),
L1, 1e-4 halved at 100,000 and 150,000. `official` is the configuration that its authors published, which differs: a
moving average of the weights (0.999), noisy crops clipped to [0, 1], a rate that is never halved. `small` is the twin
of the paper's, scaled to two CPU cores.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import MISSING, asdict, dataclass, fields, replace
from typing import Any


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    return _whole(value) or (isinstance(value, float) and math.isfinite(value))


def _tuple(value: Any, of: Callable[[Any], bool]) -> bool:
    return isinstance(value, tuple) and all(map(of, value))


def _switch(value: Any) -> bool:
    return isinstance(value, bool)


def _positive_whole(value: Any) -> bool:
    return _whole(value) and value > 0


def _one_of(*values: str) -> tuple[Callable[[Any], bool], str]:
    return lambda value: value in values, f"one of {', '.join(values)}"


# for each field of a recipe: what its value must be, as a test and in words
_WANTED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "iterations": (_positive_whole, "a whole number from 1"),
    "batch": (_positive_whole, "a whole number from 1"),
    "crop": (_positive_whole, "a whole number from 1"),
    "lr": (lambda value: _number(value) and value > 0, "a number above 0 such as 5e-4"),
    "sigma": (lambda value: _number(value) and value >= 0, "a number from 0, such as 15"),
    "schedule": _one_of("one-cycle", "steps"),
    "milestones": (lambda value: _tuple(value, lambda at: _whole(at) and at >= 0), "iterations such as 3000,6000"),
    "betas": (
        lambda value: _tuple(value, lambda beta: _number(beta) and 0 <= beta < 1) and len(value) == 2,
        "two numbers from 0 to less than 1, such as 0.9,0.99",
    ),
    "input_mask": (
        lambda value: value is None or (_tuple(value, _whole) and len(value) == 2 and 0 <= value[0] <= value[1] <= 100),
        "percentages such as 75-85",
    ),
    "mask_on": _one_of("pixels", "tokens"),
    "ema": (
        lambda value: value is None or (_number(value) and 0 < value < 1),
        "a number between 0 and 1 such as 0.999, or off",
    ),
    "clip_noisy": (_switch, "True or False"),
    "precision": _one_of("auto", "float32", "bfloat16"),
    "compile": (_switch, "True or False"),
    "seed": (lambda value: _whole(value) and 0 <= value < 2**63, "a whole number from 0 to less than 2**63"),
}


@dataclass(frozen=True)
class Recipe:
    """Everything that determines a training, but for the network and the images.

    batch       crops of an iteration, of all processes together
    input_mask  None, or the range of percentages of the input that are masked; one integer is drawn for each sample
    mask_on     what the input mask hides: 'pixels' become -0.1 (the official code), 'tokens' the network's mask token
                (the paper's words)
    schedule    'one-cycle' (Smith & Topin 2019: up to lr, down to nothing) or 'steps' (halved at milestones)
    sigma       deviation of the Gaussian noise, of 255
    ema         decay of the moving average of the weights that is kept and evaluated; None for the weights themselves
    clip_noisy  clip the noisy crop to [0, 1], as the official configuration does
    precision   'bfloat16' (autocast), 'float32', or 'auto': what trains faster (`baselines.precision`)
    compile     torch.compile makes the kernels: needs a C++ compiler, differs by rounding
    """

    iterations: int
    batch: int
    crop: int
    lr: float
    schedule: str
    sigma: float = 15.0
    milestones: tuple[int, ...] = ()
    betas: tuple[float, float] = (0.9, 0.99)
    input_mask: tuple[int, int] | None = None
    mask_on: str = "pixels"
    ema: float | None = None
    clip_noisy: bool = False
    precision: str = "float32"
    compile: bool = False
    seed: int = 0

    def __post_init__(self):
        for field, (right, wanted) in _WANTED.items():
            if not right(getattr(self, field)):
                raise ValueError(f"{field} is {getattr(self, field)!r}, wanted {wanted}")
        if self.mask_on == "tokens" and self.input_mask is None:
            raise ValueError("mask_on is 'tokens', but there is no input mask: set input_mask=75-85 too")

    def rate(self, iteration: int) -> float:
        """Learning rate of an iteration, counted from 0."""
        if self.schedule == "steps":
            return self.lr * 0.5 ** sum(iteration >= milestone for milestone in self.milestones)
        peak = 0.1 * self.iterations  # a tenth of the way up, then down along a cosine
        if iteration < peak:
            return self.lr * (0.04 + 0.96 * (iteration + 1) / peak)
        return self.lr * 0.5 * (1 + math.cos(math.pi * (iteration - peak) / (self.iterations - peak)))

    def differences(self, stored: dict[str, Any]) -> list[str]:
        """What differs from a stored recipe, in words; a field that it was written without had its default."""
        stored = {field.name: field.default for field in fields(self) if field.default is not MISSING} | stored
        pairs = [(key, _plain(stored.get(key)), _plain(own)) for key, own in asdict(self).items()]
        return [f"{key} was {was} and is {own}" for key, was, own in pairs if was != own]


def _plain(value: Any) -> Any:
    """A value as JSON gives it back."""
    return list(value) if isinstance(value, tuple) else value


_PAPER = Recipe(iterations=200_000, batch=64, crop=64, lr=1e-4, schedule="steps", milestones=(100_000, 150_000))
PRESETS = {
    "small": Recipe(iterations=8_000, batch=8, crop=48, lr=1e-3, schedule="one-cycle", ema=0.999, precision="auto"),
    "paper": _PAPER,
    "official": replace(_PAPER, milestones=(), ema=0.999, clip_noisy=True),
}


def with_settings(recipe: Recipe, **settings) -> Recipe:
    """The recipe with some fields changed; `iterations` scales milestones along."""
    if _whole(settings.get("iterations")) and "milestones" not in settings:
        factor = settings["iterations"] / recipe.iterations
        settings["milestones"] = tuple(round(milestone * factor) for milestone in recipe.milestones)
    return replace(recipe, **settings)
