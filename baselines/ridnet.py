"""RIDNet: four blocks of dilated convolutions and channel attention that predict the noise (Anwar & Barnes, ICCV 2019).

Input and output (B, 3, H, W) in [0, `rgb_range`], any size. `variant='md'` is the copy in the code of masked image
training: there a later class of the same name replaced the plain convolution block, so that head and attention got
batch normalization. Written from the paper; keys are those of the published weights.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from baselines.layers.validation import integer, positive

TITLE = "RIDNet"
PAPER = "Anwar & Barnes, Real Image Denoising with Feature Attention, ICCV 2019"
LICENCE = "written here from the paper (MIT); the official code and weights have a restrictive licence or none"
SIZES = {"full": {}, "small": {"n_feats": 18, "reduction": 3}}
FACTS = {  # of each size; tests compute them
    "full": {"parameters": 1_499_371, "flops_per_pixel": 2_988_837, "receptive_field": "whole image"},
    "small": {"parameters": 120_633, "flops_per_pixel": 237_852, "receptive_field": "whole image"},
}
LAYERS = ("head", "b1", "b2", "b3", "b4")  # stages, deepest features last
DESCRIPTION = "a RIDNet of {n_feats} channels (variant {variant!r}, white at {rgb_range})"
RECEPTIVE_FIELD = "whole image"  # the channel attention averages over it
RGB_MEAN = (0.4488, 0.4371, 0.4040)


def convolution(before: int, after: int, kernel: int = 3, dilation: int = 1) -> nn.Conv2d:
    """A convolution that keeps height and width."""
    return nn.Conv2d(before, after, kernel, padding=kernel // 2 * dilation, dilation=dilation)


class BasicBlock(nn.Module):
    """A convolution and its activation, under the key `body.0`."""

    def __init__(self, conv: nn.Conv2d, activation: nn.Module):
        super().__init__()
        self.body = nn.Sequential(conv, activation)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return self.body(x)


def basic_block(before: int, after: int, kernel: int, variant: str, bias: bool) -> nn.Module:
    """A convolution and ReLU; in variant 'md' with batch normalization, other keys, and a bias only where asked."""
    if variant == "official":
        return BasicBlock(convolution(before, after, kernel), nn.ReLU())
    conv = nn.Conv2d(before, after, kernel, padding=kernel // 2, bias=bias)
    return nn.Sequential(conv, nn.BatchNorm2d(after), nn.ReLU())


class MergeAndRun(nn.Module):
    """Two branches of dilated convolutions, merged by a third, and a shortcut."""

    def __init__(self, dim: int):
        super().__init__()
        self.body1, self.body2 = (
            nn.Sequential(convolution(dim, dim, 3, first), nn.ReLU(), convolution(dim, dim, 3, second), nn.ReLU())
            for first, second in ((1, 2), (3, 4))
        )
        self.body3 = nn.Sequential(convolution(2 * dim, dim), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return self.body3(torch.cat([self.body1(x), self.body2(x)], 1)) + x


class Residual(nn.Module):
    """ReLU(x + convolutions(x)): two of 3x3, and one of 1x1 after them in the enhanced block."""

    def __init__(self, dim: int, enhanced: bool = False):
        super().__init__()
        layers = [convolution(dim, dim), nn.ReLU(), convolution(dim, dim)]
        self.body = nn.Sequential(*layers, *([nn.ReLU(), convolution(dim, dim, 1)] if enhanced else []))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return (self.body(x) + x).relu()


class ChannelAttention(nn.Module):
    """Scale each channel by a factor computed from the means of all channels."""

    def __init__(self, dim: int, reduction: int, variant: str):
        super().__init__()
        self.c1 = basic_block(dim, dim // reduction, 1, variant, bias=False)
        self.c2 = BasicBlock(convolution(dim // reduction, dim, 1), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return x * self.c2(self.c1(x.mean((2, 3), keepdim=True)))  # (B, C, H, W) * (B, C, 1, 1)


class AttentionBlock(nn.Module):
    """The enhancement attention module of the paper."""

    def __init__(self, dim: int, reduction: int, variant: str):
        super().__init__()
        self.r1 = MergeAndRun(dim)
        self.r2 = Residual(dim)
        self.r3 = Residual(dim, enhanced=True)
        self.ca = ChannelAttention(dim, reduction, variant)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return self.ca(self.r3(self.r2(self.r1(x))))


def shift(offset: float) -> nn.Conv2d:
    """x + offset * RGB_MEAN as a 1x1 convolution; it is trained with the rest, as published."""
    conv = nn.Conv2d(3, 3, 1)
    with torch.no_grad():
        conv.weight.copy_(torch.eye(3)[:, :, None, None])
        conv.bias.copy_(offset * torch.tensor(RGB_MEAN))
    return conv


class RIDNet(nn.Module):
    """x + add_mean(tail(blocks(head(sub_mean(x))))).

    rgb_range  the white of the input: 1 here, 255 in the published weights
    reduction  how many channels share one in the attention's middle
    variant    'official', or 'md' for the copy with batch normalization (trains on batches of two or more only)
    """

    def __init__(self, n_feats=64, reduction=16, rgb_range=1, variant="official"):
        super().__init__()
        integer(1, n_feats=n_feats, reduction=reduction)
        positive(rgb_range=rgb_range)
        if reduction > n_feats:
            raise ValueError(f"reduction: expected at most n_feats, {n_feats}, got {reduction}")
        if variant not in ("official", "md"):
            raise ValueError(f"variant: expected 'official' or 'md', got {variant!r}")
        self.rgb_range = rgb_range
        self.sub_mean, self.add_mean = shift(-rgb_range), shift(rgb_range)
        self.head = basic_block(3, n_feats, 3, variant, bias=True)
        self.b1, self.b2, self.b3, self.b4 = (AttentionBlock(n_feats, reduction, variant) for _ in range(4))
        self.tail = convolution(n_feats, 3)

    @property
    def float32_layers(self) -> list[nn.Module]:
        """What bfloat16 is too coarse for: the layers before and behind the blocks, and the first block."""
        return [self.sub_mean, self.head, self.b1, self.tail, self.add_mean]

    def forward(self, x: Tensor) -> Tensor:
        """Denoise (B, 3, H, W) in [0, 1]."""
        deep = self.head(self.sub_mean(x))  # (B, C, H, W)
        for block in (self.b1, self.b2, self.b3, self.b4):
            deep = block(deep)
        return x + self.add_mean(self.tail(deep))


def infer(tensors: Mapping[str, Tensor]) -> dict:
    """The parameters that published tensors show; the white of the input is seen in the mean that is taken off."""
    variant = "official" if "head.body.0.weight" in tensors else "md"
    block = ".body" if variant == "official" else ""
    width, middle = len(tensors[f"head{block}.0.weight"]), len(tensors[f"b1.ca.c1{block}.0.weight"])
    white = 255 if tensors["sub_mean.bias"].float().abs().mean() > 10 else 1
    return {"n_feats": width, "reduction": width // middle, "rgb_range": white, "variant": variant}


def bytes_per_pixel(n_feats=64, **others) -> int:
    """Memory at the peak of an evaluation in float32, copies inside torch included; measured on a CPU."""
    return 24 * max(n_feats, 32)


network = RIDNet
