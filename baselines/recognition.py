"""Which network a set of weights is for, by the names and shapes of its tensors alone.

A network's module may have

    infer(tensors)       reads the network's parameters from its tensors; whatever it raises: of another network
    DESCRIPTION                a description of it with these parameters in braces
    PUBLISHED            parameters of published weights that tensors do not show
    published(**found)   the same, where it depends on those that tensors show
    caveat(**parameters)  which other network has the same tensors

`ours`, `baseline` and `dropout` have the same names and shapes: nothing here can tell them apart.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from baselines.checkpoints import differences, load_strictly, read_contents, without_prefixes
from baselines.tensor_sets import CHOOSE, Contents, SeveralSets, printable, without_prefix

INPUT_CHANNEL_NAMES = ("in_nc", "in_chans", "inp_channels")  # how networks call the channels of their input
MAX_SIZE_RATIO = 10  # times as many numbers as the tensors it was read from has no network
MAX_PREFIXES = 20  # so many first names at most are tried as networks beside each other
MIN_SHARE = 0.5  # share of keys that fit, from which tensors are said to look like a network


@dataclass(frozen=True)
class ArchitectureMatch:
    """A network without values, with the sizes that were read from tensors, and the share of their keys that fit."""

    name: str
    module: ModuleType
    parameters: dict[str, Any]
    network: nn.Module
    share: float

    def __str__(self) -> str:
        """'a DnCNN of 17 layers for grey images'"""
        return describe(self.module, self.parameters)


def input_channels(parameters: Mapping[str, Any]) -> int:
    """Channels of the input of a network with these parameters; 3 where they do not say."""
    return next((parameters[name] for name in INPUT_CHANNEL_NAMES if name in parameters), 3)


def output_channels(parameters: Mapping[str, Any]) -> int:
    """Channels of the output of a network with these parameters; those of the input where they do not say."""
    return next(
        (parameters[name] for name in ("out_nc", "out_channels") if name in parameters), input_channels(parameters)
    )


def is_supported(parameters: Mapping[str, Any]) -> bool:
    """Whether a network with these parameters takes colour or grey, and gives the same."""
    return input_channels(parameters) in (1, 3) and output_channels(parameters) == input_channels(parameters)


def colour_of(parameters: Mapping[str, Any]) -> str:
    number = input_channels(parameters)
    return {1: "grey", 3: "colour"}.get(number, f"{number}-channel")


def describe(module: ModuleType, parameters: Mapping[str, Any]) -> str:
    """A network in words: 'a DnCNN of 17 layers for grey images'."""
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in parameters.items()}
    looks = getattr(module, "DESCRIPTION", module.TITLE).format(**{**defaults(module.network), **values})
    return f"{looks} for {colour_of(values)} images"


def infer(module: ModuleType, tensors: Mapping[str, Tensor]) -> dict[str, Any] | None:
    """The parameters of a module's network that these tensors show; None if they are of another network."""
    found = _recognized(module, tensors)
    return found and found[0]


def _recognized(module: ModuleType, tensors: Mapping[str, Tensor]) -> tuple[dict[str, Any], nn.Module] | None:
    """The parameters that tensors show, and the network that they make, without values; None if they make none."""
    if not hasattr(module, "infer"):
        return None
    for named in without_prefixes(tensors):
        try:
            parameters = module.infer(named)
            with torch.device("meta"):  # whatever sizes a file claims, nothing is allocated
                network = module.network(**parameters)
        except Exception:  # of a strange file either may raise anything
            continue
        if _numbers(network.state_dict()) <= MAX_SIZE_RATIO * _numbers(tensors):
            return parameters, network
    return None


def _numbers(tensors: Mapping[str, Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors.values())


def published_parameters(module: ModuleType, found: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that published weights of a module's network want and do not show, given those `found` in them."""
    return module.published(**found) if hasattr(module, "published") else dict(getattr(module, "PUBLISHED", {}))


def caveat(module: ModuleType, parameters: Mapping[str, Any]) -> str:
    """Of which network weights with these parameters could be instead, in words; '' for none that is known."""
    return module.caveat(**parameters) if hasattr(module, "caveat") else ""


def find_matches(tensors: Mapping[str, Tensor]) -> list[ArchitectureMatch]:
    """The networks of this package that the tensors could be of, the likeliest first."""
    found = []
    for info in pkgutil.iter_modules([str(Path(__file__).parent)]):
        module = import_module(f"baselines.{info.name}")
        recognized = _recognized(module, tensors) if hasattr(module, "network") else None
        if recognized is None:
            continue
        parameters, network = recognized
        missing, unknown, shapes = differences(network, tensors)
        whole = len(network.state_dict()) + len(unknown)
        wrong = len(missing) + len(unknown) + len(shapes)
        found.append(ArchitectureMatch(info.name, module, parameters, network, 1 - wrong / whole))
    return sorted((like for like in found if like.share >= MIN_SHARE), key=lambda like: -like.share)


def read(path: Path, part: str = "") -> Contents:
    """`read_contents` of a checkpoint for a network of this package: of what lies side by side, only the network.

    As Lightning keeps a loss beside the network. Raises ValueError for several networks, and says which.
    """
    try:
        return select_network(read_contents(path, part), path.name)
    except SeveralSets as error:
        alike = {
            name: next(iter(find_matches(tensors)), None) for name, tensors in list(error.sets.items())[:MAX_PREFIXES]
        }
        known = [name for name, like in alike.items() if like and like.share == 1]
        if not known:
            raise
        if len(known) == 1:
            return select_network(read_contents(path, known[0]), path.name)
        looks = ", ".join(
            f"{printable(name)} is {like or 'of no network that is here'}" for name, like in alike.items()
        )
        raise ValueError(f"{path.name} holds several sets of tensors: {looks}: {CHOOSE}") from None


def select_network(contents: Contents, file: str) -> Contents:
    """The contents of a checkpoint, where other tensors lie beside a network's under its first name those alone."""
    found = {} if find_matches(contents.tensors) else networks_by_prefix(contents.tensors)
    if len(found) > 1:
        looks = ", ".join(f"{first}.* is {like}" for first, like in found.items())
        raise ValueError(f"{file} holds several networks: {looks}: {CHOOSE}")
    for first in found:
        part = ".".join(filter(None, (contents.part, first)))
        remark = "; ".join(filter(None, (contents.remark, f"took the tensors of {part} alone")))
        return replace(contents, tensors=without_prefix(contents.tensors, first), part=part, remark=remark)
    return contents


def networks_by_prefix(tensors: Mapping[str, Tensor]) -> dict[str, ArchitectureMatch]:
    """What the tensors without_prefix each first name are by themselves, where that is a network exactly: {'net': a DnCNN}."""
    firsts = {key.partition(".")[0] for key in tensors}
    if not 1 < len(firsts) <= MAX_PREFIXES:
        return {}
    alike = {first: find_matches(without_prefix(tensors, first)) for first in sorted(firsts)}
    return {first: likes[0] for first, likes in alike.items() if likes and likes[0].share == 1}


def load_or_explain(network: nn.Module, tensors: Mapping[str, Tensor], name: str) -> None:
    """`load_strictly`, whose error also tells what the tensors of the file `name` look like instead."""
    try:
        load_strictly(network, tensors, name)
    except ValueError as error:
        like = next(iter(find_matches(tensors)), None) if any(differences(network, tensors)) else None
        if like is None or (type(like.network) is type(network) and like.share < 1):
            raise
        raise ValueError(f"{error}; it looks like {like}") from error


def defaults(factory: type[nn.Module]) -> dict[str, Any]:
    """The parameters of a network by name, as they are when nothing is said."""
    return {name: parameter.default for name, parameter in inspect.signature(factory).parameters.items()}
