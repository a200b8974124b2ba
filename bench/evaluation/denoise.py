"""The networks of a plan on a device, and one of them on one noisy image."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from baselines.checkpoints import first_line
from bench import contract, precisions
from bench.evaluation.prepare import Prepared
from bench.model import Model
from bench.plan import Plan
from bench.protocols import to_bytes
from bench.tiles import Tiled
from bench.tiling import Tiling


@dataclass(frozen=True)
class Output:
    """What a network made of an image: 8 bits (H, W, 3) and its seconds; or the reason why it made nothing."""

    pixels: np.ndarray | None
    seconds: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Networks:
    """The models of a plan, loaded once; they are in its order."""

    networks: tuple[nn.Module, ...]
    tilings: tuple[Tiling, ...]
    device: torch.device

    @classmethod
    def of(cls, plan: Plan, device: torch.device) -> Networks:
        """Raises BadInput where weights do not fit, or a network from outside does not do what it has to."""
        return cls(tuple(load(model, device, plan.precision) for model in plan.models), plan.tilings, device)

    def tile(self, place: int, prepared: Prepared) -> int:
        """The side of the tile that a model takes an image in, 0 where it takes it whole."""
        return self.tilings[place].tile(*prepared.noisy.shape[:2])

    def denoise(self, place: int, prepared: Prepared) -> Output:
        """Run the model at a place on a noisy image."""
        network, tiling = self.networks[place], self.tilings[place]
        if self.tile(place, prepared):
            network = Tiled(network, tiling)
        keys = {"keys": [prepared.mask_key]} if getattr(network, "takes_keys", False) else {}
        x = torch.from_numpy(prepared.noisy).permute(2, 0, 1)[None].contiguous()  # (1, C, H, W)
        began = time.perf_counter()
        try:
            with torch.inference_mode():
                y = network(x.to(self.device, copy=True), **keys)[0].float().cpu()
            seconds = time.perf_counter() - began
            if y.shape != x.shape[1:]:
                raise ValueError(f"the output has shape {tuple(y.shape)}, wanted {tuple(x.shape[1:])}")
            if not torch.isfinite(y).all():
                raise ValueError("the output has values that are not finite")
            return Output(to_bytes(y.permute(1, 2, 0).numpy()), seconds)
        except (Exception, SystemExit) as error:  # a network, perhaps a user's, may raise anything: the row says what
            return Output(None, reason=first_line(error))


def load(model: Model, device: torch.device, precision: str) -> nn.Module:
    """The network on the device, in a precision; one from outside is tried first. Raises BadInput."""
    network = model.load(device)
    if model.outside:
        contract.check(network, model.label, device)
    return precisions.cast(network, precision)
