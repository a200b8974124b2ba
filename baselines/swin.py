"""Swin transformer blocks for image restoration: what SwinIR and the masked network share.

Layout: tokens are (B, N, C) with N = H * W, H and W multiples of the window. Windows hold window**2 neighbouring
tokens. Everything but attention acts on each token by itself, so a block keeps its tokens in *window order* and one
gather (`TokenOrder`) takes them from the order of one block to that of the next; nothing is rolled or partitioned.

Source: Liu et al., ICCV 2021 (Swin); Liang et al., ICCVW 2021 (SwinIR). Parameter names are the official ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import isqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.shapes import count, ratio

TOKENS_AT_ONCE = 1024  # on the CPU, without gradients, for each thread


class _Reorder(torch.autograd.Function):
    """x[:, order] for a permutation; its gradient is the inverse gather instead of a scatter-add."""

    @staticmethod
    def forward(ctx, x: Tensor, order: Tensor, inverse: Tensor) -> Tensor:
        ctx.save_for_backward(inverse)
        return x.index_select(1, order)

    @staticmethod
    def backward(ctx, grad: Tensor):
        (inverse,) = ctx.saved_tensors
        return grad.index_select(1, inverse), None, None


def reorder(x: Tensor, order: tuple[Tensor, Tensor]) -> Tensor:
    """Permute tokens: (B, N, C) -> (B, N, C), `order` as made by `TokenOrder`."""
    return _Reorder.apply(x, *order)


@lru_cache(maxsize=64)
def _window_order(height: int, width: int, window: int, shift: int) -> Tensor:
    """Raster index of the token at each place of window order, (N,), after a cyclic shift by -shift."""
    index = torch.arange(height * width).view(height, width).roll((-shift, -shift), (0, 1))
    index = index.view(height // window, window, width // window, window)
    return index.permute(0, 2, 1, 3).reshape(-1)


@lru_cache(maxsize=64)
def _shift_labels(height: int, width: int, window: int, shift: int) -> Tensor:
    """Region label of each token in window order, (nW, window**2): tokens attend only within their region."""
    rows, columns = (torch.zeros(size, dtype=torch.long) for size in (height, width))
    for axis in (rows, columns):
        axis[-window:-shift], axis[-shift:] = 1, 2
    label = rows[:, None] * 3 + columns[None, :]
    label = label.view(height // window, window, width // window, window)
    return label.permute(0, 2, 1, 3).reshape(-1, window * window)


@lru_cache(maxsize=64)
@torch.inference_mode(False)  # what is remembered serves training too
def _order_between(height: int, width: int, window: int, before: int | None, after: int | None, device: str):
    """(order, inverse) from one token order to another; a shift names a window order, None the raster order."""
    raster = torch.arange(height * width)
    source = raster if before is None else _window_order(height, width, window, before)
    target = raster if after is None else _window_order(height, width, window, after)
    place = torch.empty_like(raster)
    place[source] = raster
    order = place[target]
    inverse = torch.empty_like(order)
    inverse[order] = raster
    return order.to(device), inverse.to(device)


@lru_cache(maxsize=64)
@torch.inference_mode(False)
def _shift_mask(height: int, width: int, window: int, shift: int, device: str) -> tuple[Tensor, Tensor]:
    """(which, mask): the windows that straddle the border, and their mask (n, 1, window**2, window**2), 0 or -100."""
    label = _shift_labels(height, width, window, shift)
    differ = label[:, None, :] != label[:, :, None]
    which = differ.flatten(1).any(1).nonzero()[:, 0]
    return which.to(device), (differ[which].float() * -100.0)[:, None].to(device)


class TokenOrder:
    """The token orders of one image size: raster, and windows with a given shift."""

    def __init__(self, height: int, width: int, window: int, device: torch.device):
        self.height, self.width, self.window, self.device = height, width, window, str(device)

    def between(self, before: int | None, after: int | None) -> tuple[Tensor, Tensor]:
        return _order_between(self.height, self.width, self.window, before, after, self.device)

    def borders(self, shift: int, batch: int) -> Borders:
        """The windows of so many images, one after the other, that straddle the border after a shift."""
        which, mask = _shift_mask(self.height, self.width, self.window, shift, self.device)
        if batch > 1:
            first = torch.arange(batch, device=which.device)[:, None] * (self.height * self.width // self.window**2)
            which, mask = (first + which).flatten(), mask.repeat(batch, 1, 1, 1)
        return Borders(which, mask)


@dataclass(frozen=True)
class Borders:
    """Windows that hold tokens from opposite borders: their places (n,), rising, and masks (n, 1, T, T), 0 or -100."""

    windows: Tensor
    mask: Tensor

    def within(self, part: slice) -> Borders | None:
        """Those among a slice of the windows, counted from its start."""
        first, end = (int(torch.searchsorted(self.windows, place)) for place in (part.start, part.stop))
        return Borders(self.windows[first:end] - part.start, self.mask[first:end]) if first < end else None


def slabs(windows: int, tokens: int) -> Iterator[slice]:
    """Slices of so many windows whose features stay in a core's cache from the first norm to the last sum."""
    step = max(1, TOKENS_AT_ONCE * torch.get_num_threads() // tokens)
    for start in range(0, windows, step):
        yield slice(start, min(start + step, windows))


class WindowAttention(nn.Module):
    """Multi-head self-attention inside windows, with a learned bias for each relative position."""

    def __init__(self, dim: int, window_size: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window_size - 1) ** 2, num_heads))
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        place = torch.stack(torch.meshgrid(torch.arange(window_size), torch.arange(window_size), indexing="ij"))
        offset = place.flatten(1)[:, :, None] - place.flatten(1)[:, None, :] + window_size - 1  # (2, T, T)
        index = offset[0] * (2 * window_size - 1) + offset[1]
        self.register_buffer("relative_position_index", index, persistent=False)

    def bias(self) -> Tensor:
        """Position bias, (heads, T, T)."""
        index = self.relative_position_index
        table = self.relative_position_bias_table.index_select(0, index.flatten())
        return table.view(*index.shape, -1).permute(2, 0, 1).contiguous()

    def forward(self, windows: Tensor, borders: Borders | None) -> Tensor:
        """(n, T, C) -> the same, n windows of any images."""
        count, tokens, dim = windows.shape
        q, k, v = self._together(windows) if torch.is_grad_enabled() else self._apart(windows)
        with torch.autocast(windows.device.type, enabled=False):  # it would make softmax convert, which is slow
            scores = torch.bmm(q.transpose(1, 2), k).view(count, self.num_heads, tokens, tokens)
            scores += self.bias().to(scores.dtype)
            if borders is not None:
                scores.index_add_(0, borders.windows, borders.mask.to(scores.dtype).expand(-1, self.num_heads, -1, -1))
            x = torch.bmm(v, scores.softmax(-1).flatten(0, 1).transpose(1, 2))  # (n heads, C / heads, T)
        return self.proj(x.view(count, dim, tokens).transpose(1, 2).contiguous())

    # Queries, keys and values are (n heads, C / heads, T): products along T, much longer than C / heads, are fast ones.

    def _together(self, windows: Tensor) -> tuple[Tensor, ...]:
        """From one product, whose gradient is the faster one."""
        count, tokens, dim = windows.shape
        qkv = self.qkv(windows).view(count, tokens, 3, self.num_heads, dim // self.num_heads)
        q, k, v = qkv.permute(2, 0, 3, 4, 1).contiguous().flatten(1, 2)
        return q * q.shape[1] ** -0.5, k, v

    def _apart(self, windows: Tensor) -> tuple[Tensor, ...]:
        """From a product each that leaves them in place: nothing is copied. Under autocast too attention is float32."""
        count, tokens, dim = windows.shape
        width = dim // self.num_heads
        weights, biases = self.qkv.weight.view(3, dim, dim), self.qkv.bias.view(3, dim, 1)
        found = []
        for scale, weight, bias in zip((width**-0.5, 1, 1), weights, biases, strict=True):
            weight, bias = (weight * scale).to(windows.dtype), (bias * scale).to(windows.dtype)
            product = torch.baddbmm(bias, weight.expand(count, dim, dim), windows.transpose(1, 2))
            found.append(product.to(windows.dtype).view(count * self.num_heads, width, tokens))
        return tuple(found)


class Mlp(nn.Module):
    def __init__(self, dim: int, hidden: int):
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    """Window attention and MLP, each behind a norm and a shortcut. Tokens come and go in this block's window order."""

    def __init__(self, dim: int, num_heads: int, window_size: int, shift: int, mlp_ratio: float, drop_path: float):
        super().__init__()
        self.window_size, self.shift, self.drop_path = window_size, shift, drop_path
        self.norm1 = nn.LayerNorm(dim)
        self.attn = WindowAttention(dim, window_size, num_heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, int(dim * mlp_ratio))

    def forward(self, x: Tensor, order: TokenOrder, keep: Tensor | None = None, generator=None) -> Tensor:
        """(B, N, C) -> (B, N, C). `keep`, (B, nW, T) of 0 and 1, zeroes tokens before q, k and v are made."""
        windows = x.reshape(-1, self.window_size**2, x.shape[-1])  # (B nW, T, C)
        keep = None if keep is None else keep.flatten(0, 1)
        borders = order.borders(self.shift, len(x)) if self.shift else None
        if torch.is_grad_enabled() or x.device.type != "cpu":
            return self._act(windows, borders, keep, generator, len(x)).view(x.shape)
        return torch.cat(
            [
                self._act(windows[part], borders and borders.within(part), None if keep is None else keep[part])
                for part in slabs(len(windows), self.window_size**2)
            ]
        ).view(x.shape)

    def _act(self, windows: Tensor, borders: Borders | None, keep: Tensor | None, generator=None, batch=1) -> Tensor:
        """What a block does, on windows (n, T, C) of `batch` images."""
        given = self.norm1(windows)
        if keep is not None:
            given = given * keep[..., None].to(given.dtype)
        x = windows + self._drop(self.attn(given, borders), generator, batch)
        return x + self._drop(self.mlp(self.norm2(x)), generator, batch)

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
            x = reorder(x, order.between(current, block.shift))
            current = block.shift
            x = block(x, order, None if keeps is None else next(keeps), generator)
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

    def __init__(self, in_chans, embed_dim, depths, num_heads, window_size, mlp_ratio, drop_path_rate,
                 resi_connection, first_kernel):  # fmt: skip
        super().__init__()
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
        rates = torch.linspace(0, drop_path_rate, sum(depths)).split(tuple(depths))
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
