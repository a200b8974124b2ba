"""Swin transformer blocks for image restoration: what SwinIR and the masked network share.

Layout: tokens are (B, N, C) with N = H * W, H and W multiples of the window. Windows hold window**2 neighbouring
tokens. Everything but attention acts on each token by itself, so a block leaves its tokens in *window order* and the
next takes them from there with one gather. Evaluated on the CPU, a block does all its work on some windows before it
goes on to others, so that their features stay in the cache.

Source: Liu et al., ICCV 2021 (Swin); Liang et al., ICCVW 2021 (SwinIR). Parameter names are the official ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.checks import positive, share, whole, wholes
from baselines.shapes import count, ratio
from baselines.token_order import Borders, TokenOrder, reorder
from baselines.window_attention import WindowAttention

NUMBERS_AT_ONCE = 1_650_000  # on the CPU, without gradients, for each thread


class Mlp(nn.Module):
    def __init__(self, dim: int, hidden: int):
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


def slabs(windows: int, tokens: int, dim: int, heads: int) -> Iterator[slice]:
    """Slices of so many windows whose features and scores stay near a core from the first norm to the last sum."""
    step = max(1, NUMBERS_AT_ONCE * torch.get_num_threads() // (tokens * (7 * dim + heads * tokens)))
    for start in range(0, windows, step):
        yield slice(start, min(start + step, windows))


class Block(nn.Module):
    """Window attention and MLP, each behind a norm and a shortcut."""

    def __init__(self, dim: int, num_heads: int, window_size: int, shift: int, mlp_ratio: float, drop_path: float):
        super().__init__()
        self.window_size, self.shift, self.drop_path = window_size, shift, drop_path
        self.norm1 = nn.LayerNorm(dim)
        self.attn = WindowAttention(dim, window_size, num_heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, int(dim * mlp_ratio))

    def forward(self, x: Tensor, order: TokenOrder, before: int | None, keep: Tensor | None = None, generator=None):
        """(B, N, C) -> (B, N, C). Tokens come in the order `before`, and go in this block's window order.

        `keep`, (B, nW, T) of 0 and 1, zeroes tokens before q, k and v are made.
        """
        keep = None if keep is None else keep.flatten(0, 1)
        borders = order.borders(self.shift, len(x)) if self.shift else None
        if self._in_slabs(x):
            return self._evaluate(x, order.places(before, self.shift, len(x)), borders, keep)
        windows = reorder(x, order.between(before, self.shift)).reshape(-1, self.window_size**2, x.shape[-1])
        windows = windows + self._drop(self.attn(self._given(windows, keep), borders), generator, len(x))
        windows = windows + self._drop(self.mlp(self.norm2(windows)), generator, len(x))  # (B nW, T, C)
        return windows.view(x.shape)

    def _in_slabs(self, x: Tensor) -> bool:
        """Whether a part of the windows at a time is faster, and nobody looks at the layers inside."""
        watched = any(module._forward_hooks for module in self.modules() if module is not self)
        return x.device.type == "cpu" and not torch.is_grad_enabled() and not watched

    def _evaluate(self, x: Tensor, places: Tensor, borders: Borders | None, keep: Tensor | None) -> Tensor:
        """Slab by slab; `places`, (B nW, T), are those of the windows' tokens among all of x."""
        tokens, products = x.flatten(0, 1), self.attn.products(x.dtype)
        result = x.new_empty(*places.shape, x.shape[-1])  # (B nW, T, C)
        for part in slabs(*places.shape, x.shape[-1], self.attn.num_heads):
            windows = tokens.index_select(0, places[part].flatten()).view(-1, *result.shape[1:])
            given = self._given(windows, None if keep is None else keep[part])
            windows += self.attn.evaluate(given, borders and borders.within(part), products)
            result[part] = windows + self.mlp(self.norm2(windows))
        return result.view(x.shape)

    def _given(self, windows: Tensor, keep: Tensor | None) -> Tensor:
        """What attention is given: normed, masked."""
        given = self.norm1(windows)
        return given if keep is None else given * keep[..., None].to(given.dtype)

    def _drop(self, x: Tensor, generator, batch: int) -> Tensor:
        """Stochastic depth (Huang et al., 2016), in training only: a sample's branch is dropped or scaled up."""
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
    raise ValueError(f"resi_connection is {kind!r}, wanted '1conv' or '3conv'")


class _Blocks(nn.Module):
    def __init__(self, blocks):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)


class ResidualGroup(nn.Module):
    """Blocks with alternating shift, a convolution, and a shortcut around both (RSTB). Tokens in raster order."""

    def __init__(self, dim, depth, num_heads, window_size, mlp_ratio, drop_paths, resi_connection):
        super().__init__()
        self.residual_group = _Blocks(
            Block(dim, num_heads, window_size, 0 if i % 2 == 0 else window_size // 2, mlp_ratio, drop_paths[i])
            for i in range(depth)
        )
        self.conv = body_convolution(dim, resi_connection)

    def forward(self, x: Tensor, order: TokenOrder, keeps=None, generator=None) -> Tensor:
        """(B, N, C) -> (B, N, C); `keeps` is an iterator with one token mask for each block, or None."""
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
    """First convolution, residual groups and last norm, under the official names; a subclass says what goes around.

    `window_size` is the side of a window in pixels; `depths` and `num_heads` have one entry a residual group.
    `drop_path_rate` rises linearly from 0 at the first block to this value at the last (training only).
    """

    mostly_matrix_products = True

    def __init__(self, in_chans, embed_dim, depths, num_heads, window_size, mlp_ratio, drop_path_rate,
                 resi_connection, first_kernel):  # fmt: skip
        super().__init__()
        whole(1, in_chans=in_chans, window_size=window_size)
        whole(4 if resi_connection == "3conv" else 1, embed_dim=embed_dim)
        wholes(1, depths=depths, num_heads=num_heads)
        positive(mlp_ratio=mlp_ratio)
        share(drop_path_rate=drop_path_rate)
        if len(depths) != len(num_heads):
            raise ValueError(f"depths has {len(depths)} entries and num_heads {len(num_heads)}: wanted as many")
        if any(embed_dim % heads for heads in num_heads):
            raise ValueError(f"embed_dim {embed_dim} is not a multiple of every entry of num_heads {tuple(num_heads)}")
        self.window_size = window_size
        self.generator: torch.Generator | None = None  # of what training draws; None: torch's own
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

        `hidden`, (B, 1, H, W) of 0 and 1, says which embedded tokens become `mask_token`, (C,), or zero.
        """
        order = TokenOrder(*shallow.shape[-2:], self.window_size, shallow.device)
        x = self.patch_embed.norm(to_tokens(shallow))
        if hidden is not None:
            x = torch.where(to_tokens(hidden).bool(), x.new_zeros(()) if mask_token is None else mask_token.to(x), x)
        for layer in self.layers:
            x = layer(x, order, keeps, self.generator)
        return to_image(self.norm(x), order)

    def pad(self, x: Tensor) -> Tensor:
        """Reflect the right and bottom border until both sides are multiples of the window; none where they are."""
        height, width = x.shape[-2:]
        bottom, right = -height % self.window_size, -width % self.window_size
        return F.pad(x, (0, right, 0, bottom), "reflect") if bottom or right else x


def infer_body(tensors: Mapping[str, Tensor], first_kernel: int) -> dict:
    """The parameters of a SwinBody that published tensors show. Raises ValueError where the first kernel differs."""
    first = tensors["conv_first.weight"].shape
    if first[-1] != first_kernel:
        raise ValueError(f"the first kernel is {first[-1]}x{first[-1]}, wanted {first_kernel}x{first_kernel}")
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
    """Side in pixels of the largest area that an output pixel depends on; it differs by the place in the window."""
    reach = 1 if resi_connection == "1conv" else 2  # of a convolution at the end of a group

    def area(place: int) -> int:
        """Followed backwards: an interval that convolutions widen and blocks round to whole windows."""
        low, high = place - 1 - reach, place + 1 + reach
        for depth in reversed(depths):
            low, high = low - reach, high + reach
            for block in reversed(range(depth)):
                shift = 0 if block % 2 == 0 else window_size // 2
                low = (low - shift) // window_size * window_size + shift
                high = -((shift - high - 1) // window_size) * window_size + shift - 1
        return high - low + 1 + 2 * (first_kernel // 2)

    return max(area(place) for place in range(window_size))


def _initialize(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
