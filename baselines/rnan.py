"""RNAN: residual blocks gated by masks that see the whole tile (Zhang et al., ICLR 2019).

Input and output (B, 3, H, W) in [0, `rgb_range`], from 2x2 (reflected up to even sides). Every pixel attends to every
other at full resolution, so the time grows with the square of the pixels and the output depends on what is seen
together: RNAN is always run in tiles of `TILE`, the size of the patches that the paper trains on.
Written from the paper; keys are those of the published weights.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor, nn

from baselines.layers.non_local import query_normalized_attention
from baselines.layers.validation import integer, positive
from baselines.weights_io.infer_config import count

TITLE = "RNAN"
PAPER = "Zhang et al., Residual Non-local Attention Networks for Image Restoration, ICLR 2019"
LICENCE = "written here from the paper (MIT); the official code and weights have a restrictive licence or none"
SIZES = {"full": {}, "small": {"n_feats": 12, "n_resgroups": 4}}
RECIPE = {"small": {"compile": True}}  # nearly twice as fast on the CPU
FACTS = {  # of each size; tests compute them
    "full": {"parameters": 8_959_555, "flops_per_pixel": 13_961_984, "receptive_field": "its tile, 48"},
    "small": {"parameters": 128_655, "flops_per_pixel": 381_648, "receptive_field": "its tile, 48"},
}
LAYERS = ("body_nl_low", "body.*:Group", "body_nl_high")  # stages, deepest features last
DESCRIPTION = "an RNAN of {n_resgroups} groups and {n_feats} channels"
PUBLISHED = {"rgb_range": 255}  # of the authors' weights (the default of their test script); tensors do not show it
TILE = 48
RECEPTIVE_FIELD = "its tile, 48"


def convolution(dim: int) -> nn.Conv2d:
    """A 3x3 convolution that keeps height, width and channels."""
    return nn.Conv2d(dim, dim, 3, padding=1)


class ResidualBlock(nn.Module):
    """Two convolutions with a residual connection around them."""

    def __init__(self, dim: int):
        super().__init__()
        self.body = nn.Sequential(convolution(dim), nn.ReLU(), convolution(dim))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return x + self.body(x)


class NonLocal(nn.Module):
    """x + W(attention(theta, phi) g). As published, a key's weights sum to 1 over the queries, not the other way."""

    def __init__(self, dim: int):
        super().__init__()
        self.g, self.theta, self.phi = (nn.Conv2d(dim, dim // 2, 1) for _ in range(3))
        self.W = nn.Conv2d(dim // 2, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        y = query_normalized_attention(
            self.theta(x).flatten(2), self.phi(x).flatten(2), self.g(x).flatten(2)
        )  # (B, C / 2, N)
        return x + self.W(y.unflatten(2, x.shape[-2:]))


class Trunk(nn.Module):
    """The trunk branch: residual blocks."""

    def __init__(self, dim: int):
        super().__init__()
        self.body = nn.Sequential(ResidualBlock(dim), ResidualBlock(dim))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return self.body(x)


class Mask(nn.Module):
    """Weights in (0, 1) for each feature, from features at full and at half resolution; H and W are even."""

    def __init__(self, dim: int, non_local: bool):
        super().__init__()
        self.MB_RB1 = nn.Sequential(*([NonLocal(dim)] if non_local else []), ResidualBlock(dim))
        self.MB_Down = nn.Sequential(nn.Conv2d(dim, dim, 3, stride=2, padding=1))
        self.MB_RB2 = nn.Sequential(ResidualBlock(dim), ResidualBlock(dim))
        self.MB_Up = nn.Sequential(nn.ConvTranspose2d(dim, dim, 6, stride=2, padding=2))
        self.MB_RB3 = nn.Sequential(ResidualBlock(dim))
        self.MB_1x1conv = nn.Sequential(nn.Conv2d(dim, dim, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> mask in [0, 1] of the same shape."""
        x = self.MB_RB1(x)
        half = self.MB_RB2(self.MB_Down(x))  # (B, C, H / 2, W / 2)
        return self.MB_1x1conv(self.MB_RB3(x + self.MB_Up(half))).sigmoid()


class ResidualAttention(nn.Module):
    """tail(x + trunk(x) * mask(x))."""

    def __init__(self, dim: int, non_local: bool):
        super().__init__()
        self.RA_RB1 = nn.Sequential(ResidualBlock(dim))
        self.RA_TB = nn.Sequential(Trunk(dim))
        self.RA_MB = nn.Sequential(Mask(dim, non_local))
        self.RA_tail = nn.Sequential(ResidualBlock(dim), ResidualBlock(dim))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        x = self.RA_RB1(x)
        return self.RA_tail(x + self.RA_TB(x) * self.RA_MB(x))


class Group(nn.Module):
    """Residual attention, local or non-local, and a convolution."""

    def __init__(self, dim: int, non_local: bool = False):
        super().__init__()
        self.body = nn.Sequential(ResidualAttention(dim, non_local), convolution(dim))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return self.body(x)


class RNAN(nn.Module):
    """x + tail(groups(head(x))): `n_resgroups` groups, of which the first and the last are non-local.

    rgb_range  the white of the input: 1 here, 255 in the published weights
    """

    def __init__(self, n_feats=64, n_resgroups=10, rgb_range=1):
        super().__init__()
        integer(2, n_feats=n_feats, n_resgroups=n_resgroups)  # half of the features attend; two groups are non-local
        positive(rgb_range=rgb_range)
        self.rgb_range = rgb_range
        self.head = nn.Sequential(nn.Conv2d(3, n_feats, 3, padding=1))
        self.body_nl_low = nn.Sequential(Group(n_feats, non_local=True))
        self.body = nn.Sequential(*(Group(n_feats) for _ in range(n_resgroups - 2)), convolution(n_feats))
        self.body_nl_high = nn.Sequential(Group(n_feats, non_local=True))
        self.tail = nn.Sequential(nn.Conv2d(n_feats, 3, 3, padding=1))

    @property
    def float32_layers(self) -> list[nn.Module]:
        """What bfloat16 is too coarse for: the first layer and the last."""
        return [self.head, self.tail]

    def forward(self, x: Tensor) -> Tensor:
        """Denoise (B, 3, H, W) in [0, 1]; odd sizes are padded by reflection."""
        height, width = x.shape[-2:]
        image = F.pad(x, (0, width % 2, 0, height % 2), "reflect") if height % 2 or width % 2 else x
        deep = self.body_nl_high(self.body(self.body_nl_low(self.head(image))))  # (B, C, H, W)
        return (image + self.tail(deep))[..., :height, :width]


def infer(tensors: Mapping[str, Tensor]) -> dict:
    """The parameters that published tensors show."""
    groups = count((key for key in tensors if ".body." in key), "body.")
    return {"n_feats": len(tensors["body_nl_low.0.body.1.weight"]), "n_resgroups": groups + 2}


network = RNAN
