"""Which tile a network is run in on which image: a rule of the network and the image's size, the same on every machine.

`auto` runs an image whole as long as the network's stated memory for it is at most `MAX_WHOLE_BYTES`, and else in square
tiles of the largest of `TILE_SIDES` that needs at most `MAX_TILE_BYTES`, so that a process stays below 4 GB. What a network
needs per pixel is a constant in its file, not a measurement. The tile is in every row.

Neighbouring tiles overlap. Where a network's receptive field is known and modest, what its tiles lack at their sides
is left out of the blend, and the output is that of the whole image. Elsewhere the outermost 8 pixels are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, lcm

from baselines.recognition import input_channels
from bench.errors import BadInput
from bench.networks import complexity
from bench.networks.models import Model

MAX_WHOLE_BYTES = 5 * 2**29  # 2.5 GiB
MAX_TILE_BYTES = 3 * 2**28  # 0.75 GiB
TILE_SIDES = (512, 256, 128)
TILE_STEP = (
    8  # tiles begin and, but for the last, end at multiples of it: windows and halvings fall as in the whole image
)
DEFAULT_BYTES_PER_PIXEL = 3072  # bytes per pixel of a network that states none
MAX_COVERED_FIELD = 64  # receptive fields up to it are covered in full
MIN_TILE = 32  # side of a tile that a network is always run in
MIN_RAMP = 16  # pixels of an overlap over which one tile fades into the next, at least


@dataclass(frozen=True)
class Tiling:
    """How a network takes large images.

    side     of a tile, pixels
    overlap  of neighbouring tiles, pixels
    margin   pixels at the inner sides of a tile that are seen and not used, less than half of the overlap
    step     tiles begin at multiples of it
    largest  number of pixels up to which an image is run whole
    fits     an image that fits into one tile is run whole too
    filled   a side of an image that is shorter than a tile is filled up to it by reflection
    """

    side: int
    overlap: int
    margin: int
    step: int = TILE_STEP
    max_whole_pixels: float = 0
    fits: bool = True
    reflect_small: bool = False

    def smaller(self, height: int, width: int, times: int = 1) -> Tiling | None:
        """The tiling for an image that memory did not suffice for, so many times; None where nothing is smaller."""
        tiling = self
        for _ in range(times):
            now = tiling.tile(height, width) or max(height, width)
            sides = [side // self.step * self.step for side in TILE_SIDES]
            side = next((side for side in sides if 2 * self.overlap <= side < now), None)
            if side is None or not self.fits:
                return None
            tiling = replace(tiling, side=side, max_whole_pixels=0)
        return tiling

    def tile(self, height: int, width: int) -> int:
        """The side of the tile for an image, 0 where it is run whole."""
        whole = height * width <= self.max_whole_pixels or (self.fits and max(height, width) <= self.side)
        return 0 if whole else self.side


def of(model: Model, choice: str | int = "auto") -> Tiling:
    """The tiling of a model for 'auto', 'whole' or the side of a tile. Raises BadInput."""
    if tiling := own(model):
        return tiling
    step = TILE_STEP if model.user_defined else lcm(TILE_STEP, model.parameters.get("window_size", TILE_STEP))
    overlap, margin = _overlap(receptive_field(model), step)
    least = _round_up(2 * overlap, step)
    if choice == "whole":
        return Tiling(least, overlap, margin, step, max_whole_pixels=inf)
    if choice == "auto":
        needed = _bytes_per_pixel(model)
        side = next((side for side in TILE_SIDES if side**2 * needed <= MAX_TILE_BYTES), TILE_SIDES[-1])
        return Tiling(
            max(side // step * step, least), overlap, margin, step, max_whole_pixels=MAX_WHOLE_BYTES // needed
        )
    if choice % step or choice < least:
        raise BadInput(f"the tile of {model.label} is {choice}, wanted a multiple of {step} from {least} (--tile)")
    return Tiling(choice, overlap, margin, step)


def parse(text: str | int) -> str | int:
    """'auto', 'whole' or a side as text -> the choice. Raises BadInput."""
    if text in ("auto", "whole"):
        return text
    if not str(text).isdecimal() or int(text) < 1:
        raise BadInput(f"the tile is {str(text)!r}, wanted auto, whole, or the side of a tile in pixels such as 512")
    return int(text)


def of_network(name: str) -> Tiling | None:
    """The tiling that is a part of what a network is, in training too; None for most."""
    side = complexity.own_tile(name)
    return _fixed(side) if side else None


def own(model: Model) -> Tiling | None:
    """`of_network` of a model; of a user's network, what its class states as `tile`, and no other. Raises BadInput."""
    if not model.user_defined:
        return of_network(model.name)
    side = model.stated.get("tile")
    if side and (side % TILE_STEP or side < MIN_TILE):
        raise BadInput(f"model {model.label} states tile = {side}, wanted a multiple of {TILE_STEP} from {MIN_TILE}")
    return replace(_fixed(side), step=1, reflect_small=True) if side else None


def receptive_field(model: Model) -> int | str | None:
    """Side in pixels, or words; of a user's network what its class states. None where it is not known."""
    if model.user_defined:
        return model.stated.get("receptive_field")
    return complexity.receptive_field(model.name, model.parameters)


def _fixed(side: int) -> Tiling:
    return Tiling(side, overlap=16, margin=4, fits=False)


def _overlap(receptive_field: int | str | None, step: int) -> tuple[int, int]:
    """(overlap, margin) in pixels."""
    known = isinstance(receptive_field, int) and receptive_field <= MAX_COVERED_FIELD
    margin = receptive_field // 2 if known else 8
    return _round_up(2 * margin + MIN_RAMP, step), margin


def _bytes_per_pixel(model: Model) -> int:
    """As the network states it; a grey network runs on three channels at once."""
    if model.user_defined:
        return model.stated.get("bytes_per_pixel", DEFAULT_BYTES_PER_PIXEL)
    stated = complexity.bytes_per_pixel(model.name, model.parameters) or DEFAULT_BYTES_PER_PIXEL
    return stated * (3 if input_channels(model.parameters) == 1 else 1)


def _round_up(number: int, step: int) -> int:
    """The next multiple of `step`."""
    return -(-number // step) * step
