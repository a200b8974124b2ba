"""IDF: one small block that predicts a 3x3 kernel for every pixel, applied ten times (Kim et al., ICCV 2025).

Input and output (B, 3, H, W) in [0, 1], from 3x3. A kernel is positive and sums to one, so that an output pixel is a
mean of its neighbours: the network can blur or keep, but paint nothing. Keys are those of the published weights.
Written from a description of the method.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.layers.validation import integer, positive

TITLE = "IDF"
PAPER = "Kim et al., IDF: Iterative Dynamic Filtering Networks for Generalizable Image Denoising, ICCV 2025"
LICENCE = "written here (MIT)"
SIZES = {"full": {}, "small": {}}
RECIPE = {"small": {"compile": True}}  # nearly twice as fast on the CPU
FACTS = {  # of each size; tests compute them
    "full": {"parameters": 49_021, "flops_per_pixel": 890_120, "receptive_field": "whole image"},
    "small": {"parameters": 49_021, "flops_per_pixel": 890_120, "receptive_field": "whole image"},
}
LAYERS = ("block.feature_extractor",)  # stages, deepest features last
DESCRIPTION = "an IDF of {hidden_channels} channels"
RECEPTIVE_FIELD = "whole image"  # features are normalized over it
MEAN = (0.36187348, 0.4361255, 0.4335091)
STANDARD_DEVIATION = (0.19088039, 0.19967876, 0.21309015)
EPSILON = 1e-4


def rms_normalize(x: Tensor) -> Tensor:
    """Divide each sample of (B, C, H, W) by the root of the mean of its squares."""
    norm = torch.linalg.vector_norm(x, dim=(1, 2, 3), keepdim=True)  # with gradient zero at zero
    return x / (norm / x[0].numel() ** 0.5 + EPSILON)


def neighbours(x: Tensor, dilation: int, mode: str) -> list[Tensor]:
    """The 3x3 neighbours of every pixel, row by row: nine views (B, C, H, W) of one padded copy of x."""
    height, width = x.shape[-2:]
    padded = F.pad(x, (dilation,) * 4, mode)
    offsets = (0, dilation, 2 * dilation)
    return [padded[..., i : i + height, j : j + width] for i in offsets for j in offsets]


def correlation(x: Tensor, dilation: int, mode: str) -> Tensor:
    """(B, 9, H, W): twice Pearson's correlation, over the three channels, of each pixel with its neighbours."""
    centred = x - x.mean(1, keepdim=True)
    standard_deviation = torch.linalg.vector_norm(centred, dim=1, keepdim=True) / 2**0.5  # unbiased, (B, 1, H, W)
    standard = centred / (standard_deviation + EPSILON)
    return torch.stack([(standard * other).sum(1) for other in neighbours(standard, dilation, mode)], 1)


class ContextAttention(nn.Module):
    """Weights in (0, 1) for the features, from the residual of the previous iteration."""

    def __init__(self, dim: int):
        super().__init__()
        self.conv = nn.Conv2d(6, 6, 1, bias=False)
        self.attention = nn.Sequential(
            nn.Conv2d(6, dim, 1, bias=False), nn.ReLU(), nn.Conv2d(dim, dim, 1, bias=False), nn.Sigmoid()
        )

    def forward(self, residual: Tensor) -> Tensor:
        """Residual (B, 3, H, W) -> a factor in (0, 1) for each feature, (B, C, 1, 1)."""
        moments = torch.cat([residual.mean((2, 3), keepdim=True), residual.std((2, 3), keepdim=True)], 1)
        return self.attention(rms_normalize(self.conv(moments)))  # (B, C, 1, 1)


class FilterBlock(nn.Module):
    """Predict a kernel for each pixel from features, and apply its powers."""

    def __init__(self, dim: int, power: int):
        super().__init__()
        self.power = power
        self.feature_extractor = nn.Sequential(
            nn.Conv2d(3, dim, 3, padding=1, bias=False),
            nn.ReLU(),
            nn.Conv2d(dim, dim, 3, padding=1, bias=False),
            nn.ReLU(),
        )
        self.kernel_predictor = nn.Conv2d(dim + 9, 9, 3, padding=1, bias=False)
        self.gca = ContextAttention(dim)

    @property
    def float32_layers(self) -> list[nn.Module]:
        """Layers for which bfloat16 is too imprecise: all but the convolution from features to features."""
        return [self.feature_extractor[0], self.kernel_predictor, self.gca]

    def forward(self, x: Tensor, residual: Tensor | None, dilation: int, mode: str) -> Tensor:
        """Filter (B, 3, H, W); `residual`: of the previous iteration, None at the first."""
        features = self.feature_extractor(rms_normalize(x))  # (B, C, H, W)
        if residual is not None:
            features = features * self.gca(residual)
        features = torch.cat([features, correlation(x, dilation, mode)], 1)  # (B, C + 9, H, W)
        kernel = self.kernel_predictor(rms_normalize(features)).abs() ** self.power
        kernel = kernel / (kernel.sum(1, keepdim=True) + EPSILON)  # (B, 9, H, W)
        return sum(kernel[:, i : i + 1] * other for i, other in enumerate(neighbours(x, dilation, mode)))


class IDF(nn.Module):
    """`iterations` iterations of one block, alternating dilation 2 (reflected) and 1.

    In training each round's output is mixed with its input by a random factor for each sample. `rgb_range` is the white
    of the input.
    """

    def __init__(self, hidden_channels=64, power_alpha=3, iterations=10, rgb_range=1):
        super().__init__()
        integer(1, hidden_channels=hidden_channels, iterations=iterations)
        positive(power_alpha=power_alpha, rgb_range=rgb_range)
        self.iterations = iterations
        self.generator: torch.Generator | None = None  # for random numbers in training; None: torch's default
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("scale", 0.5 / torch.tensor(STANDARD_DEVIATION).view(1, 3, 1, 1), persistent=False)
        self.block = FilterBlock(hidden_channels, power_alpha)

    def forward(self, x: Tensor) -> Tensor:
        """Denoise (B, C, H, W) in [0, 1], in `iterations` steps."""
        x, residual = (x - self.mean) * self.scale, None
        for i in range(self.iterations):
            filtered = self.block(x, residual, *((2, "reflect") if i % 2 == 0 else (1, "constant")))
            if self.training:
                share = torch.rand(len(x), 1, 1, 1, device=x.device, generator=self.generator)
                filtered = torch.lerp(x, filtered, share.to(x.dtype))
            x, residual = filtered, x - filtered
        return x / self.scale + self.mean


def infer(tensors: Mapping[str, Tensor]) -> dict:
    """Network parameters inferred from the tensors of a checkpoint, which do not show power and iterations."""
    return {"hidden_channels": len(tensors["block.feature_extractor.0.weight"])}


def bytes_per_pixel(hidden_channels=64, **others) -> int:
    """Memory at the peak of an evaluation in float32, copies inside torch included; measured on a CPU."""
    return 16 * hidden_channels + 256


network = IDF
