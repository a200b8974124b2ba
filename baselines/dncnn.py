"""DnCNN: a plain stack of 3x3 convolutions that predicts the noise (Zhang et al., TIP 2017).

Input and output (B, C, H, W) in [0, 1], any size. Keys are those of KAIR's checkpoints (MIT), with or without
batch normalization; KAIR keeps the convolution's bias as well, and uses eps 1e-4.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from baselines.layers.validation import integer, positive

TITLE = "DnCNN"
PAPER = "Zhang et al., Beyond a Gaussian Denoiser: Residual Learning of Deep CNN for Image Denoising, TIP 2017"
LICENCE = "written here (MIT); official weights MIT"
SIZES = {"full": {}, "small": {"nc": 40, "nb": 9}}
FACTS = {  # of each size; tests compute them
    "full": {"parameters": 668_227, "flops_per_pixel": 1_334_016, "receptive_field": 41},
    "small": {"parameters": 103_283, "flops_per_pixel": 205_920, "receptive_field": 19},
}
LAYERS = ("model.*:ReLU",)  # stages, deepest features last
DESCRIPTION = "a DnCNN of {nb} layers"


class DnCNN(nn.Module):
    """x - model(x). `nc` channels, `nb` convolutions; `act_mode` 'R' (ReLU) or 'BR' (batch norm before it).

    rgb_range  maximum of the network's input values
    """

    def __init__(self, in_nc=3, out_nc=3, nc=64, nb=20, act_mode="R", rgb_range=1):
        super().__init__()
        integer(1, in_nc=in_nc, out_nc=out_nc, nc=nc)
        integer(2, nb=nb)
        positive(rgb_range=rgb_range)
        if act_mode not in ("R", "BR"):
            raise ValueError(f"act_mode: expected 'R' or 'BR', got {act_mode!r}")
        layers = [nn.Conv2d(in_nc, nc, 3, padding=1), nn.ReLU(inplace=True)]
        for _ in range(nb - 2):
            layers.append(nn.Conv2d(nc, nc, 3, padding=1))
            if act_mode == "BR":
                layers.append(nn.BatchNorm2d(nc, eps=1e-4, momentum=0.9))
            layers.append(nn.ReLU(inplace=True))
        self.model = nn.Sequential(*layers, nn.Conv2d(nc, out_nc, 3, padding=1))

    @property
    def float32_layers(self) -> list[nn.Module]:
        """Convolutions for which bfloat16 is too imprecise: the first two and the last."""
        convolutions = [layer for layer in self.model if isinstance(layer, nn.Conv2d)]
        return [*convolutions[:2], convolutions[-1]]

    def forward(self, x: Tensor) -> Tensor:
        """Denoise (B, C, H, W) in [0, 1]: the network predicts the noise."""
        return x - self.model(x)


def infer(tensors: Mapping[str, Tensor]) -> dict:
    """Network parameters inferred from the tensors of a checkpoint."""
    kernels = {int(key.split(".")[1]): tensors[key].shape for key in tensors if tensors[key].dim() == 4}
    first, last = tensors["model.0.weight"].shape, kernels[max(kernels)]
    batch_norm = any(key.endswith("running_mean") for key in tensors)
    return {
        "in_nc": first[1],
        "out_nc": last[0],
        "nc": first[0],
        "nb": len(kernels),
        "act_mode": "BR" if batch_norm else "R",
    }


def caveat(in_nc=3, out_nc=3, nc=64, nb=20, **others) -> str:
    """Note on another network with tensors of the same shapes; '' for none."""
    if (in_nc, out_nc) in ((13, 12), (5, 4)):  # 2x2 pixels of each colour, and the noise level
        return "an FFDNet (Zhang et al., TIP 2018) has tensors of the same shapes, and is not supported"
    if (nc, nb) != (64, 7):
        return ""
    return (
        "an IRCNN (Zhang et al., CVPR 2017), with dilated convolutions, has tensors of the same shapes: not supported"
    )


def receptive_field(nb=20, **others) -> int:
    """Receptive field: side in pixels."""
    return 2 * nb + 1


def bytes_per_pixel(nc=64, **others) -> int:
    """Memory at the peak of an evaluation in float32, copies inside torch included; measured on a CPU."""
    return 16 * max(nc, 16)


network = DnCNN
