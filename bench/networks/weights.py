"""Weights of a model spec: shipped, imported, or a file of the user's; and what they say of their network's sizes."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import Tensor

from baselines import checkpoints, recognition, shards
from baselines.tensor_sets import Contents
from bench import spec
from bench.errors import BadInput, shortened, told
from bench.home import expanded
from bench.networks import cards

DEFAULT = "default"  # the shipped weights of the size


class NoWeights(BadInput):
    """A network of this installation is asked for with its shipped weights, and none ship."""


@dataclass(frozen=True)
class Weights:
    """Where weights are and what is known of them.

    name   of a card or of a file; 'none' where a network is untrained, or brings its own
    kind   'shipped', 'imported', 'file' or 'none'
    model  the network that they are for
    file   None where there is none to read
    part   of a file that was named, which of its sets of tensors; '' for what is taken by default
    """

    name: str = "none"
    kind: str = "none"
    model: str = ""
    file: Path | None = None
    card: dict[str, Any] = field(default_factory=dict)
    part: str = ""

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the file, '' where there is none."""
        return checkpoints.file_hash(self.file) if self.file else ""

    @cached_property
    def contents(self) -> Contents:
        """The tensors that are taken from the file, and the names of what else is in it. Raises ValueError."""
        read = recognition.read if self.model in cards.networks() else checkpoints.read_contents
        contents = read(self.file, self.part)
        return replace(contents, others=dict.fromkeys(contents.others, {}))  # so that their memory is free again

    @property
    def tensors(self) -> dict[str, Tensor]:
        """The file's tensors by name. Raises ValueError."""
        return self.contents.tensors

    @property
    def identity(self) -> str:
        """SHA-256 of the file, and of which of its tensors are taken, where older versions took others."""
        if self.kind != "file" or self.card or self.contents.former:
            return self.hash
        return hashlib.sha256(f"{self.hash} {self.contents.part}".encode()).hexdigest()

    @cached_property
    def network(self) -> dict[str, Any]:
        """The parameters of the network that the card knows, or else the tensors. Raises ValueError."""
        if self.kind == "file" and not self.card:
            module = import_module(f"baselines.{self.model}")
            found = recognition.infer(module, self.tensors) or {}
            return {**recognition.published_parameters(module, found), **found}
        return {key: _tuples(value) for key, value in self.card.get("network", {}).items()}

    @property
    def implied_by_name(self) -> bool:
        """Whether the name stands for the network's parameters, so that a label need not state them."""
        return self.kind == "shipped" or (self.kind == "file" and bool(self.card))

    def size(self, default: str) -> str:
        """The size of the network: the card's, 'full' for a file without one, the default for an untrained network."""
        return self.card.get("size", "full" if self.file else default)

    def is_default(self, size: str) -> bool:
        """Whether these are the weights that ship for the size of their network."""
        return self.kind == "shipped" and self.name == f"{self.model}-{size}"


NONE = Weights()


def find(chosen: Any, model: str) -> Weights:
    """The weights that were chosen for a model, by name or file; NONE for None. Raises BadInput for all else."""
    if chosen is None:
        return NONE
    if not isinstance(chosen, str) or Path(chosen).name == "":
        came = spec.format_value(chosen)
        raise BadInput(f"weights of {model} is {came}, wanted a file or a card's name in quotes, or None")
    shipped, imported = cards.cards(), cards.imported()
    for kind, known, folder in (
        ("shipped", shipped, cards.weights_folder()),
        ("imported", imported, cards.imported_folder()),
    ):
        if chosen in known:
            file = folder / f"{chosen}.safetensors"
            if kind == "imported" and not file.is_file():
                raise BadInput(
                    f"{file}, the weights {chosen!r}, is gone: remove {file.with_suffix('.json')}, or import the "
                    "weights again with --replace"
                )
            return Weights(chosen, kind, model, file, _checked_card(model, known[chosen], chosen))
    file = expanded(Path(chosen))
    if not os.path.isfile(file):  # Path's own raises where a name is too long
        raise BadInput(
            f"{shortened(chosen)} is neither a file nor one of the shipped weights: {', '.join(shipped) or 'none'}; "
            f"imported: {', '.join(imported) or 'none'}"
        )
    return Weights(file.name, "file", model, file, _checked_card(model, card_of_file(file), file.name))


def with_part(found: Weights, part: Any) -> Weights:
    """Weights, of whose file the set of tensors with this name is taken. Raises BadInput where there is none."""
    if found.kind != "file":
        raise BadInput(
            f"part is {spec.format_value(part)}, expected none: it chooses among the tensors of a weights file"
        )
    if not isinstance(part, str) or not part:
        raise BadInput(f"part is {spec.format_value(part)}, expected a name in quotes, such as part='params'")
    with told(found.name):
        named = replace(found, part=part)
        named = replace(found, part=named.contents.part)  # its whole name
        try:
            return found if found.contents.part == named.part else named
        except ValueError:  # several, of which none is taken by default
            return named


def shipped_default(model: str, size: str) -> Weights:
    """The shipped weights of a model's size. Raises NoWeights where there are none."""
    card = cards.card(f"{model}-{size}")
    if card is None:
        raise NoWeights(
            f"model {model!r} of size {size!r} has no weights here: train them (bench train {model}), name a file "
            f"({model}(weights='file.pth')), or ask for an untrained network ({model}(weights=None))"
        )
    name = f"{model}-{size}"
    return Weights(name, "shipped", model, cards.weights_folder() / f"{name}.safetensors", card)


def check_name(name: str) -> str:
    """The name, if weights can be called so. Raises BadInput."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.+-]{,99}", name):
        raise BadInput(f"{shortened(name)} is no name for weights: wanted letters, digits and . _ + -, at most 100")
    return name


def plain(values: dict[str, Any]) -> dict[str, Any]:
    """Values by name as a card has them: lists for tuples."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}


def _tuples(value: Any) -> Any:
    """A value of a card, with tuples for lists at any depth."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _checked_card(model: str, card: dict[str, Any], name: str) -> dict[str, Any]:
    """The card, if it is of this model."""
    if card.get("model", model) != model:
        raise BadInput(f"the weights {name!r} are of {card['model']!r}, not of {model!r}")
    return card


def card_of_file(file: Path) -> dict[str, Any]:
    """The card that `bench train` put beside a weights' file; empty where there is none."""
    path, written_here = checkpoints.card_beside(file), file.suffix == ".safetensors" or shards.is_index(file)
    try:
        card = json.loads(path.read_text()) if written_here and path.is_file() else {}
    except ValueError:
        return {}
    return card if isinstance(card, dict) and "model" in card else {}  # another program's file is none
