"""A network run on a large image in overlapping tiles that fade into each other, the way a `Tiling` says."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bench.networks.tiling import Tiling
from bench.noise.noises import stream_key

Strip = tuple[int, int, Tensor]  # first pixel, the one behind the last, and the weight of each between them


class Tiled(nn.Module):
    """A network (B, C, H, W) -> the same, run tile by tile; an image that is one tile is run as it is.

    Weights are zero in the margin of a tile, rise linearly over the rest of the overlap, and sum to one everywhere.
    A tile of an image draws with a key made of the image's key and the tile's corner.
    """

    def __init__(self, network: nn.Module, tiling: Tiling):
        super().__init__()
        self.network, self.tiling = network, tiling

    @property
    def takes_keys(self) -> bool:
        return getattr(self.network, "takes_keys", False)

    def forward(self, x: Tensor, keys: Sequence[int] | None = None) -> Tensor:
        """Denoise (B, C, H, W). Raises ValueError where the network changes the size of a tile."""
        keys = [0] * len(x) if keys is None else keys
        height, width = x.shape[-2:]
        x = self._reflect(x)
        rows, columns = (strips(length, self.tiling, x.device) for length in x.shape[-2:])
        if len(rows) == len(columns) == 1:
            return self._run(x, keys)[..., :height, :width]
        total = torch.zeros_like(x, dtype=torch.float32)
        for top, bottom, down in rows:
            for left, right, across in columns:
                tile = x[..., top:bottom, left:right].clone(memory_format=torch.contiguous_format)
                own = [stream_key("tile", key, top, left) for key in keys]
                total[..., top:bottom, left:right] += self._run(tile, own) * (down[:, None] * across)
        return total[..., :height, :width]

    def _run(self, tile: Tensor, keys: Sequence[int]) -> Tensor:
        y = self.network(tile, **({"keys": keys} if self.takes_keys else {}))
        if y.shape != tile.shape:
            raise ValueError(f"the output has shape {tuple(y.shape[1:])}, wanted {tuple(tile.shape[1:])}")
        return y

    def _reflect(self, x: Tensor) -> Tensor:
        """The image, what lacks of a tile added at the bottom and on the right."""
        least = self.tiling.side if self.tiling.reflect_small else 0
        if min(x.shape[-2:]) >= least:
            return x
        down, across = (_reflected(length, max(length, least)).to(x.device) for length in x.shape[-2:])
        return x[..., down[:, None], across]


def _reflected(length: int, wanted: int) -> Tensor:
    """The pixels 0, 1, ..., length - 1, and back and forth again, so many as are wanted."""
    place = torch.arange(wanted) % max(2 * length - 2, 1)
    return torch.minimum(place, (2 * length - 2 - place).abs())


def strips(length: int, tiling: Tiling, device: torch.device | str = "cpu") -> list[Strip]:
    """The tiles along one axis of `length` pixels. Their weights sum to one in every pixel."""
    bounds = [(start, min(start + tiling.side, length)) for start in starts(length, tiling)]
    place = torch.arange(length, dtype=torch.float64) + 0.5
    total, weights = torch.zeros(length, dtype=torch.float64), []
    for start, stop in bounds:
        from_start = place - start if start else torch.full_like(place, torch.inf)
        from_stop = stop - place if stop < length else torch.full_like(place, torch.inf)
        inside = torch.minimum(from_start, from_stop) - tiling.margin
        weights.append((inside / (tiling.overlap - 2 * tiling.margin)).clamp(0, 1))
        total += weights[-1]
    return [
        (start, stop, (weight / total)[start:stop].to(device, torch.float32))
        for (start, stop), weight in zip(bounds, weights, strict=True)
    ]


def starts(length: int, tiling: Tiling) -> list[int]:
    """Where tiles begin along an axis: multiples of the step, the last moved back so that it is no narrow rest."""
    if length <= tiling.side:
        return [0]
    last = -(-(length - tiling.side) // tiling.step) * tiling.step
    return [*range(0, last, tiling.side - tiling.overlap), last]
