"""The recipe of a training: everything that determines it, but for the network and the images.

`paper` is the recipe of Chen et al., CVPR 2023: sigma 15, 64x64 crops, batch 64, 200,000 iterations, Adam (0.9, 0.99),
L1, 1e-4 halved at 100,000 and 150,000. `official` is the configuration that its authors published, which differs: a
moving average of the weights (0.999), noisy crops clipped to [0, 1], a rate that is never halved. `small` is the twin
of the paper's, scaled to two CPU cores.
"""

from __future__ import annotations

import math
from dataclasses import MISSING, asdict, dataclass, fields, replace
from typing import Any


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
    precision   'bfloat16' (autocast) or 'float32'
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
        for field in ("iterations", "batch", "crop"):
            if not isinstance(getattr(self, field), int) or getattr(self, field) < 1:
                raise ValueError(f"{field} is {getattr(self, field)!r}, wanted a whole number from 1")
        for field in ("lr", "sigma"):
            if not isinstance(getattr(self, field), int | float):
                raise ValueError(f"{field} is {getattr(self, field)!r}, wanted a number")
        wanted = {"schedule": ("one-cycle", "steps"), "precision": ("float32", "bfloat16"),
                  "mask_on": ("pixels", "tokens")}  # fmt: skip
        for field, values in wanted.items():
            if getattr(self, field) not in values:
                raise ValueError(f"{field} is {getattr(self, field)!r}, wanted one of {', '.join(values)}")
        if self.input_mask is not None and not 0 <= self.input_mask[0] <= self.input_mask[1] <= 100:
            raise ValueError(f"input_mask is {self.input_mask}, wanted percentages such as 75-85")
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
    "small": Recipe(iterations=8_000, batch=8, crop=48, lr=1e-3, schedule="one-cycle", ema=0.999, precision="bfloat16"),
    "paper": _PAPER,
    "official": replace(_PAPER, milestones=(), ema=0.999, clip_noisy=True),
}


def with_settings(recipe: Recipe, **settings) -> Recipe:
    """The recipe with some fields changed; `iterations` scales milestones along."""
    if "iterations" in settings and "milestones" not in settings:
        factor = settings["iterations"] / recipe.iterations
        settings["milestones"] = tuple(round(milestone * factor) for milestone in recipe.milestones)
    return replace(recipe, **settings)
