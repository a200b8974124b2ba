"""Models by spec: a network, its size, its weights.

`ours` is the shipped small network; `ours(size='full')` the published size, if its weights are here;
`dncnn(weights='file.pth')` a published checkpoint; `weights=None` an untrained network. Every other parameter is the
network's own, under its official name.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from inspect import Parameter
from types import ModuleType
from typing import Any

import torch
from torch import nn

from baselines import classical, recognition
from bench import registry, spec
from bench.errors import BadInput, told, unknown
from bench.networks import cards, cost, groups, identity, misnamed, weights
from bench.networks.model import Model
from bench.networks.weights import DEFAULT, Weights
from bench.noise import training_noise

SIZE = {"size": Parameter("size", Parameter.POSITIONAL_OR_KEYWORD, default=DEFAULT)}
WEIGHTS = {"weights": Parameter("weights", Parameter.POSITIONAL_OR_KEYWORD, default=DEFAULT),
           "part": Parameter("part", Parameter.KEYWORD_ONLY, default="")}  # fmt: skip
OF_INPUT = (*recognition.CHANNELS, "in_channels")  # names of the number of input channels in users' networks
OF_TABLES = ("noisy", "clean")  # what tables and pages call the images themselves


def resolve(text: str, default_size: str = "small") -> Model:
    """The model that a spec names, not loaded. Raises BadInput for what is unknown, has no weights or no sense."""
    if advice := misnamed.advice(text):
        raise BadInput(advice)
    parsed = groups.parse(text)
    if parsed.name in cards.networks():
        return _network(parsed, default_size)
    return _classical(parsed) if parsed.name in cards.classical() else _outside(parsed)


def _network(parsed: spec.Spec, default_size: str) -> Model:
    """A network of this installation: its size's parameters, over them its weights', over them the spec's."""
    name, module = parsed.name, import_module(f"baselines.{parsed.name}")
    own = spec.parameters_of(module.network)
    given = _bind(parsed, {**SIZE, **WEIGHTS, **own})
    chosen = given.pop("weights", DEFAULT)
    part = given.pop("part", "")
    found = None if chosen == DEFAULT else weights.find(chosen, name)
    if part:
        found = weights.with_part(found or weights.NONE, part)
    size = given.pop("size", found.size(default_size) if found else default_size)
    if size not in tuple(module.SIZES):
        if isinstance(size, str) and misnamed.is_weights(size):
            raise BadInput(f"size of {name} is {size!r}, which is weights: write {name}(weights='{size}')")
        raise unknown(f"size of {name}", str(size), module.SIZES)
    found = found or weights.shipped_default(name, size)
    usual = {**{key: parameter.default for key, parameter in own.items()}, **module.SIZES[size]}

    def label(known: Mapping[str, Any], unsaid: Mapping[str, Any]) -> str:
        shown = None if chosen is None else DEFAULT if found.is_default(size) else found.name
        ordered = {key: known[key] for key in own if key in known}
        defaults = {**usual, **unsaid, "size": "small", "weights": DEFAULT, "part": ""}
        return spec.canonical(name, {"size": size, "weights": shown, "part": found.part, **ordered}, defaults)

    try:
        of_weights = found.network
        identity = _identity(found, {key: v for key, v in of_weights.items() if usual.get(key) != v}, module)
    except ValueError as error:
        raise BadInput(f"model {label(given, {})}: {error}") from error
    parameters = {**module.SIZES[size], **of_weights, **given}
    model = Model(
        label=label(parameters, of_weights if found.told_by_name else {}),
        name=name,
        source=name,
        size=size,
        weights_hash=identity,
        factory=module.network,
        parameters=parameters,
        found=found,
        title=module.TITLE,
        paper=module.PAPER,
        licence=module.LICENCE,
    )
    if given:
        with torch.device("meta"):  # refuses parameters that make no network, and allocates nothing
            model.untrained()
    return model


def _identity(found: Weights, unusual: dict[str, Any], module: ModuleType) -> str:
    """SHA-256 of the weights' file, and of what neither it nor the label tells: `unusual` parameters of its card."""
    if found.told_by_name and unusual:
        of_tensors = recognition.infer(module, found.tensors) or {}
        hidden = {key: unusual[key] for key in sorted(unusual) if of_tensors.get(key) != unusual[key]}
        if hidden:
            return hashlib.sha256(spec.canonical(found.hash, hidden, {}).encode()).hexdigest()
    return found.identity


def _classical(parsed: spec.Spec) -> Model:
    """A method without training: it has neither sizes nor weights, and its numbers are those of its libraries."""
    name, module = parsed.name, import_module(f"baselines.{parsed.name}")
    versions = cards.versions(module.LIBRARIES)
    if missing := cards.missing(module.LIBRARIES):
        raise BadInput(
            f"model {name!r} needs the package {missing}, which is not installed: pip install {missing} "
            f"(licence: {module.LICENCE})"
        )
    own = spec.parameters_of(module.network)
    defaults = {key: parameter.default for key, parameter in own.items()}
    parameters = {**defaults, **_bind(parsed, own)}
    level = getattr(module, "describe_level", classical.describe_level)(**parameters)
    card = {"model": name, "parameters": 0, "libraries": versions, "noise_level": level}
    return Model(
        label=spec.canonical(name, parameters, defaults),
        name=name,
        source=name,
        size="-",
        weights_hash=hashlib.sha256(repr(versions).encode()).hexdigest(),
        factory=module.network,
        parameters=parameters,
        found=Weights("none needed", model=name, card=card),
        title=module.TITLE,
        paper=module.PAPER,
        licence=module.LICENCE,
    )


def _outside(parsed: spec.Spec) -> Model:
    """A network of a user's file or of another package; `weights` may name a file that fills it."""
    if parsed.name in groups.GROUPS:
        raise BadInput(f"{parsed.name!r} is a group of models, wanted one: {', '.join(groups.specs(parsed.name))}")
    parsed = replace(parsed, name=os.path.expanduser(parsed.name))
    factory = registry.outside("model", parsed.name)
    if factory is None:
        raise unknown("model", parsed.name, [*cards.names(), *groups.ALIASES, *groups.GROUPS])
    if not callable(factory):
        kind = type(factory).__name__
        raise BadInput(f"{parsed.name} is of type {kind}, wanted a class or function that makes a network")
    name = parsed.name.rpartition(":")[2]
    if name in OF_TABLES:
        raise BadInput(f"{parsed.name}: {name!r} is what tables call the {name} image: give the network another name")
    try:
        own = spec.parameters_of(factory)
    except ValueError as error:  # of some compiled functions
        raise BadInput(f"{parsed.name} does not tell its parameters by name: {error}") from error
    others = spec.takes_others(factory)
    given = _bind(parsed, {**own, **{key: value for key, value in WEIGHTS.items() if key not in own}}, others)
    chosen = None if "weights" in own else given.pop("weights", None)
    part = "" if "part" in own else given.pop("part", "")
    found = weights.NONE if chosen in (None, DEFAULT) else weights.find(chosen, name)
    if part:
        found = weights.with_part(found, part)
    of_card = found.network if found.card else {}
    given = {**{key: value for key, value in of_card.items() if key in own or others}, **given}
    ordered = {key: given[key] for key in [*own, *sorted(given.keys() - own.keys())] if key in given}
    shown = {} if found is weights.NONE else {"weights": found.name, **({"part": found.part} if found.part else {})}
    model = Model(
        label=spec.canonical(name, {**shown, **ordered}, {key: parameter.default for key, parameter in own.items()}),
        name=name,
        source=parsed.name,
        size="own",
        weights_hash="",
        factory=factory,
        parameters=given,
        found=found,
        title=parsed.name,
        paper="",
        licence="of its owners",
    )
    network = model.untrained()
    with told(f"model {model.label}"), model.running():
        source = identity.source_hash(parsed.name, factory, found.identity)
        tensors = identity.tensors_hash(network)  # a constructor may have read weights of its own
        stated = cost.stated(type(network))
    defaults = {key: parameter.default for key, parameter in own.items()}
    if any({**defaults, **given}.get(name) == 1 for name in OF_INPUT):
        stated = {**stated, "channels": 1}
    known = hashlib.sha256(f"{source} {tensors}".encode()).hexdigest() if tensors else source
    if "trained_on" not in found.card and (of_class := getattr(factory, "trained_on", "")):
        with told(f"model {name}: trained_on of its class"):
            specs = training_noise.parse(of_class).specs
        found = replace(found, card={**found.card, "trained_on": {"noise": specs}})
    return replace(model, weights_hash=known, source_hash=source, stated=stated, found=found)


def _bind(parsed: spec.Spec, parameters: Mapping[str, Parameter], others: bool = False) -> dict[str, Any]:
    """The parameters that a spec gives, by name; whole numbers where the defaults are. Raises BadInput."""
    given = spec.bind(parsed, parameters, "model", others)
    for key, value in given.items():
        if isinstance(value, spec.Spec):
            came = spec.format_value(value)
            raise BadInput(f"{key} of {parsed.name} is {came}, wanted a number, or text in quotes: {key}='{came}'")
    defaults = {key: parameter.default for key, parameter in parameters.items()}
    return {key: spec.like(defaults.get(key), value) for key, value in given.items()}


def load_model(text: str, device: str | torch.device = "cpu") -> nn.Module:
    """The network that a spec names, in eval mode: (B, 3, H, W) in [0, 1] -> the same."""
    return resolve(text).load(device)


def expand(text: str, size: str = "small") -> tuple[list[Model], list[str]]:
    """The models of a list of specs and groups, each once, and one sentence for each that a group had to leave out."""
    chosen, left_out = [], {}
    for part in spec.split(text):
        if part not in groups.GROUPS:
            chosen.append(resolve(part, size))
            continue
        for member in groups.specs(part):
            if lack := groups.lack(member, size):
                left_out.setdefault(member, f"{member}: {lack}, so it was left out of `{part}`")
            else:
                chosen.append(resolve(member, size))
    if not chosen:
        reasons = "; ".join(left_out.values()) or "write --models all, or names such as ours,baseline"
        raise BadInput(f"no model to run: {reasons}")
    return refuse_namesakes(chosen), list(left_out.values())


def refuse_namesakes(chosen: Sequence[Model]) -> list[Model]:
    """The models, each once. Raises BadInput for two that differ and would have one name."""
    unique: dict[str, Model] = {}
    for model in chosen:
        first = unique.setdefault(model.label, model)
        if (first.weights_hash, first.source) != (model.weights_hash, model.source):
            raise BadInput(f"two files are both called {model.label}: rename one of them")
    return list(unique.values())
