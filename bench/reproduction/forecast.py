"""How long an analysis takes, measured on one small image."""

from __future__ import annotations

import time

import torch

from bench.analyses.core.outputs import load_denoiser
from bench.core.environment import device_of
from bench.models import cards, model_specs
from bench.reproduction.steps import CommandStep

MAX_SIDE = 128  # pixels, of the image that the speed is measured on


def training_seconds(network: str, size: str, iterations: int | None) -> float | None:
    """Seconds of a training by the card of the shipped weights; None without any, as for the published size."""
    card = cards.card(f"{network}-{size}")
    if card is None:
        return None
    return card["seconds"] * (iterations or card["recipe"]["iterations"]) / card["recipe"]["iterations"]


def seconds(step: CommandStep, device: str) -> float:
    """Seconds that the networks of an analysis need; what is computed of their features comes on top."""
    count, side = step.passes
    small = min(side, MAX_SIDE)
    image, total = torch.full((1, 3, small, small), 0.5), 0.0
    for text in step.specs:
        denoiser = load_denoiser(model_specs.resolve(text), device_of(device))
        denoiser(image, 0)  # warm-up: the first call is slower
        began = time.perf_counter()
        denoiser(image, 0)
        total += (time.perf_counter() - began) * count * (side / small) ** 2
    return total
