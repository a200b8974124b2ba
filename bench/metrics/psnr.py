"""Peak signal-to-noise ratio in dB, over all pixels and channels jointly; equal images have 100 dB."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from bench.metrics import Metric

if TYPE_CHECKING:
    import torch

MAX_PSNR = 100.0  # dB; equal images have no finite PSNR
CHUNK_SIZE = 2**16  # samples at once, so that memory does not grow


def against(clean: torch.Tensor) -> Callable[[torch.Tensor], float]:
    """PSNR in dB of uint8 tensors of any shape, capped at 100. As KAIR and scikit-image's peak_signal_noise_ratio."""
    if not clean.numel():
        raise ValueError("PSNR needs a pixel at least, got none inside the border")
    target = clean.reshape(-1).split(CHUNK_SIZE)

    def score(output: torch.Tensor) -> float:
        pieces = zip(output.reshape(-1).split(CHUNK_SIZE), target, strict=True)
        squared = float(sum(_squared(*piece) for piece in pieces)) / clean.numel()
        return MAX_PSNR if squared == 0 else min(MAX_PSNR, 10 * math.log10(255**2 / squared))

    return score


def _squared(output: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
    """The sum of the squared differences of bytes; exact, since it is a whole number below 2^53."""
    difference = (output.short() - clean).double()
    return difference.dot(difference)


METRIC = Metric(
    name="psnr",
    against=against,
    title="PSNR",
    unit="dB",
    digits=2,
    higher_is_better=True,
    meaning="peak signal-to-noise ratio; higher is better",
    definition="10 log10(255\N{SUPERSCRIPT TWO} / MSE), one mean squared error over all pixels and channels of an image in "
    "8 bits; at most 100 dB, which equal images have",
    source="as in KAIR and scikit-image",
)
score = METRIC.score  # of a pair of arrays
