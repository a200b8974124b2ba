"""The networks of a plan on a device, and one of them on one noisy image."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from baselines.checkpoints import first_line
from bench.environment import is_out_of_memory
from bench.errors import as_bad_input
from bench.evaluation.prepare import PreparedImage
from bench.networks import adapters, precisions
from bench.networks.mask_keys import keyed
from bench.networks.model import Model
from bench.networks.tiles import Tiled
from bench.networks.tiling import Tiling
from bench.protocols import to_bytes
from bench.runs.plan import Plan


@dataclass(frozen=True)
class DenoisedImage:
    """What a network made of an image: 8 bits, of its shape, and its seconds; or the reason why it made nothing.

    tile  the side of the tile it was made in, 0 for the whole image
    """

    pixels: np.ndarray | None
    tile: int
    seconds: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Networks:
    """The models of a plan, loaded once; they are in its order. `channels`: `Model.channels` of each."""

    networks: tuple[nn.Module, ...]
    channels: tuple[int | None, ...]
    tilings: tuple[Tiling, ...]
    device: torch.device

    @classmethod
    def of(cls, plan: Plan, device: torch.device) -> Networks:
        """Raises BadInput where weights do not fit, or a network from outside does not do what it has to."""
        networks = tuple(load(model, device, plan.precision) for model in plan.models)
        return cls(networks, tuple(model.channels for model in plan.models), plan.tilings, device)

    def denoise(self, place: int, prepared: PreparedImage, smaller: int = 0) -> DenoisedImage:
        """Run the model at a place on a noisy image; where memory does not suffice, in smaller and smaller tiles.

        `smaller`: how many times the tile is to be smaller than planned from the start.
        """
        *size, channels = prepared.noisy.shape
        network = adapters.for_image(self.networks[place], self.channels[place], channels)
        tiling, problem = self.tilings[place].smaller(*size, smaller), "out of memory"
        while tiling is not None:
            try:
                return self._denoise(network, prepared, tiling)
            except (Exception, SystemExit) as error:  # a network, perhaps a user's, may raise anything: the row says it
                problem = first_line(error)
                if not is_out_of_memory(error):
                    return DenoisedImage(None, tiling.tile(*size), reason=problem)
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
            tiling = tiling.smaller(*size)
        return DenoisedImage(None, self.tilings[place].tile(*size), reason=problem)

    def _denoise(self, network: nn.Module, prepared: PreparedImage, tiling: Tiling) -> DenoisedImage:
        tile = tiling.tile(*prepared.noisy.shape[:2])
        if tile:
            network = Tiled(network, tiling)
        x = torch.from_numpy(prepared.noisy).permute(2, 0, 1)[None].contiguous()  # (1, C, H, W)
        began = time.perf_counter()
        with torch.inference_mode():
            y = network(x.to(self.device, copy=True), **keyed(network, [prepared.mask_key]))[0].float().cpu()
        seconds = time.perf_counter() - began
        if y.shape != x.shape[1:]:
            raise ValueError(f"the output has shape {tuple(y.shape)}, wanted {tuple(x.shape[1:])}")
        if not torch.isfinite(y).all():
            raise ValueError("the output has values that are not finite")
        return DenoisedImage(to_bytes(y.permute(1, 2, 0).numpy()), tile, seconds)


def load(model: Model, device: torch.device, precision: str) -> nn.Module:
    """The network on the device, in a precision; one from outside is tried first. Raises BadInput."""
    network = model.checked(device)
    with as_bad_input(f"model {model.label}"):
        return precisions.cast(network, precision)
