"""SHA-256 fingerprint of the tensors of a network."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor, nn
from torch.nn.modules.lazy import LazyModuleMixin


def tensors_hash(network: nn.Module) -> str:
    """SHA-256 of the names, types, shapes and values of all that `state_dict` has; '' where it has nothing.

    Raises ValueError for layers whose tensors are not made yet.
    """
    if lazy := next((module for module in network.modules() if _waits(module)), None):
        raise ValueError(f"its {type(lazy).__name__} has no sizes yet: run the network once in its constructor")
    state, digest = network.state_dict(), hashlib.sha256()
    if not state:
        return ""
    for key, value in state.items():
        digest.update(f"{key} {_kind(value)}\n".encode())
        digest.update(_content(value))
    return digest.hexdigest()


def _waits(module: nn.Module) -> bool:
    return isinstance(module, LazyModuleMixin) and module.has_uninitialized_params()


def _kind(value: object) -> str:
    return f"{value.dtype} {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__


def _content(value: object) -> bytes:
    if not isinstance(value, Tensor):  # what a module keeps beside its tensors
        return repr(value).encode()
    return value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
