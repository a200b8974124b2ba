"""FFDNet: DnCNN at half resolution that takes the noise level beside the image (Zhang et al., TIP 2018).

Input and output (B, C, H, W) in [0, 1], any size; the level is a map (B, 1, H, W), the standard deviation of the noise
in the same units. Keys are those of KAIR's checkpoints (MIT). Written from a description of the network.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.layers.validation import integer

TITLE = "FFDNet"
PAPER = "Zhang et al., FFDNet: Toward a Fast and Flexible Solution for CNN-Based Image Denoising, TIP 2018"
LICENCE = "written here (MIT); official weights MIT"
SIZES = {"full": {}, "small": {"nc": 40, "nb": 9}}
RECIPE = {  # by preset; at a single level the network would ignore it. The published weights were trained on 0-75
    "small": {"sigma": (0, 55)},
    "paper": {"sigma": (0, 55)},
    "official": {"sigma": (0, 55)},
}
FACTS = {  # of each size; tests compute them
    "full": {"parameters": 852_108, "flops_per_pixel": 425_520, "receptive_field": 50},
    "small": {"parameters": 110_132, "flops_per_pixel": 54_900, "receptive_field": 38},
}
LAYERS = ("model.*:ReLU",)  # stages, deepest features last
DESCRIPTION = "an FFDNet of {nb} layers"
SCALE = 2  # of the downsampling


class FFDNet(nn.Module):
    """`nc` channels, `nb` convolutions, on blocks of 2x2 pixels as channels; predicts the clean image itself."""

    def __init__(self, in_nc=3, out_nc=3, nc=96, nb=12):
        super().__init__()
        integer(1, in_nc=in_nc, out_nc=out_nc, nc=nc)
        integer(2, nb=nb)
        layers = [nn.Conv2d(in_nc * SCALE**2 + 1, nc, 3, padding=1), nn.ReLU(inplace=True)]
        for _ in range(nb - 2):
            layers += [nn.Conv2d(nc, nc, 3, padding=1), nn.ReLU(inplace=True)]
        self.model = nn.Sequential(*layers, nn.Conv2d(nc, out_nc * SCALE**2, 3, padding=1))

    @property
    def float32_layers(self) -> list[nn.Module]:
        """Convolutions for which bfloat16 is too imprecise: the first two and the last."""
        return [self.model[0], self.model[2], self.model[-1]]

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Denoise (B, C, H, W); `sigma`: standard deviation of the noise (B, 1, H, W), averaged over 2x2 pixels."""
        height, width = x.shape[-2:]
        padding = (0, width % SCALE, 0, height % SCALE)
        blocks = F.pixel_unshuffle(F.pad(x, padding, "replicate"), SCALE)  # (B, 4 C, H / 2, W / 2)
        level = F.avg_pool2d(F.pad(sigma, padding, "replicate"), SCALE)  # (B, 1, H / 2, W / 2)
        y = F.pixel_shuffle(self.model(torch.cat([blocks, level], 1)), SCALE)
        return y[..., :height, :width]


def infer(tensors: Mapping[str, Tensor]) -> dict:
    """Network parameters inferred from the tensors of a checkpoint. Raises ValueError for those of other networks."""
    kernels = {int(key.split(".")[1]): tensors[key].shape for key in tensors if tensors[key].dim() == 4}
    first, last = tensors["model.0.weight"].shape, kernels[max(kernels)]
    if first[1] % SCALE**2 != 1 or last[0] % SCALE**2:
        raise ValueError(f"expected blocks of 2x2 pixels and a noise level, got {first[1]} channels in, {last[0]} out")
    return {"in_nc": first[1] // SCALE**2, "out_nc": last[0] // SCALE**2, "nc": first[0], "nb": len(kernels)}


def receptive_field(nb=12, **others) -> int:
    """Receptive field: side in pixels."""
    return SCALE * (2 * nb + 1)


def bytes_per_pixel(in_nc=3, nc=96, **others) -> int:
    """Memory at the peak of an evaluation in float32, copies inside torch included; measured on a CPU."""
    return 4 * max(nc, 16) + 16 * in_nc


network = FFDNet
