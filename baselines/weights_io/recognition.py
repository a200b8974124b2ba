"""Recognize the network of a set of weights by the names and shapes of its tensors.

The module of a network may define

    infer(tensors)        network parameters from its tensors; any exception means another network
    renamed(tensors)      tensors of other published code of this network under its names; others unchanged
    DESCRIPTION           text with these parameters in braces
    PUBLISHED             parameters of published weights that tensors do not show
    published(**found)    the same, if it depends on the parameters found in the tensors
    caveat(**parameters)  note on another network with the same tensors

`ours`, `baseline` and `dropout` have the same names and shapes, and cannot be distinguished.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

import baselines
from baselines.weights_io.checkpoints import differences, load_strictly, read_contents, without_prefixes
from baselines.weights_io.tensor_sets import CHOOSE, Contents, SeveralSets, printable, without_prefix

INPUT_CHANNEL_NAMES = ("in_nc", "in_chans", "inp_channels")  # names of that parameter
MAX_SIZE_RATIO = 10  # numbers of a network / numbers of the tensors that it was inferred from
MAX_PREFIXES = 20  # of names, tried as separate networks
MIN_SHARE = 0.5  # of matching keys, for tensors to count as similar to a network


@dataclass(frozen=True)
class ArchitectureMatch:
    """A network (on the meta device) inferred from tensors, and the share of keys that match, from 0.5 to 1."""

    name: str
    module: ModuleType
    parameters: dict[str, Any]
    network: nn.Module
    share: float

    def __str__(self) -> str:
        """'a DnCNN of 17 layers for greyscale images'"""
        return describe(self.module, self.parameters)


def input_channels(parameters: Mapping[str, Any]) -> int:
    """Input channels of a network with these parameters; 3 if they do not include them."""
    return next((parameters[name] for name in INPUT_CHANNEL_NAMES if name in parameters), 3)


def output_channels(parameters: Mapping[str, Any]) -> int:
    """Output channels of a network with these parameters; those of the input if they do not include them."""
    return next(
        (parameters[name] for name in ("out_nc", "out_channels") if name in parameters), input_channels(parameters)
    )


def is_supported(parameters: Mapping[str, Any]) -> bool:
    """Whether a network with these parameters has 3 or 1 channels, equal for input and output."""
    return input_channels(parameters) in (1, 3) and output_channels(parameters) == input_channels(parameters)


def colour_of(parameters: Mapping[str, Any]) -> str:
    """'colour', 'greyscale' or '4-channel'."""
    number = input_channels(parameters)
    return {1: "greyscale", 3: "colour"}.get(number, f"{number}-channel")


def describe(module: ModuleType, parameters: Mapping[str, Any]) -> str:
    """Description of a network: 'a DnCNN of 17 layers for greyscale images'."""
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in parameters.items()}
    description = getattr(module, "DESCRIPTION", module.TITLE).format(**{**defaults(module.network), **values})
    return f"{description} for {colour_of(values)} images"


def infer(module: ModuleType, tensors: Mapping[str, Tensor]) -> dict[str, Any] | None:
    """Parameters of a module's network inferred from tensors; None if they belong to another network."""
    found = _recognized(module, tensors)
    return found and found[0]


def _recognized(module: ModuleType, tensors: Mapping[str, Tensor]) -> tuple[dict[str, Any], nn.Module] | None:
    """(inferred parameters, network on the meta device); None if the tensors belong to another network."""
    if not hasattr(module, "infer"):
        return None
    for named in without_prefixes(tensors):
        try:
            parameters = module.infer(named)
            with torch.device("meta"):  # allocates nothing, whatever the shapes in the file
                network = module.network(**parameters)
        except Exception:  # either may raise anything for tensors of another network
            continue
        if _numbers(network.state_dict()) <= MAX_SIZE_RATIO * _numbers(tensors):
            return parameters, network
    return None


def _numbers(tensors: Mapping[str, Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors.values())


def published_parameters(module: ModuleType, found: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of published weights that tensors do not show, given those `found` in the tensors."""
    return module.published(**found) if hasattr(module, "published") else dict(getattr(module, "PUBLISHED", {}))


def caveat(module: ModuleType, parameters: Mapping[str, Any]) -> str:
    """Note on another network to which weights with these parameters could belong; '' for none."""
    return module.caveat(**parameters) if hasattr(module, "caveat") else ""


def own_names(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Tensors that other published code of a network of this package names differently, under the names used here."""
    for _, module in _network_modules():
        if hasattr(module, "renamed") and (renamed := module.renamed(tensors)) is not tensors:
            return renamed
    return tensors


def _network_modules() -> Iterator[tuple[str, ModuleType]]:
    """(name, module) of each model of this package, methods without weights included."""
    for info in pkgutil.iter_modules(baselines.__path__):
        if not info.ispkg and hasattr(module := import_module(f"baselines.{info.name}"), "network"):
            yield info.name, module


def find_matches(tensors: Mapping[str, Tensor]) -> list[ArchitectureMatch]:
    """Networks of this package that match the tensors, best match first."""
    found = []
    for name, module in _network_modules():
        recognized = _recognized(module, tensors)
        if recognized is None:
            continue
        parameters, network = recognized
        missing, unknown, shapes = differences(network, tensors)
        whole = len(network.state_dict()) + len(unknown)
        wrong = len(missing) + len(unknown) + len(shapes)
        found.append(ArchitectureMatch(name, module, parameters, network, 1 - wrong / whole))
    return sorted((match for match in found if match.share >= MIN_SHARE), key=lambda match: -match.share)


def read(path: Path, part: str = "") -> Contents:
    """`read_contents` for a network of this package; tensors of other modules, such as a loss, are removed.

    Raises ValueError with a list if the file has several networks.
    """
    try:
        return select_network(read_contents(path, part), path.name)
    except SeveralSets as error:
        candidates = list(error.sets.items())[:MAX_PREFIXES]
        matches = {name: next(iter(find_matches(own_names(tensors))), None) for name, tensors in candidates}
        exact = [name for name, match in matches.items() if match and match.share == 1]
        if not exact:
            raise
        if len(exact) == 1:
            return select_network(read_contents(path, exact[0]), path.name)
        listed = ", ".join(f"{printable(name)} ({match or 'unknown network'})" for name, match in matches.items())
        raise ValueError(
            f"{path.name}: expected one network, got several sets of tensors: {listed}: {CHOOSE}"
        ) from None


def select_network(contents: Contents, file: str) -> Contents:
    """The contents under the names used here, reduced to one network if there are tensors of other modules.

    Raises ValueError if there are several networks.
    """
    contents = replace(contents, tensors=own_names(contents.tensors))
    found = {} if find_matches(contents.tensors) else networks_by_prefix(contents.tensors)
    if len(found) > 1:
        listed = ", ".join(f"{prefix}.* ({match})" for prefix, match in found.items())
        raise ValueError(f"{file}: expected one network, got several: {listed}: {CHOOSE}")
    for prefix in found:
        part = ".".join(filter(None, (contents.part, prefix)))
        remark = "; ".join(filter(None, (contents.remark, f"used only the tensors of {part}")))
        return replace(contents, tensors=without_prefix(contents.tensors, prefix), part=part, remark=remark)
    return contents


def networks_by_prefix(tensors: Mapping[str, Tensor]) -> dict[str, ArchitectureMatch]:
    """Exact matches of the tensors below each first component of their names: {'net': a DnCNN}."""
    prefixes = {key.partition(".")[0] for key in tensors}
    if not 1 < len(prefixes) <= MAX_PREFIXES:
        return {}
    matches = {prefix: find_matches(without_prefix(tensors, prefix)) for prefix in sorted(prefixes)}
    return {prefix: ranked[0] for prefix, ranked in matches.items() if ranked and ranked[0].share == 1}


def load_or_explain(network: nn.Module, tensors: Mapping[str, Tensor], name: str) -> None:
    """`load_strictly`; its error also names the network that the tensors of the file `name` match instead."""
    try:
        load_strictly(network, tensors, name)
    except ValueError as error:
        match = next(iter(find_matches(tensors)), None) if any(differences(network, tensors)) else None
        if match is None or (type(match.network) is type(network) and match.share < 1):
            raise
        raise ValueError(f"{error}; it matches {match.name}, {match}") from error


def defaults(factory: type[nn.Module]) -> dict[str, Any]:
    """Default parameters of a network by name."""
    return {name: parameter.default for name, parameter in inspect.signature(factory).parameters.items()}
