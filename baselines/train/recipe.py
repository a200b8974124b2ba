"""Training recipe: everything that determines a training except the network and the images.

`paper` is the recipe of Chen et al., CVPR 2023: sigma 15, 64x64 crops, batch 64, 200,000 iterations, Adam (0.9, 0.99),
L1, 1e-4 halved at 100,000 and 150,000. `official` is the configuration that its authors published, which differs: a
moving average of the weights (0.999), noisy crops clipped to [0, 1], a constant learning rate. `small` is scaled to two
CPU cores.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import MISSING, asdict, dataclass, fields, replace
from typing import Any

from baselines.layers.validation import is_integer, is_number


def _is_tuple(value: Any, of: Callable[[Any], bool]) -> bool:
    return isinstance(value, tuple) and all(map(of, value))


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool)


def _is_positive_integer(value: Any) -> bool:
    return is_integer(value) and value > 0


def _one_of(*values: str) -> tuple[Callable[[Any], bool], str]:
    return lambda value: value in values, f"one of {', '.join(values)}"


# field of a recipe -> (predicate, description of valid values)
_EXPECTED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "iterations": (_is_positive_integer, "an integer of at least 1"),
    "batch": (_is_positive_integer, "an integer of at least 1"),
    "crop": (_is_positive_integer, "an integer of at least 1"),
    "lr": (lambda value: is_number(value) and value > 0, "a number above 0 such as 5e-4"),
    "sigma": (
        lambda value: (
            (is_number(value) and value >= 0)
            or (_is_tuple(value, is_number) and len(value) == 2 and 0 <= value[0] <= value[1])
        ),
        "a number from 0, such as 15, or a range such as 0-55",
    ),
    "noise": (lambda value: value is None or isinstance(value, str), "noise specs, such as 'poisson(alpha=1-3)'"),
    "schedule": _one_of("one-cycle", "steps"),
    "milestones": (
        lambda value: _is_tuple(value, lambda at: is_integer(at) and at >= 0),
        "iterations such as 3000,6000",
    ),
    "betas": (
        lambda value: _is_tuple(value, lambda beta: is_number(beta) and 0 <= beta < 1) and len(value) == 2,
        "two numbers from 0 to less than 1, such as 0.9,0.99",
    ),
    "input_mask": (
        lambda value: (
            value is None or (_is_tuple(value, is_integer) and len(value) == 2 and 0 <= value[0] <= value[1] <= 100)
        ),
        "percentages such as 75-85",
    ),
    "mask_on": _one_of("pixels", "tokens"),
    "ema": (
        lambda value: value is None or (is_number(value) and 0 < value < 1),
        "a number between 0 and 1 such as 0.999, or off",
    ),
    "clip_noisy": (_is_boolean, "True or False"),
    "precision": _one_of("auto", "float32", "bfloat16"),
    "compile": (_is_boolean, "True or False"),
    "seed": (lambda value: is_integer(value) and 0 <= value < 2**63, "an integer from 0 to less than 2**63"),
}


@dataclass(frozen=True)
class Recipe:
    """Everything that determines a training except the network and the images.

    batch       crops per iteration, summed over processes
    input_mask  None, or the range of masked percentages of the input; one integer is drawn per sample
    mask_on     'pixels': masked pixels become -0.1 (official code); 'tokens': masked tokens become the network's mask
                token (as in the paper's text)
    schedule    'one-cycle' (Smith & Topin 2019: warm-up to lr, cosine decay to 0) or 'steps' (halved at milestones)
    sigma       standard deviation of the Gaussian noise, in 8-bit levels, or a range: each sample draws its own
    noise       specs of other noise in place of the Gaussian, whose numbers may be ranges; each sample draws its own
    ema         decay of the moving average of the weights, which is evaluated and saved; None: no average
    clip_noisy  clip the noisy crop to [0, 1], as the official configuration does
    precision   'bfloat16' (autocast), 'float32', or 'auto': the faster one (`baselines.train.precision`)
    compile     use torch.compile: needs a C++ compiler; results differ by rounding
    """

    iterations: int
    batch: int
    crop: int
    lr: float
    schedule: str
    sigma: float | tuple[float, float] = 15.0
    milestones: tuple[int, ...] = ()
    betas: tuple[float, float] = (0.9, 0.99)
    input_mask: tuple[int, int] | None = None
    mask_on: str = "pixels"
    ema: float | None = None
    clip_noisy: bool = False
    precision: str = "float32"
    compile: bool = False
    seed: int = 0
    noise: str | None = None

    def __post_init__(self):
        for field, (is_valid, expected) in _EXPECTED.items():
            if not is_valid(getattr(self, field)):
                raise ValueError(f"{field}: expected {expected}, got {getattr(self, field)!r}")
        if self.mask_on == "tokens" and self.input_mask is None:
            raise ValueError("mask_on='tokens' needs an input mask: set input_mask=75-85 too")

    def extended(self, iterations: int) -> Recipe:
        """The recipe with more iterations, and the same learning rate in each of its own. Raises ValueError."""
        if self.schedule == "one-cycle":
            raise ValueError(
                "schedule: expected steps, whose learning rates do not depend on the number of iterations, got "
                "one-cycle, which has decayed to 0 at the end: start a new training with more iterations"
            )
        if iterations < self.iterations:
            raise ValueError(f"iterations: expected more than the {self.iterations} of the recipe, got {iterations}")
        return replace(self, iterations=iterations)

    def rate(self, iteration: int) -> float:
        """Learning rate of an iteration, counted from 0."""
        if self.schedule == "steps":
            return self.lr * 0.5 ** sum(iteration >= milestone for milestone in self.milestones)
        peak = 0.1 * self.iterations  # warm-up over a tenth of the iterations, then cosine decay
        if iteration < peak:
            return self.lr * (0.04 + 0.96 * (iteration + 1) / peak)
        return self.lr * 0.5 * (1 + math.cos(math.pi * (iteration - peak) / (self.iterations - peak)))

    def differences(self, stored: dict[str, Any]) -> list[str]:
        """Differences from a stored recipe, one string per field; a field missing there has its default."""
        stored = {field.name: field.default for field in fields(self) if field.default is not MISSING} | stored
        pairs = [(key, _plain(stored.get(key)), _plain(own)) for key, own in asdict(self).items()]
        return [f"{key} (stored {was}, now {own})" for key, was, own in pairs if was != own]


def _plain(value: Any) -> Any:
    """The value after a round trip through JSON."""
    return list(value) if isinstance(value, tuple) else value


_PAPER = Recipe(iterations=200_000, batch=64, crop=64, lr=1e-4, schedule="steps", milestones=(100_000, 150_000))
PRESETS = {
    "small": Recipe(iterations=8_000, batch=8, crop=48, lr=1e-3, schedule="one-cycle", ema=0.999, precision="auto"),
    "paper": _PAPER,
    "official": replace(_PAPER, milestones=(), ema=0.999, clip_noisy=True),
}


def with_settings(recipe: Recipe, **settings) -> Recipe:
    """The recipe with some fields changed; changing `iterations` scales the milestones too."""
    if is_integer(settings.get("iterations")) and "milestones" not in settings:
        factor = settings["iterations"] / recipe.iterations
        settings["milestones"] = tuple(round(milestone * factor) for milestone in recipe.milestones)
    return replace(recipe, **settings)
