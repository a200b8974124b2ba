"""The networks as their papers' code computes them, on the weights of ours: what the shipped ones are measured against.

Straightforward and unhurried: windows are rolled and partitioned in every block, the shift mask and the table of
position biases are made anew in every forward pass, attention is written by its formula, and norms of images go
through token order and back. Nothing here is faster or slower on purpose. In training mode attention masks are drawn
from torch's own stream; there is no stochastic depth.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.masked_swinir import MaskedSwinIR
from baselines.restormer import Restormer
from baselines.rnan import RNAN, Mask, NonLocal
from baselines.swinir import SwinIR


def partition(x: Tensor, window: int) -> Tensor:
    """(B, H, W, C) -> (B nW, T, C)."""
    batch, height, width, dim = x.shape
    x = x.view(batch, height // window, window, width // window, window, dim)
    return x.permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, window * window, dim)


def merge(windows: Tensor, window: int, height: int, width: int) -> Tensor:
    """(B nW, T, C) -> (B, H, W, C)."""
    x = windows.view(-1, height // window, width // window, window, window, windows.shape[-1])
    return x.permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, height, width, windows.shape[-1])


def shift_mask(height: int, width: int, window: int, shift: int) -> Tensor:
    """(nW, T, T): -100 between tokens that lie apart in the image and side by side after the roll."""
    region = torch.zeros(1, height, width, 1)
    slices = (slice(0, -window), slice(-window, -shift), slice(-shift, None))
    for number, (rows, columns) in enumerate((r, c) for r in slices for c in slices):
        region[:, rows, columns] = number
    region = partition(region, window).view(-1, window * window)
    differ = region[:, None, :] - region[:, :, None]
    return differ.masked_fill(differ != 0, -100.0).masked_fill(differ == 0, 0.0)


def relative_index(window: int) -> Tensor:
    """(T, T): the row of the bias table for each pair of tokens."""
    place = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")).flatten(1)
    offset = (place[:, :, None] - place[:, None, :]).permute(1, 2, 0) + window - 1
    return offset[..., 0] * (2 * window - 1) + offset[..., 1]


def attention(layer: nn.Module, x: Tensor, window: int, mask: Tensor | None) -> Tensor:
    """(B nW, T, C) -> the same."""
    count, tokens, dim = x.shape
    qkv = layer.qkv(x).reshape(count, tokens, 3, layer.num_heads, dim // layer.num_heads).permute(2, 0, 3, 1, 4)
    q, k, v = qkv[0], qkv[1], qkv[2]
    scores = (q * (dim // layer.num_heads) ** -0.5) @ k.transpose(-2, -1)
    bias = layer.relative_position_bias_table[relative_index(window).view(-1)]
    bias = bias.view(tokens, tokens, -1).permute(2, 0, 1).contiguous()
    scores = scores + bias.unsqueeze(0)
    if mask is not None:
        scores = scores.view(-1, len(mask), layer.num_heads, tokens, tokens) + mask[None, :, None]
        scores = scores.view(-1, layer.num_heads, tokens, tokens)
    x = (scores.softmax(-1) @ v).transpose(1, 2).reshape(count, tokens, dim)
    return layer.proj(x)


def block(layer: nn.Module, x: Tensor, height: int, width: int, masked: float = 0) -> Tensor:
    """(B, N, C) -> the same, in raster order; `masked` is the share of the tokens that attention does not see."""
    batch, count, dim = x.shape
    window, shift = layer.window_size, layer.shift
    image = layer.norm1(x).view(batch, height, width, dim)
    if shift:
        image = torch.roll(image, (-shift, -shift), (1, 2))
    mask = shift_mask(height, width, window, shift) if shift else None
    windows = partition(image, window)
    if masked:
        windows = windows * (torch.rand(windows.shape[:2], device=x.device) >= masked)[..., None]
    windows = attention(layer.attn, windows, window, mask)
    image = merge(windows, window, height, width)
    if shift:
        image = torch.roll(image, (shift, shift), (1, 2))
    x = x + image.view(batch, count, dim)
    return x + layer.mlp.fc2(F.gelu(layer.mlp.fc1(layer.norm2(x))))


class PlainSwin(nn.Module):
    """SwinIR, or the unmasked network of masked training: (B, 3, H, W) in [0, 1] -> the same."""

    def __init__(self, network: SwinIR | MaskedSwinIR):
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        network = self.network
        image = x - network.mean
        shallow = network.conv_first(image)
        deep = self.features(shallow)
        if isinstance(network, SwinIR):
            return network.mean + image + network.conv_last(network.conv_after_body(deep) + shallow)
        return network.mean + network.conv_last(network.conv_after_body(deep))

    def features(self, shallow: Tensor) -> Tensor:
        batch, dim, height, width = shallow.shape
        masked = getattr(self.network, "attention_mask", 0) / 100 if self.training else 0
        x = self.network.patch_embed.norm(shallow.flatten(2).transpose(1, 2))
        for group in self.network.layers:
            shortcut = x
            for layer in group.residual_group.blocks:
                x = block(layer, x, height, width, masked)
            image = group.conv(x.transpose(1, 2).view(batch, dim, height, width))
            x = image.flatten(2).transpose(1, 2) + shortcut
        return self.network.norm(x).transpose(1, 2).view(batch, dim, height, width)


class _PlainNorm(nn.Module):
    """Bias-free norm over channels of (B, C, H, W), taken to tokens (B, H W, C) and back."""

    def __init__(self, weight: Tensor):
        super().__init__()
        self.weight = weight

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        tokens = x.flatten(2).transpose(1, 2)
        tokens = tokens / torch.sqrt(tokens.var(-1, keepdim=True, unbiased=False) + 1e-5) * self.weight
        return tokens.transpose(1, 2).reshape(*x.shape[:2], height, width)


class _PlainTransposedAttention(nn.Module):
    """Restormer's attention over channels, on the layers of a shipped one."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        batch, dim, height, width = x.shape
        q, k, v = self.layer.qkv_dwconv(self.layer.qkv(x)).chunk(3, dim=1)
        q, k, v = (part.reshape(batch, self.layer.heads, -1, height * width) for part in (q, k, v))
        q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)
        scores = (q @ k.transpose(-2, -1)) * self.layer.temperature
        return self.layer.project_out((scores.softmax(-1) @ v).reshape(batch, dim, height, width))


class _PlainNonLocal(nn.Module):
    """All weights of an image at once, (B, N, N)."""

    def __init__(self, layer: NonLocal):
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (one(x).flatten(2) for one in (self.layer.theta, self.layer.phi, self.layer.g))
        y = value @ (key.transpose(1, 2) @ query).softmax(2)  # (B, C / 2, N)
        return x + self.layer.W(y.unflatten(2, x.shape[-2:]))


def plain(network: nn.Module) -> nn.Module:
    """The plain formulation of a shipped network, with its weights, in eval mode."""
    if isinstance(network, SwinIR | MaskedSwinIR):
        return PlainSwin(network).eval()
    if isinstance(network, Restormer):
        network = copy.deepcopy(network)
        for layer in network.modules():
            if hasattr(layer, "norm1"):
                layer.norm1, layer.norm2 = _PlainNorm(layer.norm1.body.weight), _PlainNorm(layer.norm2.body.weight)
                layer.attn = _PlainTransposedAttention(layer.attn)
        return network.eval()
    if isinstance(network, RNAN):
        network = copy.deepcopy(network)
        for mask in network.modules():
            if isinstance(mask, Mask) and isinstance(mask.MB_RB1[0], NonLocal):
                mask.MB_RB1[0] = _PlainNonLocal(mask.MB_RB1[0])
        return network.eval()
    raise ValueError(f"there is no plain formulation of a {type(network).__name__}")
