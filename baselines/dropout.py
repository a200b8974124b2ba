"""Dropout: the unmasked baseline with channel dropout before its last convolution (Kong et al., CVPR 2022).

In training each feature channel of each image is dropped with probability `dropout` and the others are scaled up; at
test time nothing is. Input and output (B, 3, H, W) in [0, 1], from 8x8. Keys are the baseline's.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from baselines.baseline import SMALL
from baselines.layers.validation import fraction
from baselines.masked_swinir import DESCRIPTION, MaskedSwinIR, bytes_per_pixel, infer, receptive_field

__all__ = ["DESCRIPTION", "bytes_per_pixel", "infer", "receptive_field"]

TITLE = "Dropout"
PAPER = "Kong et al., Reflash Dropout in Image Super-Resolution, CVPR 2022"
LICENCE = "written here (MIT)"
SIZES = {"full": {}, "small": SMALL}
FACTS = {  # of each size; tests compute them
    "full": {"parameters": 824_118, "flops_per_pixel": 1_918_890, "receptive_field": 208},
    "small": {"parameters": 111_075, "flops_per_pixel": 262_560, "receptive_field": 48},
}
LAYERS = ("layers.*", "conv_after_body")  # stages, deepest features last


class DropoutSwinIR(MaskedSwinIR):
    """The baseline; `dropout` is the probability in [0, 1) that a channel is dropped, 0.5 to 0.7 at its best."""

    def __init__(
        self,
        in_chans=3,
        embed_dim=60,
        depths=(6,) * 4,
        num_heads=(6,) * 4,
        window_size=8,
        mlp_ratio=2.0,
        drop_path_rate=0.1,
        resi_connection="3conv",
        dropout=0.5,
    ):
        super().__init__(
            in_chans, embed_dim, depths, num_heads, window_size, mlp_ratio, drop_path_rate, resi_connection
        )
        fraction(dropout=dropout)
        self.dropout = dropout

    def _denoise(self, image: Tensor, keeps: Iterator[Tensor] | None, hidden: Tensor | None = None) -> Tensor:
        return self.mean + self.conv_last(self._drop_channels(self._deep(image, keeps, hidden)))

    def _drop_channels(self, x: Tensor) -> Tensor:
        if not (self.training and self.dropout):
            return x
        kept = torch.rand(*x.shape[:2], 1, 1, device=x.device, generator=self.generator) >= self.dropout
        return x * (kept.to(x.dtype) / (1 - self.dropout))


network = DropoutSwinIR
