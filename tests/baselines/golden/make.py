"""Write the golden outputs of the shipped weights: `python -m tests.baselines.golden.make`. See README.md here."""

from pathlib import Path

import numpy as np
import torch

from bench.models import cards, inference, model_specs
from tests.baselines.filled import picture

FOLDER = Path(__file__).parent
SIDE, STEP = 48, 3  # of the picture, in pixels; of the pixels that are stored
KEY = 12345  # of the mask of `ours`


def outputs(name: str) -> dict[str, np.ndarray]:
    """The output of shipped weights: every third pixel (3, 16, 16), and mean and standard deviation of each channel."""
    card = cards.card(name)
    network = model_specs.load_model(cards.with_weights(card["model"], name))
    output = inference.denoise(network, picture(SIDE, SIDE).float(), [KEY], torch.device("cpu"))[0].double()
    moments = torch.stack([output.mean((1, 2)), output.std((1, 2))])
    return {"output": output[:, ::STEP, ::STEP].float().numpy(), "moments": moments.numpy()}


if __name__ == "__main__":
    for name in cards.cards():
        np.savez_compressed(FOLDER / f"{name}.npz", **outputs(name))
