"""Noise for training: each crop gets a noise and a level of its own, drawn from the noises and ranges of a recipe."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from baselines.train.recipe import Recipe
from bench.core.errors import BadInput
from bench.noise import noises, training_noise
from bench.noise.training_noise import TrainingNoise
from noise_zoo.gaussian import Gaussian


@dataclass(frozen=True)
class NoiseSampler:
    """Draws a noise, uniformly one of several, at a uniform level in its range; the result depends on the key only.

    noise           the noises with their ranges
    with_deviation  whether the standard deviation of the drawn noise is returned, for a non-blind network
    """

    noise: TrainingNoise
    with_deviation: bool = False

    @property
    def versions(self) -> list[int]:
        """The version of each noise."""
        return [noises.version(minimum) for minimum, _ in self.noise.ranges]

    def __call__(self, clean: np.ndarray, key: int) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Clean crop, float32 (H, W, C) in [0, 1] -> (noisy, clean target, standard deviation or None), the same."""
        rng = np.random.Generator(np.random.SFC64(noises.stream_key("training noise", key)))
        drawn = self.noise.sample(rng)
        deviation = noises.standard_deviation(drawn, clean) if self.with_deviation else None
        return *noises.apply(drawn, clean, rng), deviation


def noise_of(recipe: Recipe) -> TrainingNoise:
    """The training noise of a recipe. Raises BadInput."""
    if recipe.noise is not None:
        return training_noise.parse(recipe.noise)
    minimum, maximum = recipe.sigma if isinstance(recipe.sigma, tuple) else (recipe.sigma, recipe.sigma)
    return TrainingNoise(((Gaussian(minimum), Gaussian(maximum)),))


def sampler_of(recipe: Recipe, channels: int, non_blind: bool) -> NoiseSampler | None:
    """The sampler of a recipe for images of 1 or 3 channels; None if the noise is Gaussian, which the trainer draws.

    Raises BadInput for a noise that cannot be drawn on these images, or whose level is unknown to a non-blind network.
    """
    if recipe.noise is None:
        return None
    noise = noise_of(recipe)
    for one, _ in noise.ranges:
        if one.recorded:
            raise BadInput(f"noise: expected noises that can be drawn, got {noises.canonical(one)}, which is recorded")
        if one.needs_colour and channels == 1:
            raise BadInput(f"noise: expected noises for greyscale images, got {noises.canonical(one)}: remove it")
        if non_blind and not one.has_standard_deviation:
            raise BadInput(
                "noise: expected noises with a known standard deviation, which the network takes, got "
                f"{noises.canonical(one)}: remove it"
            )
    return NoiseSampler(noise, non_blind)
