"""PSNR in dB of the luma channel Y of ITU-R BT.601, as tables of super-resolution and deblocking report it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bench.metrics import Metric
from bench.metrics.psnr import METRIC as PSNR
from bench.metrics.psnr import from_mean_squared_error, subtract

if TYPE_CHECKING:
    import torch

WEIGHTS = (65.481, 128.553, 24.966)  # of R, G and B in [0, 1]; Y = 16 + their weighted sum
ROWS = 256  # of an image per step, so that memory does not grow with the image


def against(clean: torch.Tensor) -> Callable[[torch.Tensor], float]:
    """Clean uint8 tensor (H, W, C) -> function from an output like it to the PSNR of Y in dB, at most 100.

    Y is not rounded, as in BasicSR and SwinIR; the peak is 255. Of a greyscale image (C = 1) the PSNR of its channel.
    Raises ValueError if no pixel is left inside the border.
    """
    if clean.shape[-1] == 1 or not clean.numel():
        return PSNR.against(clean)
    targets = clean.split(ROWS)
    weights = clean.new_tensor([weight / 255 for weight in WEIGHTS], dtype=_float64(clean))

    def score(output: torch.Tensor) -> float:
        differences = (
            subtract(one, other).to(weights.dtype) @ weights
            for one, other in zip(output.split(ROWS), targets, strict=True)
        )
        squared = float(sum((one * one).sum() for one in differences)) / (clean.shape[0] * clean.shape[1])
        return from_mean_squared_error(squared)

    return score


def _float64(tensor: torch.Tensor) -> torch.dtype:
    import torch

    return torch.float32 if tensor.device.type == "mps" else torch.float64  # MPS has no float64


METRIC = Metric(
    name="psnr_y",
    against=against,
    title="PSNR-Y",
    unit="dB",
    digits=2,
    higher_is_better=True,
    of_floats=True,
    meaning="PSNR of the luma channel; higher is better",
    definition="10 log10(255\N{SUPERSCRIPT TWO} / MSE) of Y = 16 + 65.481 R + 128.553 G + 24.966 B (BT.601, R, G, B in "
    "[0, 1], Y not rounded); of a greyscale image the PSNR of its channel",
    source="as in BasicSR and SwinIR",
)
