"""DnCNN: a plain stack of 3x3 convolutions that predicts the noise (Zhang et al., TIP 2017).

Input and output (B, C, H, W) in [0, 1], any size. Keys are those of KAIR's checkpoints (MIT), with or without
batch normalization; KAIR keeps the convolution's bias as well, and uses eps 1e-4. Tensors of BF-CNN's code and of
DnCNN-PyTorch, on which BUIFD's is based, are renamed (`renamed`).

`bias_free=True` removes every additive constant (Mohan et al., ICLR 2020): the output then scales with the input, so
that a network trained on weak noise also removes strong noise. See `baselines.bfcnn`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from baselines.layers.validation import boolean, integer, positive

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
EPSILON = 1e-4  # of batch normalization
EPSILON_OF_OTHERS = 1e-5  # of BF-CNN's code and DnCNN-PyTorch: PyTorch's default
BIAS_FREE_EPSILON = 1e-5
BIAS_FREE_MOMENTUM = 0.1  # weight of a batch in the running variance
_HIDDEN = re.compile(r"hidden_layer_list\.\d+\.weight$")  # in BF-CNN's code
_UNUSED = (".bias", ".running_mean", ".num_batches_tracked")  # by bias-free batch normalization


class BiasFreeBatchNorm(nn.Module):
    """Batch normalization without additive constants: x / (sqrt(variance) + 1e-5) * weight, for (B, C, H, W).

    The variance, of each channel, is about the mean, but the mean is not subtracted. Source: Mohan et al., Robust And
    Interpretable Blind Image Denoising Via Bias-Free Convolutional Neural Networks, ICLR 2020.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W); in training by the variance of the batch."""
        variance = self.running_var
        if self.training:
            variance = x.float().var((0, 2, 3))
            self.running_var.lerp_(variance.detach(), BIAS_FREE_MOMENTUM)
        scale = self.weight / (variance.sqrt() + BIAS_FREE_EPSILON)
        return x * scale.view(1, -1, 1, 1)


class DnCNN(nn.Module):
    """x - model(x). `nc` channels, `nb` convolutions; `act_mode` 'R' (ReLU) or 'BR' (batch norm before it).

    rgb_range  maximum of the network's input values
    bias_free  no additive constants, neither in convolutions nor in batch normalization
    conv_bias  additive constants in the convolutions, unless bias_free
    """

    def __init__(self, in_nc=3, out_nc=3, nc=64, nb=20, act_mode="R", rgb_range=1, bias_free=False, conv_bias=True):
        super().__init__()
        integer(1, in_nc=in_nc, out_nc=out_nc, nc=nc)
        integer(2, nb=nb)
        positive(rgb_range=rgb_range)
        boolean(bias_free=bias_free, conv_bias=conv_bias)
        if act_mode not in ("R", "BR"):
            raise ValueError(f"act_mode: expected 'R' or 'BR', got {act_mode!r}")
        options = {"kernel_size": 3, "padding": 1, "bias": conv_bias and not bias_free}
        layers = [nn.Conv2d(in_nc, nc, **options), nn.ReLU(inplace=True)]
        for _ in range(nb - 2):
            layers.append(nn.Conv2d(nc, nc, **options))
            if act_mode == "BR":
                layers.append(BiasFreeBatchNorm(nc) if bias_free else nn.BatchNorm2d(nc, eps=EPSILON, momentum=0.9))
            layers.append(nn.ReLU(inplace=True))
        self.model = nn.Sequential(*layers, nn.Conv2d(nc, out_nc, **options))

    @property
    def float32_layers(self) -> list[nn.Module]:
        """Convolutions for which bfloat16 is too imprecise: the first two and the last."""
        convolutions = [layer for layer in self.model if isinstance(layer, nn.Conv2d)]
        return [*convolutions[:2], convolutions[-1]]

    def forward(self, x: Tensor) -> Tensor:
        """Denoise (B, C, H, W) in [0, 1]: the network predicts the noise."""
        return x - self.model(x)


def infer(tensors: Mapping[str, Tensor]) -> dict:
    """Network parameters inferred from the tensors of a checkpoint. Raises ValueError for those of other networks."""
    found = inferred(tensors)
    if found["bias_free"]:
        raise ValueError("expected additive constants, got none: a network of baselines.bfcnn")
    return found


def inferred(tensors: Mapping[str, Tensor]) -> dict:
    """Network parameters inferred from tensors, bias-free ones included. Raises ValueError for those of an FFDNet."""
    kernels = {int(key.split(".")[1]): tensors[key].shape for key in tensors if tensors[key].dim() == 4}
    first, last = tensors["model.0.weight"].shape, kernels[max(kernels)]
    if (first[1], last[0]) in ((13, 12), (5, 4)):  # 2x2 pixels of each channel, and the noise level
        raise ValueError("expected an image as input, got blocks of pixels: a network of baselines.ffdnet")
    found = {"in_nc": first[1], "out_nc": last[0], "nc": first[0], "nb": len(kernels)}
    ends = {key.rpartition(".")[2] for key in tensors}
    found["act_mode"] = "BR" if "running_var" in ends else "R"
    found["bias_free"] = "model.0.bias" not in tensors and "running_mean" not in ends
    found["conv_bias"] = "model.0.bias" in tensors or found["bias_free"]
    return found


def renamed(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The tensors of BF-CNN's code or of DnCNN-PyTorch under the names of this file; others unchanged.

    The other epsilon of their batch normalization is moved into the running variances. What bias-free normalization
    stores but does not use, a bias and a running mean, is dropped.
    """
    hidden = sum(_HIDDEN.search(key) is not None for key in tensors)
    names = {key: _own_name(key, hidden) for key in tensors}
    if not all(names.values()):
        return tensors
    own = {names[key]: value for key, value in tensors.items()}
    if hidden and "model.0.bias" not in own:
        return {key: value for key, value in own.items() if not key.endswith(_UNUSED)}
    shift = EPSILON_OF_OTHERS - EPSILON
    return {key: value + shift if key.endswith("running_var") else value for key, value in own.items()}


def _own_name(key: str, hidden: int) -> str:
    """The name in this file of a tensor of other published code; '' for other names.

    hidden  number of convolutions between the first and the last
    """
    key = key.removeprefix("module.")
    if match := re.fullmatch(r"(?:dncnn\.)+(\d+\.\w+)", key):
        return f"model.{match[1]}"
    if match := re.fullmatch(r"(hidden|bn)_layer_list\.(\d+)\.(\w+)", key):
        return f"model.{3 * int(match[2]) + (2 if match[1] == 'hidden' else 3)}.{match[3]}"
    if match := re.fullmatch(r"(first|last)_layer\.(\w+)", key):
        return f"model.{0 if match[1] == 'first' else 3 * hidden + 2}.{match[2]}"
    return ""


def caveat(nc=64, nb=20, **others) -> str:
    """Note on another network with tensors of the same shapes; '' for none."""
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
