"""RNAN's non-local attention: exact, over all pixels, with memory linear in their number.

The softmax runs over the queries, not the keys. Keys therefore do not compete, and blocks of keys can be processed one
after another; the backward pass recomputes the weights of a block. On a CPU a block stays in the cache, which makes a
48x48 tile four times as fast as all keys at once.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

CPU_BLOCK = 48  # keys per block, one image at a time: 48 x 2304 weights are 0.4 MB
GPU_BLOCK = 4096  # keys per block, all images of the batch at a time


@torch.compiler.disable  # a compiler would unroll the blocks
def query_normalized_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """value @ softmax(key^T @ query), normalized over the queries: each (B, C, N) -> (B, C, N), in at least float32."""
    with torch.autocast(query.device.type, enabled=False):
        return _QueryNormalizedAttention.apply(
            *(x.to(torch.promote_types(x.dtype, torch.float32)) for x in (query, key, value))
        )


class _QueryNormalizedAttention(Function):
    @staticmethod
    def forward(ctx, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        ctx.save_for_backward(query, key, value)
        y = torch.zeros_like(query)
        for images, keys in _blocks(query):
            y[images] += value[images, :, keys] @ _weights(query, key, images, keys)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        query, key, value = ctx.saved_tensors
        by_query, by_key, by_value = torch.zeros_like(query), torch.empty_like(key), torch.empty_like(value)
        for images, keys in _blocks(query):
            v, weights = value[images, :, keys], _weights(query, key, images, keys)  # (b, C, n), (b, n, N)
            by_value[images, :, keys] = dv = grad[images] @ weights.mT
            mean = (v * dv).sum(1).unsqueeze(2)  # weighted mean of the weights' gradients
            by_logit = torch.baddbmm(mean, v.mT, grad[images], beta=-1).mul_(weights)
            by_key[images, :, keys] = query[images] @ by_logit.mT
            by_query[images] += key[images, :, keys] @ by_logit
        return by_query, by_key, by_value


def _weights(query: Tensor, key: Tensor, images: slice, keys: slice) -> Tensor:
    """Attention weights of a block of keys, (b, n, N)."""
    return (key[images, :, keys].mT @ query[images]).softmax(2)


def _blocks(x: Tensor) -> Iterator[tuple[slice, slice]]:
    """Slices of images and keys of each block of (B, C, N)."""
    images, keys = (1, CPU_BLOCK) if x.device.type == "cpu" else (len(x), GPU_BLOCK)
    for first in range(0, len(x), images):
        for start in range(0, x.shape[2], keys):
            yield slice(first, first + images), slice(start, start + keys)
