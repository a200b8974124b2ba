"""ADNet: dilated and plain convolutions whose noise estimate is weighted by an attention map (Tian et al., 2020).

Input and output (B, C, H, W) in [0, 1], any size. The published weights take BGR. Written from the paper; keys are
those of the published weights.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from baselines.layers.validation import integer

TITLE = "ADNet"
PAPER = "Tian et al., Attention-guided CNN for Image Denoising, Neural Networks 2020"
LICENCE = "written here from the paper (MIT); no licence is stated for the official weights"
SIZES = {"full": {}, "small": {"nc": 28}}
FACTS = {  # of each size; tests compute them
    "full": {"parameters": 521_493, "flops_per_pixel": 1_039_140, "receptive_field": 41},
    "small": {"parameters": 101_157, "flops_per_pixel": 200_628, "receptive_field": 41},
}
LAYERS = ("conv1_*:Sequential",)  # stages, deepest features last
DESCRIPTION = "an ADNet of {nc} channels"
RECEPTIVE_FIELD = 41
LAYER_COUNT = 16  # convolutions of the noise estimate
DILATED = (2, 5, 9, 12)  # of these, counted from 1: dilation 2


class ADNet(nn.Module):
    """`nc` channels; the noise estimate of 16 convolutions times a map made of it and the image is subtracted."""

    def __init__(self, in_nc=3, nc=64):
        super().__init__()
        integer(1, in_nc=in_nc, nc=nc)
        for number in range(1, LAYER_COUNT):
            dilation = 2 if number in DILATED else 1
            convolution = nn.Conv2d(
                in_nc if number == 1 else nc, nc, 3, padding=dilation, dilation=dilation, bias=False
            )
            layer = nn.Sequential(convolution, nn.BatchNorm2d(nc), nn.ReLU(inplace=True))
            setattr(self, f"conv1_{number}", layer)
        setattr(self, f"conv1_{LAYER_COUNT}", nn.Conv2d(nc, in_nc, 3, padding=1, bias=False))
        self.conv3 = nn.Conv2d(2 * in_nc, in_nc, 1)

    @property
    def float32_layers(self) -> list[nn.Module]:
        """Layers for which bfloat16 is too imprecise: the first two, the last convolution and the attention."""
        return [self.conv1_1, self.conv1_2, self.conv1_16, self.conv3]

    def forward(self, x: Tensor) -> Tensor:
        """Denoise (B, C, H, W) in [0, 1]."""
        noise = x
        for number in range(1, LAYER_COUNT + 1):
            noise = getattr(self, f"conv1_{number}")(noise)
        attention = self.conv3(torch.tanh(torch.cat([x, noise], 1)))  # (B, C, H, W)
        return x - attention * noise


def infer(tensors: Mapping[str, Tensor]) -> dict:
    """Network parameters inferred from the tensors of a checkpoint."""
    nc, in_nc = tensors["conv1_1.0.weight"].shape[:2]
    return {"in_nc": in_nc, "nc": nc}


def bytes_per_pixel(nc=64, **others) -> int:
    """Memory at the peak of an evaluation in float32, copies inside torch included; measured on a CPU."""
    return 16 * max(nc, 16)


network = ADNet
