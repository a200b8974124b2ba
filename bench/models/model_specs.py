"""Models by spec: a network, its size, its weights.

`ours` is the shipped small network, `ours(size='full')` the published size (if its weights are available),
`dncnn(weights='file.pth')` a published checkpoint, `weights=None` an untrained network. All other parameters are those
of the network, under their official names.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from inspect import Parameter
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from baselines.layers import classical, non_blind
from baselines.weights_io import recognition
from bench import registry, spec
from bench.core import source_fingerprint
from bench.core.errors import BadInput, as_bad_input, shortened, unknown
from bench.models import (
    cards,
    complexity,
    display_names,
    groups,
    misplaced_weights,
    object_models,
    tensor_fingerprint,
    weights,
)
from bench.models.model import Model
from bench.models.weights import DEFAULT, Weights
from bench.noise import training_noise

SIZE_PARAMETER = {"size": Parameter("size", Parameter.POSITIONAL_OR_KEYWORD, default=DEFAULT)}
WEIGHTS_PARAMETERS = {
    "weights": Parameter("weights", Parameter.POSITIONAL_OR_KEYWORD, default=DEFAULT),
    "part": Parameter("part", Parameter.KEYWORD_ONLY, default=""),
}
LEVEL_PARAMETER = {"level": Parameter("level", Parameter.KEYWORD_ONLY, default=classical.ESTIMATED)}
INPUT_CHANNEL_NAMES = (
    *recognition.INPUT_CHANNEL_NAMES,
    "in_channels",
)  # in user-defined networks

ModelObject = nn.Module | Callable[[torch.Tensor], torch.Tensor]
GivenModels = str | ModelObject | Mapping[str, Any] | Iterable[Any]

MAX_INTEGER = 16_384  # of a parameter of a network of this installation: layers, channels, heads, ...
MAX_PARAMETERS = 10_000_000_000  # 40 GB


def resolve(text: str, default_size: str = "small") -> Model:
    """The model of a spec, not loaded. Raises BadInput for an unknown name, missing weights or wrong parameters."""
    if advice := misplaced_weights.advice(text):
        raise BadInput(advice)
    parsed = groups.parse(text)
    if parsed.name in cards.networks():
        model = _network(parsed, default_size)
    else:
        model = _classical(parsed) if parsed.name in cards.classical() else _user_defined(parsed)
    return replace(model, request=(text, default_size))


def _network(parsed: spec.Spec, default_size: str) -> Model:
    """A network of this installation. The spec's parameters override those of its weights, and these its size's."""
    name, module = parsed.name, import_module(f"baselines.{parsed.name}")
    own = spec.parameters_of(module.network)
    of_level = LEVEL_PARAMETER if non_blind.level_argument(module.network) else {}
    given = _bind(parsed, {**SIZE_PARAMETER, **WEIGHTS_PARAMETERS, **own, **of_level})
    level = _level(name, given.pop("level", classical.ESTIMATED)) if of_level else None
    chosen = given.pop("weights", DEFAULT)
    part = given.pop("part", "")
    found = None if chosen == DEFAULT else weights.find(chosen, name)
    if part:
        found = weights.with_part(found or weights.NONE, part)
    size = given.pop("size", found.size(default_size) if found else default_size)
    if size not in tuple(module.SIZES):
        if isinstance(size, str) and misplaced_weights.is_weights(size):
            raise BadInput(
                f"size of {name}: expected {' or '.join(module.SIZES)}, got the weights {size!r}: write "
                f"{name}(weights='{size}')"
            )
        raise unknown(f"size of {name}", str(size), module.SIZES)
    found = found or weights.shipped_default(name, size)
    usual = {**{key: parameter.default for key, parameter in own.items()}, **module.SIZES[size]}

    def label(known: Mapping[str, Any], unsaid: Mapping[str, Any]) -> str:
        shown = None if chosen is None else DEFAULT if found.is_default(size) else found.name
        ordered = {key: known[key] for key in own if key in known}
        defaults = {**usual, **unsaid, "size": "small", "weights": DEFAULT, "part": "", "level": classical.ESTIMATED}
        of_level = {} if level is None else {"level": level}
        return spec.canonical(
            name, {"size": size, "weights": shown, "part": found.part, **ordered, **of_level}, defaults
        )

    try:
        of_weights = found.network
        identity = _identity(found, {key: v for key, v in of_weights.items() if usual.get(key) != v}, module)
    except ValueError as error:
        raise BadInput(f"model {label(given, {})}: {error}") from error
    parameters = {**module.SIZES[size], **of_weights, **given}
    model = Model(
        label=label(parameters, of_weights if found.implied_by_name else {}),
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
    model = _with_level(model, level)
    if given:
        _check_integers(name, given)
        with torch.device("meta"):  # checks the parameters without allocating memory
            count = sum(tensor.numel() for tensor in model.untrained().parameters())
        if count > MAX_PARAMETERS:
            raise BadInput(f"model {model.label}: expected at most {MAX_PARAMETERS:,} parameters, got {count:,}")
    return model


def _check_integers(name: str, given: Mapping[str, Any]) -> None:
    """Raises BadInput for a number of layers or channels that would take hours to construct."""
    for parameter, value in given.items():
        for number in value if isinstance(value, (tuple, list)) else [value]:
            if isinstance(number, int) and abs(number) > MAX_INTEGER:
                raise BadInput(f"model {name}: {parameter}: expected at most {MAX_INTEGER}, got {shortened(number)}")


def _level(name: str, value: Any) -> non_blind.Level:
    """The noise level of a spec of a non-blind network. Raises BadInput."""
    try:
        return non_blind.check_level(value)
    except ValueError as error:
        raise BadInput(f"model {name}: {error}") from error


def _with_level(model: Model, level: non_blind.Level | None) -> Model:
    """A non-blind model with its noise level. None: a blind model, unchanged.

    Estimates depend on PyWavelets, whose version becomes part of the row key.
    """
    if level is None:
        return model
    if level == classical.ESTIMATED:
        identity = f"{model.weights_hash} {cards.versions(['PyWavelets'])}"
        model = replace(model, weights_hash=hashlib.sha256(identity.encode()).hexdigest())
    return replace(model, level=level)


def _identity(found: Weights, unusual: dict[str, Any], module: ModuleType) -> str:
    """SHA-256 of the weights file, and of the `unusual` parameters of its card that neither tensors nor label show."""
    if found.implied_by_name and unusual:
        of_tensors = recognition.infer(module, found.tensors) or {}
        hidden = {key: unusual[key] for key in sorted(unusual) if of_tensors.get(key) != unusual[key]}
        if hidden:
            return hashlib.sha256(spec.canonical(found.hash, hidden, {}).encode()).hexdigest()
    return found.identity


def _classical(parsed: spec.Spec) -> Model:
    """A method without training: no sizes, no weights; its numbers depend on its libraries."""
    name, module = parsed.name, import_module(f"baselines.{parsed.name}")
    versions = cards.versions(module.LIBRARIES)
    if missing := cards.missing(module.LIBRARIES):
        raise BadInput(
            f"model {name!r}: the package {missing} is not installed: pip install {missing} (licence: {module.LICENCE})"
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


def _user_defined(parsed: spec.Spec) -> Model:
    """A network of a user's file or of another package; `weights` may name a file to load."""
    if parsed.name in groups.GROUPS:
        raise BadInput(
            f"expected one model, got the group {parsed.name!r}: name one of {', '.join(groups.specs(parsed.name))}"
        )
    parsed = replace(parsed, name=os.path.expanduser(parsed.name))
    factory = registry.user_defined("model", parsed.name)
    if factory is None:
        raise unknown("model", parsed.name, [*cards.names(), *groups.ALIASES, *groups.GROUPS])
    if not callable(factory):
        kind = type(factory).__name__
        raise BadInput(f"{parsed.name}: expected a class or function that returns a torch.nn.Module, got type {kind}")
    name = parsed.name.rpartition(":")[2]
    if name in display_names.RESERVED:
        raise BadInput(f"{parsed.name}: the name {name!r} is reserved for the {name} image: rename the network")
    try:
        own = spec.parameters_of(factory)
    except BadInput:
        raise
    except ValueError as error:  # some compiled functions
        raise BadInput(f"{parsed.name}: its parameters cannot be read: {error}") from error
    others = spec.accepts_any_name(factory)
    reserved = {**WEIGHTS_PARAMETERS, **LEVEL_PARAMETER}
    given = _bind(parsed, {**own, **{key: value for key, value in reserved.items() if key not in own}}, others)
    takes_level = "level" not in own and (not others or non_blind.level_argument(factory) is not None)
    level = _level(name, given.pop("level")) if takes_level and "level" in given else None
    chosen = None if "weights" in own else given.pop("weights", None)
    part = "" if "part" in own else given.pop("part", "")
    found = weights.NONE if chosen in (None, DEFAULT) else weights.find(chosen, name)
    if part:
        found = weights.with_part(found, part)
    of_card = found.network if found.card else {}
    given = {**{key: value for key, value in of_card.items() if key in own or others}, **given}
    ordered = {key: given[key] for key in [*own, *sorted(given.keys() - own.keys())] if key in given}
    shown = {} if found is weights.NONE else {"weights": found.name, **({"part": found.part} if found.part else {})}
    defaults = {key: parameter.default for key, parameter in own.items()}
    of_level = {} if level in (None, classical.ESTIMATED) else {"level": level}
    model = Model(
        label=spec.canonical(name, {**shown, **ordered, **of_level}, defaults),
        name=name,
        source=parsed.name,
        size="own",
        weights_hash="",
        factory=factory,
        parameters=given,
        found=found,
        title=parsed.name,
        paper="",
        licence="not stated",
    )
    network = model.untrained()
    with as_bad_input(f"model {model.label}"), model.running():
        source = source_fingerprint.source_hash(parsed.name, factory, found.identity)
        tensors = tensor_fingerprint.tensors_hash(network)  # the constructor may load weights itself
        stated = complexity.stated(type(network))
    argument = non_blind.level_argument(network)
    if level is not None and argument is None:
        raise BadInput(
            f"model {model.label}: level: expected a network whose forward takes sigma without a default, "
            "forward(x, sigma), got one that takes the image alone: remove it"
        )
    if argument is not None and "level" in own:
        raise BadInput(f"model {model.label}: its parameter 'level' conflicts with the noise level: rename it")
    if any({**defaults, **given}.get(name) == 1 for name in INPUT_CHANNEL_NAMES):
        stated = {**stated, "channels": 1}
    known = hashlib.sha256(f"{source} {tensors}".encode()).hexdigest() if tensors else source
    if "trained_on" not in found.card and (of_class := getattr(factory, "trained_on", "")):
        with as_bad_input(f"model {name}: trained_on of its class"):
            specs = training_noise.parse(of_class).specs
        found = replace(found, card={**found.card, "trained_on": {"noise": specs}})
    constructed = bool(tensors) and found.file is None and "weights" not in given
    model = replace(model, weights_hash=known, source_hash=source, stated=stated, found=found, constructed=constructed)
    return _with_level(model, (level or classical.ESTIMATED) if argument else None)


def _bind(parsed: spec.Spec, parameters: Mapping[str, Parameter], others: bool = False) -> dict[str, Any]:
    """The parameters of a spec by name; 4.0 becomes 4 where the default is an integer. Raises BadInput."""
    given = spec.bind(parsed, parameters, "model", others)
    for key, value in given.items():
        if isinstance(value, spec.Spec):
            text = spec.format_value(value)
            raise BadInput(
                f"{key} of {parsed.name}: expected a number or text in quotes, got {text}: write {key}='{text}'"
            )
    defaults = {key: parameter.default for key, parameter in parameters.items()}
    return {key: spec.match_type(defaults.get(key), value) for key, value in given.items()}


def load_model(text: str, device: str | torch.device = "cpu") -> nn.Module:
    """The network of a spec in eval mode: (B, 3, H, W) -> (B, 3, H, W), in [0, 1]."""
    return resolve(text).load(device)


def expand(given: GivenModels, size: str = "small", object_name: str = "") -> tuple[list[Model], list[str]]:
    """The models of a list of specs and groups, without duplicates, and one sentence per skipped member of a group.

    NAME=SPEC gives a model a name for tables and charts. From Python the list may have torch modules and functions
    among its specs, and be a mapping, name -> spec or object; `object_name` names the only object. Raises BadInput if
    no model remains, or if names clash.
    """
    chosen, skipped, parts = [], {}, list(_parts(given))
    if object_name and len(parts) != 1:
        raise BadInput(f'name: expected one model, got {len(parts)}: write models={{"{object_name}": network, ...}}')
    for name, of_model in parts:
        name = name or object_name
        if not isinstance(of_model, str):
            chosen.append(object_models.model_of(of_model, name))
            continue
        if of_model not in groups.GROUPS:
            chosen.append(_named(of_model, display_names.checked(name), size))
            continue
        if name:
            raise BadInput(f"{name}: expected a name for one model, got the group {of_model!r}: name its models")
        for member in groups.specs(of_model):
            if reason := groups.missing_requirement(member, size):
                skipped.setdefault(member, f"{member}: skipped in `{of_model}`: {reason}")
            else:
                chosen.append(_named(member, "", size))
    if not chosen:
        reasons = "; ".join(skipped.values()) or "write --models all, or names such as --models ours,baseline"
        raise BadInput(f"expected at least one model, got none: {reasons}")
    labels = [model.label for model in chosen if model.is_object]
    if twice := next((label for label in labels if labels.count(label) > 1), None):
        raise BadInput(f'expected objects of different names, got two called {twice}: write {{"a": one, "b": other}}')
    return distinct(chosen), list(skipped.values())


def _parts(given: GivenModels) -> Iterator[tuple[str, Any]]:
    """(name, or '', and spec or object) of each model."""
    if isinstance(given, str):
        yield from (spec.split_label(part) for part in spec.split(given))
    elif isinstance(given, Mapping):
        yield from ((str(name), thing) for name, thing in given.items())
    elif isinstance(given, nn.Module) or callable(given) or not isinstance(given, Iterable):
        yield "", given
    else:
        for item in given:
            yield from _parts(item)


def _named(text: str, name: str, size: str) -> Model:
    """The model of a spec with a display name; imported weights that are named alone keep that name."""
    return replace(resolve(text, size), display_name=name or (text if groups.is_imported(text) else ""))


def distinct(chosen: Sequence[Model]) -> list[Model]:
    """The models without duplicates; if two have the same label, both show more of the path of their file.

    Raises BadInput if their labels cannot be made different, or if their names clash.
    """
    unique: dict[tuple[str, str, str], Model] = {}
    for model in chosen:
        key = (model.label, model.weights_hash, model.source)
        first = unique.setdefault(key, model)
        if model.display_name and model.display_name != first.display_name:
            if first.display_name:
                raise BadInput(
                    f"expected one name for {model.label}, got {first.display_name!r} and {model.display_name!r}"
                )
            unique[key] = model
    models = list(unique.values())
    for label, count in Counter(model.label for model in models).items():
        if count > 1:
            alike = [model for model in models if model.label == label]
            if any(model.is_object for model in alike):
                raise BadInput(f"expected different names, got two models called {label}: give the object another name")
            longer = dict(zip(map(id, alike), _longer_labels(alike), strict=True))
            models = [replace(model, label=longer.get(id(model), model.label)) for model in models]
    display_names.check_distinct({model.label: model.display_name for model in models})
    return models


def _longer_labels(alike: Sequence[Model]) -> list[str]:
    """Labels that differ for models with the same label: with more of the paths of weights, or of source files."""
    parsed = spec.parse(alike[0].label)
    files = [model.file for model in alike]
    if all(files) and len(set(files)) == len(files):
        changed = [
            replace(parsed, kwargs=tuple((k, text if k == "weights" else v) for k, v in parsed.kwargs))
            for text in display_names.shortest_paths([file.absolute() for file in files])
        ]
    else:
        sources = [model.source.partition(":") for model in alike]
        paths = display_names.shortest_paths([Path(file).absolute() for file, _, _ in sources])
        changed = [replace(parsed, name=f"{path}:{source[2]}") for path, source in zip(paths, sources, strict=True)]
    labels = [spec.format_value(one) for one in changed]
    if len(set(labels)) < len(labels):
        raise BadInput(f"expected different models, got two called {alike[0].label}: rename one of the files")
    return labels
