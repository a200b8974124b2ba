"""Models by spec: a network, its size, its weights.

`ours` is the shipped small network; `ours(size='full')` the published size, if its weights are here;
`dncnn(weights='file.pth')` a published checkpoint; `weights=None` an untrained network. Every other parameter is the
network's own, under its official name.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from baselines import checkpoints
from bench import cards, registry, spec
from bench.errors import BadInput, unknown

DEFAULT = "default"  # the shipped weights of the size


@dataclass(frozen=True)
class Model:
    """What a model spec means: everything that determines the numbers, and what a reader wants to know.

    label         canonical spec
    source        name of the network as it was written: `path/to/file.py:Net`
    weights       name of a card, of a file, or 'none'
    weights_hash  SHA-256 of the weights' file, '' for an untrained network
    """

    label: str
    name: str
    source: str
    size: str
    weights: str
    weights_hash: str
    factory: Callable[..., nn.Module]
    parameters: dict[str, Any]
    file: Path | None
    card: dict[str, Any]
    title: str
    paper: str
    licence: str

    def load(self, device: str | torch.device = "cpu") -> nn.Module:
        """The network in eval mode on a device. Raises BadInput if the weights do not fit it."""
        try:
            network = self.factory(**self.parameters)
            if self.file is not None:
                checkpoints.load_strictly(network, checkpoints.read_weights(self.file), self.file.name)
        except (ValueError, TypeError) as error:
            raise BadInput(f"model {self.label}: {error}") from error
        return network.to(device).eval()


def resolve(text: str, default_size: str = "small") -> Model:
    """The model that a spec names, without making it. Raises BadInput for what is unknown or has no weights."""
    parsed = spec.parse(text)
    if parsed.name in cards.models():
        module = import_module(f"baselines.{parsed.name}")
        constants = {key: getattr(module, key) for key in ("TITLE", "PAPER", "LICENCE")}
        return _resolve(parsed, module.network, module.SIZES, constants, default_size)
    factory = registry.outside("model", parsed.name)
    if factory is None:
        raise unknown("model", parsed.name, cards.names())
    if not callable(factory):
        raise BadInput(f"{parsed.name} is a {type(factory).__name__}, wanted a class or function that makes a network")
    constants = {"TITLE": parsed.name, "PAPER": "", "LICENCE": "of its owners"}
    return _resolve(parsed, factory, {}, constants, "own")


def _resolve(parsed: spec.Spec, factory, sizes: dict, constants: dict, default_size: str) -> Model:
    own = spec.parameters_of(factory)
    common = {n: p for n, p in _size_and_weights().items() if n not in own and (sizes or n == "weights")}
    parameters = {**common, **own} if sizes else {**own, **common}
    bound = spec.bind(parsed, parameters, "model")
    given = {name: bound[name] for name in own if name in bound}  # in the order of the network's own
    chosen = bound.get("weights", DEFAULT) if "weights" in common else DEFAULT
    if chosen is not None and (not isinstance(chosen, str) or Path(chosen).name == ""):
        came = spec.format_value(chosen)
        raise BadInput(f"weights of {parsed.name} is {came}, wanted a file or a card's name in quotes, or None")
    brought = chosen not in (None, DEFAULT) and cards.card(str(chosen)) is None  # a file of the user's
    card = _card_beside(Path(chosen)) if brought else {}
    size = card.get("size", "full") if brought and sizes else default_size
    size = bound.get("size", size) if "size" in common else size
    if sizes and size not in sizes:
        raise unknown(f"size of {parsed.name}", str(size), sizes)
    if chosen is not None and not brought:
        card = cards.card(f"{parsed.name}-{size}" if chosen == DEFAULT else str(chosen)) or {}
    if card.get("model", parsed.name) != parsed.name:
        raise BadInput(f"the weights {chosen!r} are of {card['model']!r}, not of {parsed.name!r}")
    file = _weights_file(parsed.name, size, chosen, card, brought, ships_sizes=bool(sizes))
    base = {**sizes.get(size, {}), **card.get("network", {})}
    weights = "none" if file is None else file.name if brought else card["name"]
    defaults = {**{n: p.default for n, p in own.items()}, **base, "size": "small", "weights": DEFAULT}
    shown = {"size": size, "weights": chosen if chosen in (DEFAULT, None) else weights}
    shown = {**{n: shown[n] for n in common}, **given}
    name = parsed.name if sizes else parsed.name.rpartition(":")[2]
    return Model(
        label=spec.canonical(name, shown, defaults),
        name=name,
        source=parsed.name,
        size=size,
        weights=weights,
        weights_hash=checkpoints.file_hash(file) if file else "",
        factory=factory,
        parameters={**base, **given},
        file=file,
        card=card,
        title=constants["TITLE"],
        paper=constants["PAPER"],
        licence=constants["LICENCE"],
    )


def _size_and_weights() -> dict[str, inspect.Parameter]:
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return {name: inspect.Parameter(name, kind, default=DEFAULT) for name in ("size", "weights")}


def _card_beside(file: Path) -> dict[str, Any]:
    """The card that `bench train` put beside a weights' file; empty where there is none."""
    path = file.with_suffix(".json")
    try:
        card = json.loads(path.read_text()) if file.suffix == ".safetensors" and path.is_file() else {}
    except ValueError:
        return {}
    return card if isinstance(card, dict) and "model" in card else {}  # another program's file is none


def _weights_file(
    name: str, size: str, chosen: str | None, card: dict, brought: bool, ships_sizes: bool
) -> Path | None:
    """The file of the weights, None for an untrained network or a user's model that brings its own."""
    if chosen is None or (chosen == DEFAULT and not ships_sizes):
        return None
    if brought:
        if not Path(chosen).is_file():
            raise BadInput(f"{chosen!r} is neither a file nor one of the shipped weights: {', '.join(cards.cards())}")
        return Path(chosen)
    if card:
        return cards.weights_folder() / f"{card['name']}.safetensors"
    raise BadInput(
        f"model {name!r} of size {size!r} has no weights here: train them (bench train {name}), name a file "
        f"({name}(weights='file.pth')), or ask for an untrained network ({name}(weights=None))"
    )


def load_model(text: str, device: str | torch.device = "cpu") -> nn.Module:
    """The network that a spec names, in eval mode: (B, 3, H, W) in [0, 1] -> the same."""
    return resolve(text).load(device)


def expand(text: str, size: str = "small") -> tuple[list[Model], list[str]]:
    """The models of a list of specs, and one sentence for each that `all` had to leave out."""
    chosen, left_out = [], []
    for part in spec.split(text):
        if part != "all":
            chosen.append(resolve(part, size))
            continue
        for name in cards.PAPER_MODELS:
            if cards.card(f"{name}-{size}"):
                chosen.append(resolve(name, size))
            else:
                left_out.append(f"{name}: no weights of size {size!r} are here, so it was left out of `all`")
    if not chosen:
        reasons = "; ".join(left_out) or "write --models all, or names such as ours,baseline"
        raise BadInput(f"no model to run: {reasons}")
    unique: dict[str, Model] = {}
    for model in chosen:
        first = unique.setdefault(model.label, model)
        if (first.weights_hash, first.source) != (model.weights_hash, model.source):
            raise BadInput(f"two files are both called {model.label}: rename one of them")
    return list(unique.values()), left_out


def count_parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
