"""Token orders of an image: raster, and window orders with a cyclic shift; replaces rolling and window partition.

Tokens are (B, N, C) with N = H * W, H and W multiples of the window. One gather changes the order.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor


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
    """Raster index of each token in window order, (N,), after a cyclic shift by -shift."""
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
@torch.inference_mode(False)  # cached tensors are used in training too
def _order_between(height: int, width: int, window: int, before: int | None, after: int | None, device: str):
    """(order, inverse) from one token order to another; a shift names a window order, None the raster order."""
    raster = torch.arange(height * width)
    source = raster if before is None else _window_order(height, width, window, before)
    target = raster if after is None else _window_order(height, width, window, after)
    position = torch.empty_like(raster)
    position[source] = raster
    order = position[target]
    inverse = torch.empty_like(order)
    inverse[order] = raster
    return order.to(device), inverse.to(device)


@lru_cache(maxsize=64)
@torch.inference_mode(False)
def _shift_mask(height: int, width: int, window: int, shift: int, device: str) -> tuple[Tensor, Tensor]:
    """(index, mask) of the windows that straddle the border; masks are (n, 1, window**2, window**2), 0 or -100."""
    label = _shift_labels(height, width, window, shift)
    differ = label[:, None, :] != label[:, :, None]
    which = differ.flatten(1).any(1).nonzero()[:, 0]
    return which.to(device), (differ[which].float() * -100.0)[:, None].to(device)


class TokenOrder:
    """The token orders of one image size: raster, and windows with a given shift."""

    def __init__(self, height: int, width: int, window: int, device: torch.device):
        self.height, self.width, self.window, self.device = height, width, window, str(device)

    def between(self, before: int | None, after: int | None) -> tuple[Tensor, Tensor]:
        """(order, inverse), each (N,), from the order of one shift to that of another; None: raster order."""
        return _order_between(self.height, self.width, self.window, before, after, self.device)

    def gather_index(self, before: int | None, shift: int, batch: int) -> Tensor:
        """Index in the order `before` of each token of each window of a batch, (B nW, window**2)."""
        index = self.between(before, shift)[0].view(-1, self.window**2)
        first = torch.arange(batch, device=index.device)[:, None, None] * (self.height * self.width)
        return (first + index).flatten(0, 1)

    def borders(self, shift: int, batch: int) -> BorderWindows:
        """The windows of a batch that straddle the border after a shift."""
        which, mask = _shift_mask(self.height, self.width, self.window, shift, self.device)
        if batch > 1:
            first = torch.arange(batch, device=which.device)[:, None] * (self.height * self.width // self.window**2)
            which, mask = (first + which).flatten(), mask.repeat(batch, 1, 1, 1)
        return BorderWindows(which, mask)


@dataclass(frozen=True)
class BorderWindows:
    """Windows with tokens from opposite borders: ascending indices (n,), and masks (n, 1, T, T), 0 or -100."""

    windows: Tensor
    mask: Tensor

    def within(self, part: slice) -> BorderWindows | None:
        """Those in a slice of the windows, with indices relative to its start; None if there are none."""
        first, end = (int(torch.searchsorted(self.windows, bound)) for bound in (part.start, part.stop))
        return BorderWindows(self.windows[first:end] - part.start, self.mask[first:end]) if first < end else None
