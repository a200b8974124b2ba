"""Models from Python objects: a torch.nn.Module, or a function (B, 3, H, W) -> (B, 3, H, W), under a name."""

from __future__ import annotations

import copy
import hashlib
import uuid
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from bench.core import object_fingerprint
from bench.core.errors import BadInput, as_bad_input
from bench.models import cards, complexity, display_names, groups, tensor_fingerprint
from bench.models.model import Model
from bench.models.weights import NONE, Weights
from bench.noise import training_noise

_MODULE_ATTRIBUTES = frozenset(vars(nn.Module()))
_HOOKS = ("_forward_hooks", "_forward_pre_hooks")


class FunctionNetwork(nn.Module):
    """A function (B, 3, H, W) -> (B, 3, H, W) as a network."""

    def __init__(self, function: Callable[[Tensor], Tensor]):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        """Denoise (B, 3, H, W) in [0, 1]."""
        return self.function(x)


def model_of(given: nn.Module | Callable[[Tensor], Tensor], name: str = "") -> Model:
    """The model of a network or function, by default under the name of its class or function.

    Its rows are reused by a later run only if its code and all it holds can be identified. Raises BadInput for another
    object, and for a name that stands for a model of this installation.
    """
    if isinstance(given, type) or not callable(given):
        got = f"the class {given.__name__}" if isinstance(given, type) else f"an object of type {type(given).__name__}"
        advice = f": write {given.__name__}(...)" if isinstance(given, type) else ""
        raise BadInput(
            f"expected a spec, a torch.nn.Module or a function (B, 3, H, W) -> (B, 3, H, W), got {got}{advice}"
        )
    is_network = isinstance(given, nn.Module)
    own_name = type(given).__name__ if is_network else getattr(given, "__name__", type(given).__name__)
    name = display_names.checked(name) or own_name
    label = groups.own_label(name)
    try:
        network = copy.deepcopy(given) if is_network else FunctionNetwork(given)
    except Exception as error:  # a user's class may raise anything
        raise BadInput(f"model {name}: expected a network that copy.deepcopy can copy: {error}") from error
    kind = type(given)
    with as_bad_input(f"model {name}"):
        identity = _identity(network if is_network else given)
        stated = complexity.stated(kind) | _stated(network, given)
    return Model(
        label=label,
        name=label,
        source="",
        size="own",
        weights_hash=hashlib.sha256((identity or uuid.uuid4().hex).encode()).hexdigest(),
        factory=lambda: copy.deepcopy(network),
        parameters={},
        found=_weights(given, name),
        title=f"{kind.__module__}.{kind.__qualname__}" if is_network else f"function {own_name}",
        paper="",
        licence="not stated",
        source_hash=identity,
        display_name=name if name != label else "",
        stated=stated,
    )


def _stated(network: nn.Module, given: Any) -> dict[str, int]:
    """The channels that an object states, and the tile of a network of this installation that it is or contains."""
    names = (type(module).__module__.partition("baselines.")[2] for module in network.modules())
    tile = next((tile for name in names if name in cards.networks() and (tile := complexity.own_tile(name))), None)
    return ({"tile": tile} if tile else {}) | ({"channels": 1} if getattr(given, "channels", None) == 1 else {})


def _weights(given: Any, name: str) -> Weights:
    """No file, and the training noise that the object or its class states."""
    stated = getattr(given, "trained_on", "")
    if not stated or not isinstance(stated, str | list | tuple):
        return NONE
    with as_bad_input(f"model {name}: trained_on"):
        return Weights(card={"trained_on": {"noise": training_noise.parse(stated).specs}})


def _identity(given: nn.Module | Callable) -> str:
    """Fingerprint of the code, tensors and other attributes of an object; '' if it cannot be identified."""
    if not isinstance(given, nn.Module):
        return object_fingerprint.of_function(given)
    parts = [tensor_fingerprint.tensors_hash(given)]
    for kind in dict.fromkeys(type(module) for module in given.modules()):
        parts.append(object_fingerprint.of_class(kind))
        if not parts[-1]:
            return ""
    for name, module in given.named_modules():
        held = {key: value for key, value in vars(module).items() if key not in _MODULE_ATTRIBUTES}
        structure = [(key, type(child).__qualname__) for key, child in module.named_children()]
        tensors = dict(module.named_parameters(recurse=False)) | dict(module.named_buffers(recurse=False))
        parts.append(object_fingerprint.of_data([name, structure, held, tensors]))  # a state_dict may lack some
        if not parts[-1] or any(getattr(module, hooks) for hooks in _HOOKS):
            return ""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def notes(models: list[Model] | tuple[Model, ...]) -> list[str]:
    """Sentences on objects whose rows a later run cannot reuse."""
    return [
        f"{model.display_name or model.label}: its code or what it holds cannot be identified, so a later run "
        "computes its rows again: define it in a file to resume"
        for model in models
        if model.is_object and not model.source_hash
    ]
