"""Models by spec: a network, its size, its weights.

`ours` is the shipped small network; `ours(size='full')` the published size, if its weights are here;
`dncnn(weights='file.pth')` a published checkpoint; `weights=None` an untrained network. Every other parameter is the
network's own, under its official name.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from baselines import checkpoints, recognition
from bench import adapters, cards, registry, spec, weights
from bench.errors import BadInput, unknown
from bench.weights import DEFAULT


@dataclass(frozen=True)
class Model:
    """What a model spec means: everything that determines the numbers, and what a reader wants to know.

    label         canonical spec
    source        name of the network as it was written: `path/to/file.py:Net`
    weights       name of a card, of a file, or 'none'
    weights_hash  SHA-256 of the weights' file, '' for an untrained network; of a user's network, of its source too
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

    @property
    def outside(self) -> bool:
        """Whether the network is a user's, not one of this installation."""
        return self.source not in cards.models()

    def load(self, device: str | torch.device = "cpu") -> nn.Module:
        """The network in eval mode on a device. Raises BadInput if the weights do not fit it."""
        try:
            network = initialized(self.factory, self.parameters, seed=0)
            if self.file is not None:
                recognition.fill(network, checkpoints.read_weights(self.file), self.file.name)
            if not self.outside:
                network = adapters.adapt(network, {**recognition.defaults(self.factory), **self.parameters})
        except (ValueError, TypeError) as error:
            raise BadInput(f"model {self.label}: {error}") from error
        if not isinstance(network, nn.Module):
            raise BadInput(
                f"model {self.label} makes an object of type {type(network).__name__}, wanted a torch.nn.Module"
            )
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
    bound = spec.bind(parsed, {**common, **own} if sizes else {**own, **common}, "model")
    given = {name: bound[name] for name in own if name in bound}  # in the order of the network's own
    chosen = bound.get("weights", DEFAULT) if "weights" in common else DEFAULT
    found = weights.NONE if chosen == DEFAULT else weights.find(chosen, parsed.name)
    size = found.card.get("size", "full") if sizes and found.kind in ("file", "imported") else default_size
    size = bound.get("size", size) if "size" in common else size
    if sizes and size not in sizes:
        raise unknown(f"size of {parsed.name}", str(size), sizes)
    if chosen == DEFAULT and sizes:
        found = weights.shipped_default(parsed.name, size)
    base = {**sizes.get(size, {}), **(found.network if found.kind != "imported" else {})}
    defaults = {**{n: p.default for n, p in own.items()}, **base, "size": "small", "weights": DEFAULT}
    shown = {"size": size, "weights": chosen if chosen in (DEFAULT, None) else found.name}
    name = parsed.name if sizes else parsed.name.rpartition(":")[2]

    def label(values: dict) -> str:
        ordered = {key: values[key] for key in own if key in values}
        return spec.canonical(name, {**{key: shown[key] for key in common}, **ordered}, defaults)

    try:
        given = {**_sizes_of(found, parsed.name), **given} if sizes else given
    except ValueError as error:
        raise BadInput(f"model {label(given)}: {error}") from error
    return Model(
        label=label(given),
        name=name,
        source=parsed.name,
        size=size,
        weights=found.name,
        weights_hash=found.hash if sizes else _source_hash(parsed.name, factory, found.hash),
        factory=factory,
        parameters={**base, **given},
        file=found.file,
        card=found.card,
        title=constants["TITLE"],
        paper=constants["PAPER"],
        licence=constants["LICENCE"],
    )


def _source_hash(name: str, factory: Callable, weights_hash: str) -> str:
    """SHA-256 of a user's source file and weights: rows of an edited network are other rows."""
    try:
        place = name.rpartition(":")[0]
        file = place if place.endswith(".py") else inspect.getsourcefile(inspect.unwrap(factory))
        source = Path(file).read_bytes()
    except (TypeError, OSError):  # made in a session, or compiled: nothing to read
        return weights_hash
    return hashlib.sha256(source + weights_hash.encode()).hexdigest()


def _sizes_of(found: weights.Weights, name: str) -> dict[str, Any]:
    """The network's parameters that weights without a card in this installation show. Raises ValueError."""
    if found.kind == "file" and not found.card:
        tensors = checkpoints.read_weights(found.file)
        return recognition.infer(import_module(f"baselines.{name}"), tensors) or {}
    return found.network if found.kind == "imported" else {}


def _size_and_weights() -> dict[str, inspect.Parameter]:
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return {name: inspect.Parameter(name, kind, default=DEFAULT) for name in ("size", "weights")}


def initialized(factory: Callable, parameters: dict[str, Any], seed: int) -> nn.Module:
    """A network whose random start depends on the seed alone; torch's own stream is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return factory(**parameters)


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
