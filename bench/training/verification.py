"""Whether the scores on a card are those of its weights, on the images that were held out of its training."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from pathlib import Path

import torch

from baselines import checkpoints
from bench.errors import BadInput, unknown
from bench.home import expanded
from bench.networks import cards, models, tiling, weights
from bench.training import held_out
from bench.training.training_images import TrainingImages

PSNR_DIGITS = 3  # of the PSNR on a card


@dataclass(frozen=True)
class VerificationResult:
    """A card's PSNR in dB by noise, as it says and as its weights have it."""

    file: Path
    card: dict
    found: dict[str, float]

    @property
    def stated(self) -> dict[str, float]:
        return self.card["psnr_held_out"]

    @property
    def differing(self) -> dict[str, float]:
        """What the weights have where the card says something else, by more than its last digit; NaN is nothing."""
        most, noises = 1.01 * 10**-PSNR_DIGITS, dict.fromkeys([*self.found, *self.stated])
        pairs = {noise: (self.found.get(noise, nan), self.stated.get(noise, nan)) for noise in noises}
        return {noise: found for noise, (found, said) in pairs.items() if not abs(said - found) < most}

    def write(self) -> None:
        """Put what was found onto the card."""
        checkpoints.write_card(self.file, {**self.card, "psnr_held_out": self.found})


def verifiable() -> list[str]:
    """Names of the shipped weights that were trained here."""
    return [name for name, card in cards.cards().items() if "psnr_held_out" in card]


def verify(name: str, images: TrainingImages) -> VerificationResult:
    """Score shipped weights, or a file with a card, on their held-out images. Raises BadInput where they are others."""
    shipped = cards.card(name)
    file = cards.weights_folder() / f"{name}.safetensors" if shipped else expanded(Path(name))
    if not file.is_file():
        raise unknown("weights", name, verifiable())
    card = shipped or weights.card_of_file(file)
    if "psnr_held_out" not in card:
        raise BadInput(f"{name} has no card of a training here: there are no scores that could be verified")
    trained_on = card["trained_on"]
    if trained_on["pixels_sha256"] != images.sha256:
        raise BadInput(f"{name} was trained on {trained_on['data']}, and {images.name} has other pixels: give --data")
    source = card.get("source", card["model"])
    try:
        model = models.resolve(f"{source}(weights={str(file)!r})")
        network = model.load()
    except ValueError as error:
        where = f" ({source} is looked up from the current folder)" if "source" in card else ""
        raise BadInput(f"{name} cannot be verified: {error}{where}") from error
    score = held_out.scorer(network, images.held_out, torch.device("cpu"), tiling.own(model), model.channels)
    if score is None:
        raise BadInput(f"{name} has no held-out images of {held_out.CROP_SIDE} pixels or more: nothing can be verified")
    return VerificationResult(
        file, card, {noise: round(value, PSNR_DIGITS) for noise, value in score(network.state_dict()).items()}
    )
