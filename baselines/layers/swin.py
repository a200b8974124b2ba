"""Swin transformer blocks for image restoration: shared by SwinIR and the masked network.

Layout: tokens are (B, N, C) with N = H * W, H and W multiples of the window. A window holds window**2
neighbouring tokens. Everything except attention acts on single tokens, so a block leaves its tokens in *window order*,
and the next block gathers them from there. `swin_cpu` evaluates a block faster on the CPU, with equal results.

Source: Liu et al., ICCV 2021 (Swin); Liang et al., ICCVW 2021 (SwinIR). Parameter names are the official ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.layers import swin_cpu
from baselines.layers.token_order import TokenOrder, reorder
from baselines.layers.validation import fraction, integer, integers, positive
from baselines.layers.window_attention import WindowAttention
from baselines.weights_io.infer_config import count, ratio


class Mlp(nn.Module):
    """Two linear layers with GELU between them."""

    def __init__(self, dim: int, hidden: int):
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        """(..., C) -> (..., C)."""
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    """Window attention and MLP, each with a norm before and a residual connection around it."""

    def __init__(self, dim: int, num_heads: int, window_size: int, shift: int, mlp_ratio: float, drop_path: float):
        super().__init__()
        self.window_size, self.shift, self.drop_path = window_size, shift, drop_path
        self.norm1 = nn.LayerNorm(dim)
        self.attn = WindowAttention(dim, window_size, num_heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, int(dim * mlp_ratio))

    def forward(self, x: Tensor, order: TokenOrder, before: int | None, keep: Tensor | None = None, generator=None):
        """(B, N, C) -> (B, N, C). Input tokens are in the order `before`, output tokens in this block's window order.

        `keep`, (B, nW, T) of 0 and 1, zeroes tokens before q, k and v are computed.
        """
        keep = None if keep is None else keep.flatten(0, 1)
        borders = order.borders(self.shift, len(x)) if self.shift else None
        if swin_cpu.is_faster(self, x):
            return swin_cpu.evaluate(self, x, order.gather_index(before, self.shift, len(x)), borders, keep)
        windows = reorder(x, order.between(before, self.shift)).reshape(-1, self.window_size**2, x.shape[-1])
        windows = windows + self._drop(self.attn(self.attention_input(windows, keep), borders), generator, len(x))
        windows = windows + self._drop(self.mlp(self.norm2(windows)), generator, len(x))  # (B nW, T, C)
        return windows.view(x.shape)

    def attention_input(self, windows: Tensor, keep: Tensor | None) -> Tensor:
        """Normalized tokens (n, T, C), those with `keep` 0 zeroed."""
        normed = self.norm1(windows)
        return normed if keep is None else normed * keep[..., None].to(normed.dtype)

    def _drop(self, x: Tensor, generator, batch: int) -> Tensor:
        """Stochastic depth (Huang et al., 2016), in training only: drop a sample's branch, or scale it up."""
        if not (self.training and self.drop_path):
            return x
        kept = torch.rand(batch, 1, 1, device=x.device, generator=generator) >= self.drop_path
        return (x.view(batch, -1, x.shape[-1]) * kept.to(x.dtype) / (1 - self.drop_path)).view(x.shape)


def body_convolution(dim: int, kind: str) -> nn.Module:
    """The convolution at the end of a residual group: '1conv', or the '3conv' bottleneck of a quarter of the width."""
    if kind == "1conv":
        return nn.Conv2d(dim, dim, 3, padding=1)
    if kind == "3conv":
        return nn.Sequential(
            nn.Conv2d(dim, dim // 4, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(dim // 4, dim // 4, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(dim // 4, dim, 3, padding=1),
        )
    raise ValueError(f"resi_connection: expected '1conv' or '3conv', got {kind!r}")


class _Blocks(nn.Module):
    def __init__(self, blocks):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)


class ResidualGroup(nn.Module):
    """Blocks with alternating shift, a convolution, and a residual connection around both (RSTB). Raster order."""

    def __init__(self, dim, depth, num_heads, window_size, mlp_ratio, drop_paths, resi_connection):
        super().__init__()
        self.residual_group = _Blocks(
            Block(dim, num_heads, window_size, 0 if i % 2 == 0 else window_size // 2, mlp_ratio, drop_paths[i])
            for i in range(depth)
        )
        self.conv = body_convolution(dim, resi_connection)

    def forward(self, x: Tensor, order: TokenOrder, keeps=None, generator=None) -> Tensor:
        """(B, N, C) -> (B, N, C); `keeps` is an iterator of one token mask per block, or None."""
        shortcut, current = x, None
        for block in self.residual_group.blocks:
            x = block(x, order, current, None if keeps is None else next(keeps), generator)
            current = block.shift
        x = reorder(x, order.between(current, None))
        return to_tokens(self.conv(to_image(x, order))) + shortcut


def to_image(tokens: Tensor, order: TokenOrder) -> Tensor:
    """(B, N, C) in raster order -> (B, C, H, W), channels last in memory."""
    batch, _, dim = tokens.shape
    return tokens.view(batch, order.height, order.width, dim).permute(0, 3, 1, 2)


def to_tokens(image: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, N, C) in raster order."""
    return image.permute(0, 2, 3, 1).flatten(1, 2)


class _PatchNorm(nn.Module):
    def __init__(self, dim: int):
        super().__init__()
        self.norm = nn.LayerNorm(dim)


class SwinBody(nn.Module):
    """First convolution, residual groups and last norm, under the official names; subclasses define `forward`.

    `window_size` is the side of a window in pixels; `depths` and `num_heads` have one entry per residual group.
    `drop_path_rate` is that of the last block; it rises linearly from 0 at the first (training only).
    """

    mostly_matrix_products = True

    def __init__(
        self,
        in_chans,
        embed_dim,
        depths,
        num_heads,
        window_size,
        mlp_ratio,
        drop_path_rate,
        resi_connection,
        first_kernel,
    ):
        super().__init__()
        integer(1, in_chans=in_chans, window_size=window_size)
        integer(4 if resi_connection == "3conv" else 1, embed_dim=embed_dim)
        integers(1, depths=depths, num_heads=num_heads)
        positive(mlp_ratio=mlp_ratio)
        fraction(drop_path_rate=drop_path_rate)
        if len(depths) != len(num_heads):
            raise ValueError(f"num_heads: expected as many entries as depths ({len(depths)}), got {len(num_heads)}")
        if any(embed_dim % heads for heads in num_heads):
            raise ValueError(f"embed_dim: expected a multiple of each of num_heads {tuple(num_heads)}, got {embed_dim}")
        self.window_size = window_size
        self.generator: torch.Generator | None = None  # of random numbers in training; None: torch's global one
        rgb_mean = torch.tensor([0.4488, 0.4371, 0.4040]) if in_chans == 3 else torch.zeros(1)
        self.register_buffer("mean", rgb_mean.view(1, -1, 1, 1), persistent=False)
        self.conv_first = nn.Conv2d(in_chans, embed_dim, first_kernel, padding=first_kernel // 2)
        self.patch_embed = _PatchNorm(embed_dim)
        rates = torch.linspace(0, drop_path_rate, sum(depths), device="cpu").split(tuple(depths))
        self.layers = nn.ModuleList(
            ResidualGroup(embed_dim, depth, heads, window_size, mlp_ratio, rate.tolist(), resi_connection)
            for depth, heads, rate in zip(depths, num_heads, rates, strict=True)
        )
        self.norm = nn.LayerNorm(embed_dim)
        self.conv_after_body = body_convolution(embed_dim, resi_connection)
        self.conv_last = nn.Conv2d(embed_dim, in_chans, 3, padding=1)
        self.apply(_initialize)

    def features(self, shallow: Tensor, keeps=None, hidden: Tensor | None = None, mask_token=None) -> Tensor:
        """Shallow features (B, C, H, W) -> deep features of the same shape, after the last norm.

        `hidden`, (B, 1, H, W) of 0 and 1: 1 replaces the embedded token by `mask_token`, (C,), or by zero.
        """
        order = TokenOrder(*shallow.shape[-2:], self.window_size, shallow.device)
        x = self.patch_embed.norm(to_tokens(shallow))
        if hidden is not None:
            x = torch.where(to_tokens(hidden).bool(), x.new_zeros(()) if mask_token is None else mask_token.to(x), x)
        for layer in self.layers:
            x = layer(x, order, keeps, self.generator)
        return to_image(self.norm(x), order)

    def pad(self, x: Tensor) -> Tensor:
        """Pad right and bottom by reflection to multiples of the window; no padding if the size is one already."""
        height, width = x.shape[-2:]
        bottom, right = -height % self.window_size, -width % self.window_size
        return F.pad(x, (0, right, 0, bottom), "reflect") if bottom or right else x


def infer_body(tensors: Mapping[str, Tensor], first_kernel: int) -> dict:
    """Infer the parameters of a SwinBody from published tensors. Raises ValueError if the first kernel differs."""
    first = tensors["conv_first.weight"].shape
    if first[-1] != first_kernel:
        raise ValueError(f"first kernel: expected {first_kernel}x{first_kernel}, got {first[-1]}x{first[-1]}")
    groups = [f"layers.{number}.residual_group.blocks" for number in range(count(tensors, "layers."))]
    tables = [tensors[f"{group}.0.attn.relative_position_bias_table"].shape for group in groups]
    hidden, dim = tensors[f"{groups[0]}.0.mlp.fc1.weight"].shape
    return {
        "in_chans": first[1],
        "embed_dim": first[0],
        "depths": tuple(count(tensors, f"{group}.") for group in groups),
        "num_heads": tuple(table[1] for table in tables),
        "window_size": (isqrt(tables[0][0]) + 1) // 2,
        "mlp_ratio": ratio([(dim, hidden)], usual=2.0),
        "resi_connection": "1conv" if "conv_after_body.weight" in tensors else "3conv",
    }


def receptive_field(depths, window_size, resi_connection, first_kernel: int) -> int:
    """Side of the receptive field in pixels: the maximum over the positions of an output pixel in its window."""
    reach = 1 if resi_connection == "1conv" else 2  # of a convolution at the end of a group

    def side(position: int) -> int:
        """Backwards through the network: convolutions widen an interval, blocks round it to whole windows."""
        low, high = position - 1 - reach, position + 1 + reach
        for depth in reversed(depths):
            low, high = low - reach, high + reach
            for block in reversed(range(depth)):
                shift = 0 if block % 2 == 0 else window_size // 2
                low = (low - shift) // window_size * window_size + shift
                high = -((shift - high - 1) // window_size) * window_size + shift - 1
        return high - low + 1 + 2 * (first_kernel // 2)

    return max(side(position) for position in range(window_size))


def _initialize(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
