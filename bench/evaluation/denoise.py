"""The networks of a plan on a device, and denoising of one image with one of them."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from baselines.layers.non_blind import TRUE
from bench.core.environment import is_out_of_memory
from bench.core.errors import as_bad_input, described
from bench.evaluation.prepare import PreparedImage
from bench.models import adapters, inference, precisions
from bench.models.model import Model
from bench.models.tiles import Tiled
from bench.models.tiling import Tiling
from bench.protocols import to_bytes
from bench.runs.plan import Plan


@dataclass(frozen=True)
class DenoisedImage:
    """The output of a network for one image, or the reason why there is none.

    pixels   uint8 of the shape of the noisy image, or None; float32 if not rounded
    tile     side in pixels of the tiles that the image was processed in; 0 for the whole image
    seconds  of the forward pass
    """

    pixels: np.ndarray | None
    tile: int
    seconds: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Networks:
    """The networks of a plan, in its order, on a device. `channels`: `Model.channels` of each."""

    networks: tuple[nn.Module, ...]
    channels: tuple[int | None, ...]
    tilings: tuple[Tiling, ...]
    device: torch.device

    @classmethod
    def of(cls, plan: Plan, device: torch.device) -> Networks:
        """Load the networks. Raises BadInput if weights do not fit, or a user-defined network fails its check."""
        networks = tuple(load(model, device, plan.precision) for model in plan.models)
        return cls(networks, tuple(model.channels for model in plan.models), plan.tilings, device)

    def denoise(
        self, index: int, prepared: PreparedImage, tile_reductions: int = 0, rounded: bool = True
    ) -> DenoisedImage:
        """Denoise an image with the model of an index; if memory is exhausted, in smaller and smaller tiles.

        tile_reductions  how often the planned tile is made smaller before the first attempt
        rounded          return uint8, as outputs are scored; else float32 as the network returns it
        """
        height, width, channels = prepared.noisy.shape
        network = adapters.for_image(self.networks[index], self.channels[index], channels)
        tiling, problem = self.tilings[index].smaller(height, width, tile_reductions), "out of memory"
        while tiling is not None:
            try:
                return self._denoise(network, prepared, tiling, rounded)
            except Exception as error:  # a user-defined network may raise anything
                problem = described(error)
                if not is_out_of_memory(error):
                    return DenoisedImage(None, tiling.tile(height, width), reason=problem)
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
            tiling = tiling.smaller(height, width)
        return DenoisedImage(None, self.tilings[index].tile(height, width), reason=problem)

    def _denoise(self, network: nn.Module, prepared: PreparedImage, tiling: Tiling, rounded: bool) -> DenoisedImage:
        tile = tiling.tile(*prepared.noisy.shape[:2])
        if tile:
            network = Tiled(network, tiling)
        level, part = {}, adapters.non_blind_part(network)
        if part and part.level == TRUE:
            if not isinstance(prepared.deviation, np.ndarray):
                return DenoisedImage(None, tile, reason=prepared.deviation or "")
            level["sigma"] = inference.to_batch(prepared.deviation).to(self.device)
        x = inference.to_batch(prepared.noisy)
        began = time.perf_counter()
        output = inference.denoise(network, x, [prepared.mask_key], self.device, **level)
        seconds = time.perf_counter() - began
        pixels = output[0].permute(1, 2, 0).numpy()
        return DenoisedImage(to_bytes(pixels) if rounded else pixels, tile, seconds)


def load(model: Model, device: torch.device, precision: str) -> nn.Module:
    """The network on the device, in a precision; a user-defined one is checked first. Raises BadInput."""
    network = model.checked(device)
    with as_bad_input(f"model {model.label}"):
        return precisions.cast(network, precision)
