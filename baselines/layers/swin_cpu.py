"""Evaluate a Swin block on the CPU, slab by slab: `Block.forward` without gradients, in a third of the time.

A slab is a number of windows whose features and attention scores fit into the cache; all layers of the block process it
before the next slab is gathered. The attention is one matrix product per window, whose output has the layout that the
next product needs. `tests/baselines/layers/test_swin.py` holds both ways equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from baselines.layers.token_order import BorderWindows
from baselines.layers.window_attention import WindowAttention

if TYPE_CHECKING:
    from baselines.layers.swin import Block

MAX_SLAB_FLOATS = 1_650_000  # per thread


def is_faster(block: Block, x: Tensor) -> bool:
    """Whether `evaluate` may replace the layers of a block: on the CPU, without gradients, and without inner hooks."""
    hooked = any(module._forward_hooks for module in block.modules() if module is not block)
    return x.device.type == "cpu" and not torch.is_grad_enabled() and not hooked


def evaluate(block: Block, x: Tensor, gather_index: Tensor, borders: BorderWindows | None, keep: Tensor | None):
    """(B, N, C) -> (B, N, C) in window order; `gather_index`, (B nW, T): index in x of each token of each window."""
    tokens, weights = x.flatten(0, 1), _fuse(block.attn, x.dtype)
    result = x.new_empty(*gather_index.shape, x.shape[-1])  # (B nW, T, C)
    for part in _slabs(*gather_index.shape, x.shape[-1], block.attn.num_heads):
        windows = tokens.index_select(0, gather_index[part].flatten()).view(-1, *result.shape[1:])
        attended = block.attention_input(windows, None if keep is None else keep[part])
        windows += _attend(attended, borders and borders.within(part), weights, block.attn.num_heads)
        result[part] = windows + block.mlp(block.norm2(windows))
    return result.view(x.shape)


def _slabs(windows: int, tokens: int, dim: int, heads: int) -> Iterator[slice]:
    """Slices of windows such that the features and attention scores of a slice fit into the cache."""
    step = max(1, MAX_SLAB_FLOATS * torch.get_num_threads() // (tokens * (7 * dim + heads * tokens)))
    for start in range(0, windows, step):
        yield slice(start, min(start + step, windows))


@dataclass(frozen=True)
class _FusedWeights:
    """Attention weights rearranged for one matrix product per window.

    qkv (3 C, C) and its offset (3 C, 1): rows of a head's q (scaled), k and v, then those of the next head
    proj (C, C), transposed, and its offset (C,)
    position (heads, T, T)
    """

    qkv: Tensor
    qkv_offset: Tensor
    proj: Tensor
    proj_offset: Tensor
    position: Tensor


def _fuse(attention: WindowAttention, dtype: torch.dtype) -> _FusedWeights:
    qkv = attention.qkv.weight.unflatten(0, (3, attention.num_heads, -1))  # (3, heads, C / heads, C)
    offset = attention.qkv.bias.unflatten(0, (3, attention.num_heads, -1))[..., None]
    scale = qkv.new_tensor([qkv.shape[2] ** -0.5, 1, 1]).view(3, 1, 1, 1)
    qkv, offset = ((part * scale).transpose(0, 1).flatten(0, 2) for part in (qkv, offset))
    fused = (qkv, offset, attention.proj.weight.t(), attention.proj.bias, attention.bias())
    return _FusedWeights(*(tensor.to(dtype) for tensor in fused))


def _attend(windows: Tensor, borders: BorderWindows | None, weights: _FusedWeights, heads: int) -> Tensor:
    """`WindowAttention.forward`, (n, T, C) -> (n, T, C), with the fused weights."""
    count, tokens, dim = windows.shape
    qkv = torch.baddbmm(weights.qkv_offset, weights.qkv.expand(count, -1, -1), windows.transpose(1, 2))
    qkv = qkv.to(windows.dtype).view(count * heads, 3, -1, tokens)  # under autocast too it is float32
    q, k, v = qkv.unbind(1)
    with torch.autocast(windows.device.type, enabled=False):
        scores = torch.bmm(q.transpose(1, 2), k).view(count, heads, tokens, tokens)
        scores += weights.position
        if borders is not None:
            for window, mask in zip(borders.windows.tolist(), borders.mask, strict=True):  # few of them
                scores[window] += mask
        x = torch.bmm(v, scores.softmax(-1).flatten(0, 1).transpose(1, 2)).view(count, dim, tokens)
    return torch.baddbmm(weights.proj_offset, x.transpose(1, 2), weights.proj.expand(count, -1, -1))
