"""A model: a network, its parameters and its weights, all that determines the numbers; `load` makes it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from baselines import recognition
from baselines.checkpoints import first_line
from bench import isolation, spec
from bench.errors import BadInput, described, told
from bench.networks import adapters, cards, contract, trial
from bench.networks.weights import Weights


@dataclass(frozen=True)
class Model:
    """What a model spec means: everything that determines the numbers, and what a reader wants to know.

    label         canonical spec
    source        name of the network as it was written: `path/to/file.py:Net`
    weights_hash  SHA-256 of what determines the numbers besides the label: of the weights' file, and of what its
                  card alone says; of a user's network, of its source and of the tensors it is made with, too; of a
                  classical method, of its libraries' versions; '' for an untrained network
    source_hash   SHA-256 of a user's source and weights' file alone; '' for all others
    stated        what the class of a user's network states of itself, `tile = 64`
    found         where its weights are, and what is known of them
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
    stated: dict[str, int] = field(default_factory=dict)

    @property
    def weights(self) -> str:
        """Name of a card, of a file, or 'none'."""
        return self.found.name

    @property
    def file(self) -> Path | None:
        return self.found.file

    @property
    def card(self) -> dict[str, Any]:
        return self.found.card

    @property
    def user_defined(self) -> bool:
        """Whether the network is a user's, not one of this installation."""
        return self.source not in cards.models()

    @property
    def channels(self) -> int | None:
        """Of the images that it is for: 3 of a colour network, 1 of a grey one, None of a method that takes both."""
        if self.name in cards.classical() and not self.user_defined:
            return None
        return self.stated.get("channels", 3) if self.user_defined else recognition.input_channels(self.parameters)

    @property
    def caveat(self) -> str:
        """Of which other network its weights could be, in words, or what a user's network looks like, or will fail on.

        And which of the tensors in a file its weights are, where there are several sets. '' where nothing is known, or
        the weights are our own.
        """
        if self.user_defined:
            network = self.load()
            with isolation.user_code():  # its random streams go on from call to call
                known = contract.caveat(network, self.stated.get("tile"))
        elif self.found.kind in ("file", "imported"):
            module = import_module(f"baselines.{self.name}")
            known = "; ".join(filter(None, (recognition.caveat(module, self.parameters), self._trial())))
        else:
            return ""
        of_file = self.found.kind == "file" and not self.found.card
        return "; ".join(filter(None, (self.found.contents.words() if of_file else "", known)))

    def _trial(self) -> str:
        """What a trial of weights from elsewhere says against them; '' for nothing, and for those trained here."""
        if self.found.kind == "file" and self.card:
            return ""
        if "trial" in self.card:
            return trial.from_card(self.card["trial"]).warning()
        network = self.untrained()
        with told(f"model {self.label}"), self.running():
            recognition.load_or_explain(network, self.found.tensors, self.file.name)
            module = import_module(f"baselines.{self.name}")
            return trial.run_trial(module, self.parameters, network, self.card.get("trained_on")).warning()

    def load(self, device: str | torch.device = "cpu") -> nn.Module:
        """The network in eval mode on a device. Raises BadInput if the weights do not fit it."""
        network = self.untrained()
        with told(f"model {self.label}"), self.running():
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
        """The state that its code runs in: a user's alone and without consequences, ours in the standard one."""
        return isolation.in_scope_of(self.factory) if self.user_defined else isolation.our_code()

    def adapted(self, network: nn.Module) -> nn.Module:
        """The network, in wrappers where it takes another input than colour in [0, 1]. Raises ValueError."""
        if self.user_defined:
            return adapters.PerChannel(network) if self.channels == 1 else network
        return adapters.adapt(network, {**recognition.defaults(self.factory), **self.parameters})

    def checked(self, device: str | torch.device = "cpu") -> nn.Module:
        """`load`, where a user's network is tried on a small image. Raises BadInput for what it may not do.

        One of ours runs in the standard state, whatever code of users has left.
        """
        network = self.load(device)
        if not self.user_defined:
            return isolation.guarded_network(network, isolation.our_code)
        with isolation.user_code():  # its random streams go on from call to call, so that two outputs may differ
            contract.check(network, self.label, torch.device(device), self.stated.get("tile"))
        return network

    def changed(self, parameters: dict[str, Any]) -> Model:
        """The network with these parameters, of which its label shows those that were chosen."""
        usual = {} if self.user_defined else self.parameters
        label = spec.canonical(self.name, parameters, usual)
        return replace(self, parameters=parameters, label=label)

    def untrained(self, seed: int = 0) -> nn.Module:
        """The network as its constructor makes it, its random start from the seed alone. Raises BadInput."""
        try:
            with self.running():
                network = initialized(self.factory, self.parameters, seed)
        except (Exception, SystemExit) as error:  # a user's constructor may raise anything
            expected = isinstance(error, ValueError | TypeError)
            raise BadInput(f"model {self.label}: {first_line(error) if expected else described(error)}") from error
        if not isinstance(network, nn.Module):
            came = type(network).__name__
            raise BadInput(f"model {self.label} makes an object of type {came}, wanted a torch.nn.Module")
        return network


def initialized(factory: Callable, parameters: dict[str, Any], seed: int) -> nn.Module:
    """A network whose random start depends on the seed alone; torch's own stream is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return factory(**parameters)
