"""A model and the layers of it that are looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from analysis import layers as naming
from analysis.capture import Capture, capture
from analysis.layers import Layer
from baselines.checkpoints import first_line
from bench.errors import BadInput
from bench.networks import adapters, cards
from bench.networks.mask_keys import keyed
from bench.networks.models import Model

TRACED_SIDE = 64
WRAPPERS = (adapters.PerChannel, adapters.RangeAdapter)  # their names are left out of the layers' names


@dataclass(frozen=True)
class Probe:
    """A model on a device with some of its layers, named as in its weights: noisy patches -> features of each layer."""

    model: Model
    network: nn.Module
    device: torch.device
    layers: tuple[str, ...]
    capture: Capture

    def __call__(self, noisy: Tensor, keys: Sequence[int]) -> dict[str, Tensor]:
        """(B, C, H, W) in [0, 1] and a key an image -> layer -> (B, D) on the device. Raises BadInput.

        A colour network gets a greyscale image three times.

        On a CPU the images run one by one, which is faster there, and needs the memory of one.
        """
        if noisy.shape[1] == 1 and self.model.channels == 3:
            noisy = adapters.replicated(noisy)
        step = 1 if self.device.type == "cpu" else len(noisy)
        tables: dict[str, Tensor] = {}
        for first in range(0, len(noisy), step):
            some = slice(first, first + step)
            with one_line_errors(self.model):
                taken = self.capture(noisy[some].to(self.device, copy=True), **keyed(self.network, keys[some]))
            for name, features in zip(self.layers, taken.values(), strict=True):
                if name not in tables:
                    tables[name] = features.new_empty(len(noisy), features.shape[1])
                tables[name][some] = features
        return tables


@contextmanager
def one_line_errors(model: Model, where: str = "") -> Iterator[None]:
    """Run a network inside it: whatever it raises becomes a BadInput of one line."""
    try:
        yield
    except ValueError as error:
        raise BadInput(f"model {model.label}: {error}") from error
    except Exception as error:  # a user's network may raise anything
        raise BadInput(f"model {model.label} fails{where} with {type(error).__name__}: {first_line(error)}") from error


def probe(model: Model, patterns: Sequence[str], device: torch.device) -> Probe:
    """The model with the layers that the patterns name, or its default ones where there are none. Raises BadInput."""
    network = model.checked(device)
    names = [layer.name for layer in chosen(model, network, trace(model, network), patterns)]
    return probe_of(model, network, device, names)


def deepest(model: Model, patterns: Sequence[str], device: torch.device) -> Probe:
    """The model with the last of those layers alone: what SRGA and the densities of features look at."""
    network = model.checked(device)
    return probe_of(model, network, device, [chosen(model, network, trace(model, network), patterns)[-1].name])


def probe_of(model: Model, network: nn.Module, device: torch.device, names: Sequence[str]) -> Probe:
    """A loaded model with the layers of these names."""
    prefix = _prefix(network)
    return Probe(model, network, device, tuple(names), capture(network, [prefix + name for name in names]))


def trace(model: Model, network: nn.Module, side: int = TRACED_SIDE) -> list[Layer]:
    """The layers that run on a colour image of side x side pixels, named without wrappers. Raises BadInput."""
    prefix = _prefix(network)
    device = next((parameter.device for parameter in network.parameters()), torch.device("cpu"))
    image = torch.linspace(0, 1, side, device=device).expand(1, 3, side, side).contiguous()
    with one_line_errors(model, f" on an image of {side}x{side} pixels"):
        found = naming.trace(network, image, **keyed(network, [0]))
    inner = [layer for layer in found if layer.path.startswith(prefix)]
    return [replace(layer, path=layer.path.removeprefix(prefix)) for layer in inner]


def chosen(model: Model, network: nn.Module, traced: list[Layer], patterns: Sequence[str]) -> list[Layer]:
    """The layers that patterns name; where there are none, those that the network's file states, or a guess.

    The guess, for a user's network, is its outermost modules that give features. Raises BadInput.
    """
    stated = cards.models()[model.name].get("LAYERS", ()) if not model.user_defined else ()
    prefix = _prefix(network)
    modules = {path.removeprefix(prefix) for path, _ in network.named_modules()}
    try:
        found = naming.choose(traced, patterns or stated, modules)
    except ValueError as error:
        raise BadInput(f"model {model.label}: {error} (bench models layers {model.source!r} lists them)") from error
    if not found:
        found = naming.stages(traced, (3, TRACED_SIDE, TRACED_SIDE))
    if not found:
        raise BadInput(f"model {model.label} has no layer to look at: no module inside it gives features")
    return found


def _prefix(network: nn.Module) -> str:
    """What stands before a layer's own name in a wrapped network."""
    prefix = ""
    while isinstance(network, WRAPPERS):
        prefix, network = prefix + "network.", network.network
    return prefix
