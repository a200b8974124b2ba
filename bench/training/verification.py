"""Verify the scores in a card of weights on the images held out of their training."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from pathlib import Path

import torch

from baselines.weights_io import checkpoints
from bench.core.errors import BadInput, unknown
from bench.core.paths import expand_user
from bench.models import cards, model_specs, tiling, weights
from bench.training import held_out
from bench.training.training_images import TrainingImages

PSNR_DIGITS = 3  # decimals of the PSNR in a card


@dataclass(frozen=True)
class VerificationResult:
    """PSNR in dB by noise: as stated in a card, and as measured with its weights."""

    file: Path
    card: dict
    measured: dict[str, float]

    @property
    def stated(self) -> dict[str, float]:
        """PSNR in dB on held-out images by noise, as the card states it."""
        return self.card["psnr_held_out"]

    @property
    def differing(self) -> dict[str, float]:
        """Measured PSNR by noise where it differs from the card by more than the last digit; NaN if not measured."""
        tolerance, noises = 1.01 * 10**-PSNR_DIGITS, dict.fromkeys([*self.measured, *self.stated])
        pairs = {noise: (self.measured.get(noise, nan), self.stated.get(noise, nan)) for noise in noises}
        return {
            noise: measured for noise, (measured, stated) in pairs.items() if not abs(stated - measured) < tolerance
        }

    def write(self) -> None:
        """Store the measured PSNR in the card."""
        checkpoints.write_card(self.file, {**self.card, "psnr_held_out": self.measured})


def verifiable() -> list[str]:
    """Names of the shipped weights with scores on held-out images."""
    return [name for name, card in cards.cards().items() if "psnr_held_out" in card]


def verify(name: str, images: TrainingImages) -> VerificationResult:
    """Score shipped weights, or a file with a card, on their held-out images. Raises BadInput for other images."""
    shipped = cards.card(name)
    file = cards.weights_folder() / f"{name}.safetensors" if shipped else expand_user(Path(name))
    if not file.is_file():
        raise unknown("weights", name, verifiable())
    card = shipped or weights.card_of_file(file)
    if "psnr_held_out" not in card:
        raise BadInput(f"{name}: expected weights of bench train with scores in their card, got none")
    trained_on = card["trained_on"]
    if trained_on["pixels_sha256"] != images.sha256:
        raise BadInput(
            f"{name}: expected its training images, {trained_on['data']}, got {images.name} with other pixels: add "
            "--data"
        )
    wrapper, _, name_of_network = card["model"].rpartition("(")
    source = card.get("source", name_of_network.removesuffix(")"))
    try:
        model = model_specs.resolve(cards.wrapped(wrapper, f"{source}(weights={str(file)!r})"))
        network = model.load()
    except ValueError as error:
        where = f" ({source} is searched from the current folder)" if "source" in card else ""
        raise BadInput(f"{name}: cannot be loaded: {error}{where}") from error
    score = held_out.scorer(network, images.held_out, torch.device("cpu"), tiling.own(model), model.channels)
    if score is None:
        raise BadInput(f"{name}: expected held-out images of at least {held_out.CROP_SIDE} pixels, got none")
    return VerificationResult(
        file, card, {noise: round(value, PSNR_DIGITS) for noise, value in score(network.state_dict()).items()}
    )
