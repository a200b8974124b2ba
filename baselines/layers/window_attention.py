"""Attention inside windows of an image, with relative position bias (Liu et al., Swin Transformer, ICCV 2021).

Windows are (n, T, C): n windows of any images with T tokens each.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from baselines.layers.token_order import BorderWindows


class WindowAttention(nn.Module):
    """Multi-head self-attention inside windows, with a learned bias for each relative position."""

    def __init__(self, dim: int, window_size: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window_size - 1) ** 2, num_heads))
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        position = torch.stack(torch.meshgrid(torch.arange(window_size), torch.arange(window_size), indexing="ij"))
        offset = position.flatten(1)[:, :, None] - position.flatten(1)[:, None, :] + window_size - 1  # (2, T, T)
        index = offset[0] * (2 * window_size - 1) + offset[1]
        self.register_buffer("relative_position_index", index, persistent=False)

    def bias(self) -> Tensor:
        """Relative position bias, (heads, T, T)."""
        index = self.relative_position_index
        table = self.relative_position_bias_table.index_select(0, index.flatten())
        return table.view(*index.shape, -1).permute(2, 0, 1).contiguous()

    # Queries, keys and values are (n heads, C / heads, T): T is much longer than C / heads, which makes products fast.

    def forward(self, windows: Tensor, borders: BorderWindows | None) -> Tensor:
        """(n, T, C) -> (n, T, C), n windows of any images."""
        count, tokens, dim = windows.shape
        qkv = self.qkv(windows).view(count, tokens, 3, self.num_heads, dim // self.num_heads)
        q, k, v = qkv.permute(2, 0, 3, 4, 1).contiguous().flatten(1, 2)
        with torch.autocast(windows.device.type, enabled=False):  # autocast would convert around softmax, which is slow
            scores = torch.bmm((q * q.shape[1] ** -0.5).transpose(1, 2), k).unflatten(0, (count, self.num_heads))
            scores = scores + self.bias().to(scores.dtype)
            if borders is not None:
                mask = scores.new_zeros(count, 1, tokens, tokens)  # one sum over all is faster than index_add
                mask[borders.windows] = borders.mask.to(scores.dtype)
                scores = scores + mask
            x = torch.bmm(v, scores.softmax(-1).flatten(0, 1).transpose(1, 2))  # (n heads, C / heads, T)
        return self.proj(x.view(count, dim, tokens).transpose(1, 2).contiguous())
