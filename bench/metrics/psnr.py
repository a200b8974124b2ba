"""Peak signal-to-noise ratio in dB, from one mean squared error over all pixels and channels; at most 100 dB."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from bench.metrics import Metric

if TYPE_CHECKING:
    import torch

MAX_PSNR = 100.0  # dB; equal images have no finite PSNR
CHUNK_SIZE = 2**16  # samples per step, so that memory does not grow with the image


def against(clean: torch.Tensor) -> Callable[[torch.Tensor], float]:
    """Clean tensor of any shape, uint8 or in [0, 255] -> function from an output like it to PSNR in dB, at most 100.

    As in KAIR and scikit-image's peak_signal_noise_ratio. Raises ValueError if no pixel is left inside the border.
    """
    if not clean.numel():
        raise ValueError("PSNR needs at least one pixel, got none inside the border")
    target = clean.reshape(-1).split(CHUNK_SIZE)

    def score(output: torch.Tensor) -> float:
        chunks = zip(output.reshape(-1).split(CHUNK_SIZE), target, strict=True)
        squared = float(sum(_squared_error(*chunk) for chunk in chunks)) / clean.numel()
        return from_mean_squared_error(squared)

    return score


def from_mean_squared_error(squared: float) -> float:
    """PSNR in dB of a mean squared error on the scale of 255, at most 100."""
    return MAX_PSNR if squared == 0 else min(MAX_PSNR, 10 * math.log10(255**2 / squared))


def _squared_error(output: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
    """The sum of squared differences; of bytes it is exact, since it is an integer below 2^53."""
    difference = subtract(output, clean).double()
    return difference.dot(difference)


def subtract(output: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
    """The difference of two tensors, uint8 or floating point, without overflow."""
    return output - clean if output.is_floating_point() else output.short() - clean


METRIC = Metric(
    name="psnr",
    against=against,
    title="PSNR",
    unit="dB",
    digits=2,
    higher_is_better=True,
    of_floats=True,
    meaning="peak signal-to-noise ratio; higher is better",
    definition="10 log10(255\N{SUPERSCRIPT TWO} / MSE), one mean squared error over all pixels and channels of an "
    "8-bit image (not rounded if the protocol says so); at most 100 dB, the value of equal images",
    source="as in KAIR and scikit-image",
)
score = METRIC.score  # of a pair of arrays
