"""Orders of an image's tokens: raster, and windows with a given cyclic shift; nothing is rolled or partitioned.

Tokens are (B, N, C) with N = H * W, H and W multiples of the window. One gather takes them from any order to another.
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

    def places(self, before: int | None, shift: int, batch: int) -> Tensor:
        """Where the tokens of each window of so many images are in the order `before`, (B nW, window**2)."""
        places = self.between(before, shift)[0].view(-1, self.window**2)
        first = torch.arange(batch, device=places.device)[:, None, None] * (self.height * self.width)
        return (first + places).flatten(0, 1)

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
