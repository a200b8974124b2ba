"""Feature extraction: a model with the layers whose output is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from analysis import layers as naming
from analysis.capture import Capture, capture
from analysis.layers import LayerRun
from baselines.layers.wrapper import Wrapper
from bench.core.errors import BadInput, as_bad_input
from bench.models import adapters, cards
from bench.models.mask_keys import keyed
from bench.models.model_specs import Model

TRACED_SIDE = 64
WRAPPERS = (
    adapters.PerChannel,
    adapters.RangeAdapter,
    adapters.NonBlind,
    adapters.LevelOfInput,
    Wrapper,
)  # their names are not a part of the layers' names


@dataclass(frozen=True, eq=False)
class FeatureExtractor:
    """A model on a device with some of its layers, named as in its weights."""

    model: Model
    network: nn.Module
    device: torch.device
    layers: tuple[str, ...]
    capture: Capture

    def __call__(self, noisy: Tensor, keys: Sequence[int]) -> dict[str, Tensor]:
        """Images (B, C, H, W) in [0, 1], with one key per image -> features (B, D) by layer, on the device.

        A colour network gets a greyscale image in all three channels.

        On a CPU the images run one by one, which is faster there. Raises BadInput for whatever the network raises.
        """
        if noisy.shape[1] == 1 and self.model.channels == 3:
            noisy = adapters.replicated(noisy)
        step = 1 if self.device.type == "cpu" else len(noisy)
        tables: dict[str, Tensor] = {}
        for first in range(0, len(noisy), step):
            part = slice(first, first + step)
            with as_bad_input(f"model {self.model.label}"):
                captured = self.capture(noisy[part].to(self.device, copy=True), **keyed(self.network, keys[part]))
            for name, features in zip(self.layers, captured.values(), strict=True):
                if name not in tables:
                    tables[name] = features.new_empty(len(noisy), features.shape[1])
                tables[name][part] = features
        return tables


def feature_extractor(model: Model, patterns: Sequence[str], device: torch.device) -> FeatureExtractor:
    """The model with the layers that match the patterns; without patterns, its default layers. Raises BadInput."""
    network = model.checked(device)
    names = [layer.name for layer in choose(model, network, trace(model, network), patterns)]
    return extractor_of(model, network, device, names)


def deepest(model: Model, patterns: Sequence[str], device: torch.device) -> FeatureExtractor:
    """The same with the last of these layers alone, whose features `srga` and `features` compare. Raises BadInput."""
    every = feature_extractor(model, patterns, device)
    return extractor_of(model, every.network, device, every.layers[-1:])


def extractor_of(model: Model, network: nn.Module, device: torch.device, names: Sequence[str]) -> FeatureExtractor:
    """A loaded model with the layers of these names."""
    prefix = _prefix(network)
    return FeatureExtractor(model, network, device, tuple(names), capture(network, [prefix + name for name in names]))


def trace(model: Model, network: nn.Module, side: int = TRACED_SIDE) -> list[LayerRun]:
    """The layers that run on a colour image of `side` x `side` pixels, named without wrappers. Raises BadInput."""
    prefix = _prefix(network)
    device = next((parameter.device for parameter in network.parameters()), torch.device("cpu"))
    image = torch.linspace(0, 1, side, device=device).expand(1, 3, side, side).contiguous()
    with as_bad_input(f"model {model.label} on an image of {side}x{side} pixels"):
        traced = naming.trace(network, image, **keyed(network, [0]))
    inner = [layer for layer in traced if layer.path.startswith(prefix)]
    return [replace(layer, path=layer.path.removeprefix(prefix)) for layer in inner]


def choose(model: Model, network: nn.Module, traced: list[LayerRun], patterns: Sequence[str]) -> list[LayerRun]:
    """The layers that match the patterns; without patterns, the constant LAYERS of the network's file.

    For a user-defined network without patterns: its outermost modules with features. Raises BadInput.
    """
    stated = cards.models()[model.name].get("LAYERS", ()) if not model.user_defined else ()
    prefix = _prefix(network)
    modules = {path.removeprefix(prefix) for path, _ in network.named_modules()}
    try:
        layers = naming.choose(traced, patterns or stated, modules)
    except ValueError as error:
        raise BadInput(f"model {model.label}: {error} (bench models layers {model.source!r} lists them)") from error
    layers = layers or naming.stages(traced, (3, TRACED_SIDE, TRACED_SIDE))
    if not layers:
        raise BadInput(f"model {model.label}: expected modules with features, got none: it has no layer to analyse")
    return layers


def _prefix(network: nn.Module) -> str:
    """Prefix of the layers' names in a wrapped network."""
    prefix = ""
    while isinstance(network, WRAPPERS):
        prefix, network = prefix + "network.", network.network
    return prefix
