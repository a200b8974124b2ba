"""A model: a network, its parameters and its weights; `load` constructs it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from baselines.layers.non_blind import Level, describe
from baselines.weights_io import recognition
from bench import spec
from bench.core import isolation
from bench.core.errors import BadInput, as_bad_input
from bench.models import adapters, cards, contract, trial
from bench.models.weights import Weights


@dataclass(frozen=True)
class Model:
    """A resolved model spec: everything that determines its numbers, and its title, paper and licence.

    label         canonical spec, which identifies the model in rows
    display_name  name that the user gave it for tables and charts, '' for none
    source        name of the network as given: `path/to/file.py:Net`; '' for a Python object
    weights_hash  SHA-256 of what determines the numbers besides the label: the weights file, and parameters that only
                  its card states; for a user-defined network also its source and its initial tensors; for a classical
                  method the versions of its libraries; '' for an untrained network
    source_hash   SHA-256 of the source and weights file of a user-defined network; '' for others, and for an object
                  that cannot be identified
    level         where a non-blind network has the noise level from: 'estimated', 'true' or a number of 255; None for a
                  blind one
    stated        attributes that the class of a user-defined network states, such as `tile = 64`
    found         its weights
    constructed   whether a user-defined network has the tensors of its constructor: no weights were given
    request       the spec and the default size that `models.resolve` made it of
    """

    label: str
    name: str
    source: str
    size: str
    weights_hash: str
    factory: Callable[..., nn.Module]
    parameters: dict[str, Any]
    found: Weights
    title: str
    paper: str
    licence: str
    source_hash: str = ""
    display_name: str = ""
    level: Level | None = None
    stated: dict[str, int] = field(default_factory=dict)
    constructed: bool = False
    request: tuple[str, str] = ("", "")

    @property
    def weights(self) -> str:
        """Name of a card, of a file, or 'none'."""
        return self.found.name

    @property
    def file(self) -> Path | None:
        """The weights file; None if there is none."""
        return self.found.file

    @property
    def card(self) -> dict[str, Any]:
        """The card of the weights, with the source of the noise level of a non-blind network; empty for neither."""
        return self.found.card if self.level is None else {**self.found.card, "noise_level": describe(self.level)}

    def hash_on(self, dataset: str, image: str, noise: str, seed: int) -> str:
        """The hash in the row of an image: for networks that of all rows."""
        return self.weights_hash

    @property
    def user_defined(self) -> bool:
        """Whether the network is not part of this installation."""
        return self.source not in cards.models()

    @property
    def is_object(self) -> bool:
        """Whether it was given as a Python object, which other processes cannot load."""
        return not self.source

    @property
    def channels(self) -> int | None:
        """Channels of its images: 3 for a colour network, 1 for a greyscale one, None for a method that takes both."""
        if self.name in cards.classical() and not self.user_defined:
            return None
        return self.stated.get("channels", 3) if self.user_defined else recognition.input_channels(self.parameters)

    @property
    def caveat(self) -> str:
        """Notes on weights from elsewhere, '' for none: an ambiguous architecture, a failed trial.

        Also names the set of tensors used, if a weights file has several. Weights trained here have no notes.
        """
        known = [self.found.contents.summary()] if self.found.kind == "file" and not self.found.card else []
        if self.found.kind in ("file", "imported") and not self.user_defined:
            known += [recognition.caveat(import_module(f"baselines.{self.name}"), self.parameters), self._trial()]
        return "; ".join(filter(None, known))

    def _trial(self) -> str:
        """The warning of a trial of imported weights; '' for none, and for weights trained here."""
        if self.found.kind == "file" and self.found.card:
            return ""
        if "trial" in self.card:
            return trial.from_card(self.card["trial"]).warning()
        network = self.untrained()
        with as_bad_input(f"model {self.label}"), self.running():
            recognition.load_or_explain(network, self.found.tensors, self.file.name)
            module = import_module(f"baselines.{self.name}")
            return trial.run_trial(module, self.parameters, network, self.card.get("trained_on")).warning()

    def load(self, device: str | torch.device = "cpu") -> nn.Module:
        """The network in eval mode on a device. Raises BadInput if the weights do not fit."""
        network = self.untrained()
        with as_bad_input(f"model {self.label}"), self.running():
            if self.file is not None:
                recognition.load_or_explain(network, self.found.tensors, self.file.name)
            network = self.adapted(network)
            network.to(device)
            network.eval()
            return (
                isolation.guarded_network(network, isolation.call_context(self.factory))
                if self.user_defined
                else network
            )

    def running(self) -> AbstractContextManager[None]:
        """The context that its code runs in: isolated for a user-defined network, standard settings for others."""
        return isolation.in_scope_of(self.factory) if self.user_defined else isolation.our_code()

    def adapted(self, network: nn.Module) -> nn.Module:
        """The network, wrapped if it takes other input than colour in [0, 1]. Raises ValueError."""
        if not self.user_defined:
            return adapters.adapt(network, {**recognition.defaults(self.factory), **self.parameters}, self.level)
        if self.level is not None:
            network = adapters.NonBlind(network, self.level)
        return adapters.PerChannel(network) if self.channels == 1 else network

    def checked(self, device: str | torch.device = "cpu") -> nn.Module:
        """`load`; a user-defined network is checked on a small image. Raises BadInput if it violates the requirements.

        Other networks always run in the standard process state.
        """
        network = self.load(device)
        if not self.user_defined:
            return isolation.guarded_network(network, isolation.our_code)
        with isolation.user_code():  # random streams continue, so that two outputs may differ
            contract.check(network, self.label, torch.device(device), self.stated.get("tile"))
        return network

    def changed(self, parameters: dict[str, Any]) -> Model:
        """The model with these parameters; its label shows those that differ from the usual ones."""
        usual = {} if self.user_defined else self.parameters
        label = spec.canonical(self.name, parameters, usual)
        return replace(self, parameters=parameters, label=label)

    def untrained(self, seed: int = 0) -> nn.Module:
        """The network as constructed, its initial weights determined by the seed. Raises BadInput."""
        with as_bad_input(f"model {self.label}"), self.running():
            network = initialized(self.factory, self.parameters, seed)
        if not isinstance(network, nn.Module):
            raise BadInput(
                f"model {self.label}: expected a torch.nn.Module, got an object of type {type(network).__name__}"
            )
        return network


def initialized(factory: Callable, parameters: dict[str, Any], seed: int) -> nn.Module:
    """A network whose initial weights depend on the seed only; torch's random stream is restored."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return factory(**parameters)
