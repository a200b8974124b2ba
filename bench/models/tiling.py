"""Tile size by network and image size: a fixed rule, equal on every machine.

`auto` runs an image as a whole if the memory that the network states for it is at most `MAX_WHOLE_BYTES`, otherwise in
square tiles of the largest of `TILE_SIDES` that needs at most `MAX_TILE_BYTES`, so that a process stays below 4 GB. The
memory per pixel is a constant in the network's file, not a measurement. The tile is stored in every row.

Neighbouring tiles overlap. If the receptive field is at most `MAX_COVERED_FIELD`, the pixels of a tile that depend on
pixels outside it are excluded from blending, and the output equals that of the whole image. Otherwise the outermost 8
pixels are excluded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, lcm

from baselines.weights_io.recognition import input_channels
from bench.core.errors import BadInput, shortened
from bench.core.integers import integer_of
from bench.models import complexity
from bench.models.model_specs import Model

MAX_WHOLE_BYTES = 5 * 2**29  # 2.5 GiB
MAX_TILE_BYTES = 3 * 2**28  # 0.75 GiB
TILE_SIDES = (512, 256, 128)
TILE_STEP = 8  # tiles are aligned to multiples of it, as windows and downsampling are in the whole image
DEFAULT_BYTES_PER_PIXEL = 3072  # of a network that states none
MAX_COVERED_FIELD = 64  # pixels; larger receptive fields are not covered by the overlap
MIN_TILE = 32  # pixels; of a tile that a user's class states
MIN_RAMP = 16  # pixels of an overlap over which neighbouring tiles are blended


@dataclass(frozen=True)
class Tiling:
    """How a network is run on large images.

    side              of a tile, pixels
    overlap           of neighbouring tiles, pixels
    margin            pixels at the inner sides of a tile excluded from blending, less than half of the overlap
    step              tiles begin at multiples of it, pixels
    max_whole_pixels  number of pixels up to which an image is run as a whole
    fits              an image that fits into one tile is run as a whole
    reflect_small     an image smaller than a tile is extended to its size by reflection
    """

    side: int
    overlap: int
    margin: int
    step: int = TILE_STEP
    max_whole_pixels: float = 0
    fits: bool = True
    reflect_small: bool = False

    def smaller(self, height: int, width: int, times: int = 1) -> Tiling | None:
        """The next smaller tiling, `times` times, for an image that ran out of memory; None if there is none."""
        tiling = self
        for _ in range(times):
            current = tiling.tile(height, width) or max(height, width)
            sides = [side // self.step * self.step for side in TILE_SIDES]
            side = next((side for side in sides if 2 * self.overlap <= side < current), None)
            if side is None or not self.fits:
                return None
            tiling = replace(tiling, side=side, max_whole_pixels=0)
        return tiling

    def tile(self, height: int, width: int) -> int:
        """Side of the tile for an image, in pixels; 0 if it is run as a whole."""
        whole = height * width <= self.max_whole_pixels or (self.fits and max(height, width) <= self.side)
        return 0 if whole else self.side


def of(model: Model, choice: str | int = "auto") -> Tiling:
    """The tiling of a model for 'auto', 'whole' or the side of a tile in pixels. Raises BadInput."""
    if tiling := own(model):
        return tiling
    step = TILE_STEP if model.user_defined else lcm(TILE_STEP, model.parameters.get("window_size", TILE_STEP))
    overlap, margin = _overlap(receptive_field(model), step)
    minimum = _round_up(2 * overlap, step)
    if choice == "whole":
        return Tiling(minimum, overlap, margin, step, max_whole_pixels=inf)
    if choice == "auto":
        needed = _bytes_per_pixel(model)
        side = next((side for side in TILE_SIDES if side**2 * needed <= MAX_TILE_BYTES), TILE_SIDES[-1])
        return Tiling(
            max(side // step * step, minimum), overlap, margin, step, max_whole_pixels=MAX_WHOLE_BYTES // needed
        )
    if choice % step or choice < minimum:
        raise BadInput(
            f"--tile for model {model.label}: expected a multiple of {step}, at least {minimum}, got {choice}"
        )
    return Tiling(choice, overlap, margin, step)


def parse(text: str | int) -> str | int:
    """Parse 'auto', 'whole' or the side of a tile in pixels. Raises BadInput."""
    if text in ("auto", "whole"):
        return text
    try:
        return integer_of(str(text), minimum=1)
    except ValueError:
        raise BadInput(
            f"--tile: expected auto, whole, or the side of a tile in pixels, e.g. 512, got {shortened(str(text))}"
        ) from None


def of_network(name: str) -> Tiling | None:
    """The fixed tiling of a network that always runs in tiles, also in training; None for most."""
    side = complexity.own_tile(name)
    return _fixed(side) if side else None


def own(model: Model) -> Tiling | None:
    """The fixed tiling of a model; for a user-defined network the `tile` of its class. Raises BadInput."""
    if not model.user_defined:
        return of_network(model.name)
    side = model.stated.get("tile")
    if side and (side % TILE_STEP or side < MIN_TILE):
        raise BadInput(
            f"model {model.label}, tile of its class: expected a multiple of {TILE_STEP} from {MIN_TILE}, got {side}"
        )
    return replace(_fixed(side), step=1, reflect_small=True) if side else None


def receptive_field(model: Model) -> int | str | None:
    """Receptive field of a model: side in pixels, or a description; None if unknown."""
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
    """Peak memory per pixel; a greyscale network runs on three channels at once."""
    if model.user_defined:
        return model.stated.get("bytes_per_pixel", DEFAULT_BYTES_PER_PIXEL)
    stated = complexity.bytes_per_pixel(model.name, model.parameters) or DEFAULT_BYTES_PER_PIXEL
    return stated * (3 if input_channels(model.parameters) == 1 else 1)


def _round_up(number: int, step: int) -> int:
    """The next multiple of `step`."""
    return -(-number // step) * step
