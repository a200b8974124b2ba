"""Run a network on a large image in overlapping, blended tiles, as a `Tiling` specifies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from bench.models import adapters
from bench.models.tiling import Tiling
from bench.noise.noises import stream_key

Strip = tuple[int, int, Tensor]  # first pixel, end, and blending weights of the pixels between


class Tiled(nn.Module):
    """Runs a network, (B, C, H, W) -> (B, C, H, W), tile by tile; an image of a single tile is run as a whole.

    Blending weights are zero in the margin of a tile, rise linearly over the rest of the overlap, and sum to one.
    The mask key of a tile is derived from the image's key and the tile's corner.
    """

    def __init__(self, network: nn.Module, tiling: Tiling):
        super().__init__()
        self.network, self.tiling = network, tiling

    @property
    def takes_keys(self) -> bool:
        """Whether the network takes keys for its random numbers."""
        return getattr(self.network, "takes_keys", False)

    def forward(self, x: Tensor, keys: Sequence[int] | None = None, sigma: Tensor | None = None) -> Tensor:
        """Denoise (B, C, H, W); tiles get their part of the whole image's noise level, and what a wrapper fitted to it.

        Raises ValueError if the network changes the shape of a tile.
        """
        keys = [0] * len(x) if keys is None else keys
        height, width = x.shape[-2:]
        level = {name: self._reflect(value) for name, value in adapters.with_level(self.network, x, sigma).items()}
        x = self._reflect(x)
        whole = adapters.fitted(self.network, x, keys)
        rows, columns = (strips(length, self.tiling, x.device) for length in x.shape[-2:])
        if len(rows) == len(columns) == 1:
            return self._run(x, keys, level | whole)[..., :height, :width]
        total = torch.zeros_like(x, dtype=torch.float32)
        for top, bottom, down in rows:
            for left, right, across in columns:
                tile = x[..., top:bottom, left:right].clone(memory_format=torch.contiguous_format)
                own = [stream_key("tile", key, top, left) for key in keys]
                of_tile = {name: value[..., top:bottom, left:right] for name, value in level.items()}
                total[..., top:bottom, left:right] += self._run(tile, own, of_tile | whole) * (down[:, None] * across)
        return total[..., :height, :width]

    def _run(self, tile: Tensor, keys: Sequence[int], options: dict[str, Any]) -> Tensor:
        y = self.network(tile, **({"keys": keys} if self.takes_keys else {}), **options)
        if y.shape != tile.shape:
            raise ValueError(f"output: expected shape {tuple(tile.shape[1:])}, got {tuple(y.shape[1:])}")
        return y

    def _reflect(self, x: Tensor) -> Tensor:
        """The image, extended by reflection at the bottom and right to the size of a tile."""
        minimum = self.tiling.side if self.tiling.reflect_small else 0
        return extended(x, *(max(length, minimum) for length in x.shape[-2:]))


class Extended(nn.Module):
    """Runs a network, (B, C, H, W) -> (B, C, H, W), on images extended by reflection to `height` and `width` pixels."""

    def __init__(self, network: nn.Module, height: int, width: int):
        super().__init__()
        self.network, self.size = network, (height, width)

    @property
    def takes_keys(self) -> bool:
        """Whether the network takes keys for its random numbers."""
        return getattr(self.network, "takes_keys", False)

    def forward(self, x: Tensor, sigma: Tensor | None = None, **options: Any) -> Tensor:
        """Denoise (B, C, H, W): the noise level is that of the image before it was extended."""
        height, width = x.shape[-2:]
        level = {
            name: extended(value, *self.size) for name, value in adapters.with_level(self.network, x, sigma).items()
        }
        return self.network(extended(x, *self.size), **level, **options)[..., :height, :width]


def extended(x: Tensor, height: int, width: int) -> Tensor:
    """(..., H, W) -> (..., height, width): the image, extended by reflection at the bottom and right."""
    if (height, width) == x.shape[-2:]:
        return x
    down, across = (_reflected(*lengths).to(x.device) for lengths in zip(x.shape[-2:], (height, width), strict=True))
    return x[..., down[:, None], across]


def _reflected(length: int, target: int) -> Tensor:
    """Indices 0, 1, ..., length - 1, reflected back and forth up to `target` entries."""
    index = torch.arange(target) % max(2 * length - 2, 1)
    return torch.minimum(index, (2 * length - 2 - index).abs())


def strips(length: int, tiling: Tiling, device: torch.device | str = "cpu") -> list[Strip]:
    """The tiles along one axis of `length` pixels. Their weights sum to one in every pixel."""
    bounds = [(start, min(start + tiling.side, length)) for start in starts(length, tiling)]
    centre = torch.arange(length, dtype=torch.float64) + 0.5  # of each pixel
    total, weights = torch.zeros(length, dtype=torch.float64), []
    for start, stop in bounds:
        from_start = centre - start if start else torch.full_like(centre, torch.inf)
        from_stop = stop - centre if stop < length else torch.full_like(centre, torch.inf)
        inside = torch.minimum(from_start, from_stop) - tiling.margin
        weights.append((inside / (tiling.overlap - 2 * tiling.margin)).clamp(0, 1))
        total += weights[-1]
    return [
        (start, stop, (weight / total)[start:stop].to(device, torch.float32))
        for (start, stop), weight in zip(bounds, weights, strict=True)
    ]


def starts(length: int, tiling: Tiling) -> list[int]:
    """First pixels of the tiles along an axis: multiples of the step; the last tile is moved back to full width."""
    if length <= tiling.side:
        return [0]
    last = -(-(length - tiling.side) // tiling.step) * tiling.step
    return [*range(0, last, tiling.side - tiling.overlap), last]
