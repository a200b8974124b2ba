"""Weights of a model spec: shipped, imported, or a file of the user; and the network parameters that they imply."""

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

from baselines.weights_io import checkpoints, recognition, shards
from baselines.weights_io.tensor_sets import Contents
from bench import spec
from bench.core.errors import BadInput, as_bad_input, shortened
from bench.core.paths import expand_user
from bench.models import cards, published

DEFAULT = "default"  # the shipped weights of the size
INPUT_KEYS = ("white_level", "channel_order")  # of the cards of published weights


class NoWeights(BadInput):
    """A network of this installation has no shipped weights of the requested size."""


@dataclass(frozen=True)
class Weights:
    """A set of weights: its file and its card.

    name   of a card or file; 'none' for a network that is untrained or loads weights itself
    kind   'shipped', 'imported', 'published' (fetched), 'file' or 'none'
    model  the network that they belong to
    file   None if there is none
    part   name of one of several sets of tensors in a file; '' for the default set
    wrapper  of the network, '' for none
    """

    name: str = "none"
    kind: str = "none"
    model: str = ""
    file: Path | None = None
    card: dict[str, Any] = field(default_factory=dict)
    part: str = ""
    wrapper: str = ""

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the file, '' if there is none."""
        return checkpoints.file_hash(self.file) if self.file else ""

    @cached_property
    def contents(self) -> Contents:
        """The set of tensors used, and the names of the other sets in the file. Raises ValueError."""
        read = recognition.read if self.model in cards.networks() else checkpoints.read_contents
        contents = read(self.file, self.part)
        return replace(contents, others={name: {} for name in contents.others})  # to free their memory

    @property
    def tensors(self) -> dict[str, Tensor]:
        """The file's tensors by name. Raises ValueError."""
        return self.contents.tensors

    @property
    def identity(self) -> str:
        """SHA-256 of the file, and of what it does not show but determines the scores.

        That is the name of the set of tensors, if older versions used another set, and the input of published weights.
        """
        if taken := {key: self.card[key] for key in INPUT_KEYS if key in self.card}:
            return hashlib.sha256(f"{self.hash} {sorted(taken.items())}".encode()).hexdigest()
        if self.kind != "file" or self.card or self.contents.former:
            return self.hash
        return hashlib.sha256(f"{self.hash} {self.contents.part}".encode()).hexdigest()

    @cached_property
    def network(self) -> dict[str, Any]:
        """The network's parameters stated by the card, or else inferred from the tensors. Raises ValueError."""
        of_card = {key: _tuples(value) for key, value in self.card.get("network", {}).items()}
        if self.kind == "published" or (self.kind == "file" and not self.card):
            module = import_module(f"baselines.{self.model}")
            found = recognition.infer(module, self.tensors) or {}
            return {**recognition.published_parameters(module, found), **found, **of_card}
        return of_card

    @property
    def implied_by_name(self) -> bool:
        """Whether the name implies the network's parameters, so that a label need not show them."""
        return self.kind in ("shipped", "published") or (self.kind == "file" and bool(self.card))

    def size(self, default: str) -> str:
        """The size of the network: the card's, 'full' for a file without one, the default for an untrained network."""
        return self.card.get("size", "full" if self.file else default)

    def is_default(self, size: str) -> bool:
        """Whether these are the shipped weights for a size of their network."""
        return self.kind == "shipped" and self.name == cards.default_weights(self.model, size, self.wrapper)

    @property
    def trained_unwrapped(self) -> bool:
        """Whether a wrapped network has weights whose card says that it was trained without the wrapper."""
        return bool(self.wrapper) and self.card.get("model") == self.model


NONE = Weights()


def find(chosen: Any, model: str, wrapper: str = "") -> Weights:
    """The weights of a model, perhaps in a wrapper, by name or file; NONE for None. Raises BadInput."""
    if chosen is None:
        return NONE
    if not isinstance(chosen, str) or Path(chosen).name == "":
        got = spec.format_value(chosen)
        raise BadInput(f"weights of {model}: expected a file or the name of weights in quotes, or None, got {got}")
    shipped, imported = cards.cards(), cards.imported()
    for kind, known, folder in (
        ("shipped", shipped, cards.weights_folder()),
        ("imported", imported, cards.imported_folder()),
    ):
        if chosen in known:
            file = folder / f"{chosen}.safetensors"
            if kind == "imported" and not file.is_file():
                raise BadInput(
                    f"weights {chosen!r}: the file {file} is missing: remove {file.with_suffix('.json')}, or import "
                    "them again with --replace"
                )
            card = _checked_card(model, known[chosen], chosen, wrapper)
            return Weights(chosen, kind, model, file, card, wrapper=wrapper)
    if chosen in published.weights():
        known = published.weights()[chosen]
        card = _checked_card(model, known.card, chosen, wrapper)
        return Weights(chosen, "published", model, known.checked_file(), card, wrapper=wrapper)
    file = expand_user(Path(chosen))
    if not os.path.isfile(file):  # Path.is_file raises for names that are too long
        kind = "the folder " if os.path.isdir(file) else ""
        whole = cards.wrapped(wrapper, model)
        raise BadInput(
            f"weights of {whole}: expected an existing file or the name of weights "
            f"({_names_for(whole, {**shipped, **imported})}), got {kind}{shortened(chosen)}: check the path or name"
        )
    card = _checked_card(model, card_of_file(file), file.name, wrapper)
    return Weights(file.name, "file", model, file, card, wrapper=wrapper)


def _names_for(model: str, known: dict[str, dict[str, Any]]) -> str:
    """Names of the shipped, imported and fetched weights of a model, for a message."""
    names = [name for name, card in known.items() if card["model"] == model]
    names += [name for name in published.fetched() if published.weights()[name].model == model]
    return ", ".join(names) or "see bench models list"


def with_part(found: Weights, part: Any) -> Weights:
    """The weights with another of the sets of tensors in their file. Raises BadInput if there is no such set."""
    if found.kind != "file":
        raise BadInput(
            f"part: expected it only with weights='file.pth', whose set of tensors it names, got "
            f"{spec.format_value(part)}: remove it"
        )
    if not isinstance(part, str) or not part:
        raise BadInput(f"part: expected a name in quotes, e.g. part='params', got {spec.format_value(part)}")
    with as_bad_input(found.name):
        named = replace(found, part=part)
        named = replace(found, part=named.contents.part)  # its full name
        try:
            return found if found.contents.part == named.part else named
        except ValueError:  # several sets without a default
            return named


def shipped_default(model: str, size: str, wrapper: str = "") -> Weights:
    """The shipped weights for a size of a model. Raises NoWeights if there are none."""
    name, whole = cards.default_weights(model, size, wrapper), cards.wrapped(wrapper, model)
    card = cards.card(name)
    if card is None:
        train = f"bench train {whole!r}" if wrapper else f"bench train {model}"
        untrained = cards.wrapped(wrapper, f"{model}(weights=None)")
        raise NoWeights(
            f"model {whole!r}: no weights of size {size!r} are shipped: train them ({train}), name a file, "
            f"{cards.with_weights(whole, 'file.pth')}, or an untrained network, {untrained}"
        )
    return Weights(name, "shipped", model, cards.weights_folder() / f"{name}.safetensors", card, wrapper=wrapper)


def check_name(name: str) -> str:
    """The name, if it is a valid name of weights. Raises BadInput."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.+-]{,99}", name):
        raise BadInput(f"name of weights: expected at most 100 letters, digits and . _ + -, got {shortened(name)}")
    return name


def plain(values: dict[str, Any]) -> dict[str, Any]:
    """Values by name as stored in a card: lists for tuples."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}


def _tuples(value: Any) -> Any:
    """A value of a card, lists converted to tuples at any depth."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _checked_card(model: str, card: dict[str, Any], name: str, wrapper: str = "") -> dict[str, Any]:
    """The card, if it belongs to this model; a wrapper also takes weights trained without it. Raises BadInput."""
    whole = cards.wrapped(wrapper, model)
    if card.get("model", model) not in (model, whole):
        raise BadInput(
            f"weights {name!r}: expected weights of {whole}, got weights of {card['model']}: write "
            f"{cards.with_weights(card['model'], name)}"
        )
    return card


def card_of_file(file: Path) -> dict[str, Any]:
    """The card that `bench train` wrote next to a weights file; empty if there is none."""
    path, written_here = checkpoints.card_beside(file), file.suffix == ".safetensors" or shards.is_index(file)
    try:
        card = json.loads(path.read_text(encoding="utf-8")) if written_here and path.is_file() else {}
    except ValueError:
        return {}
    return card if isinstance(card, dict) and "model" in card else {}  # not a file of another program
