"""DnCNN: a plain stack of 3x3 convolutions that predicts the noise (Zhang et al., TIP 2017).

Input and output (B, C, H, W) in [0, 1], any size. Keys are those of KAIR's checkpoints (MIT), with or without
batch normalization; KAIR keeps the convolution's bias beside it and uses eps 1e-4.
"""

from __future__ import annotations

from torch import Tensor, nn

TITLE = "DnCNN"
PAPER = "Zhang et al., Beyond a Gaussian Denoiser: Residual Learning of Deep CNN for Image Denoising, TIP 2017"
LICENCE = "written here (MIT); official weights MIT"
SIZES = {"full": {}, "small": {"nc": 40, "nb": 9}}


class DnCNN(nn.Module):
    """x - model(x). `nc` channels, `nb` convolutions; `act_mode` 'R' (ReLU) or 'BR' (batch norm before it)."""

    def __init__(self, in_nc=3, out_nc=3, nc=64, nb=20, act_mode="R"):
        super().__init__()
        if act_mode not in ("R", "BR"):
            raise ValueError(f"act_mode is {act_mode!r}, wanted 'R' or 'BR'")
        layers = [nn.Conv2d(in_nc, nc, 3, padding=1), nn.ReLU(inplace=True)]
        for _ in range(nb - 2):
            layers.append(nn.Conv2d(nc, nc, 3, padding=1))
            if act_mode == "BR":
                layers.append(nn.BatchNorm2d(nc, eps=1e-4, momentum=0.9))
            layers.append(nn.ReLU(inplace=True))
        self.model = nn.Sequential(*layers, nn.Conv2d(nc, out_nc, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return x - self.model(x)


network = DnCNN
