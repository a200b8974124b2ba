"""SHA-256 fingerprint of the tensors of a network."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor, nn
from torch.nn.modules.lazy import LazyModuleMixin


def tensors_hash(network: nn.Module) -> str:
    """SHA-256 of the names, dtypes, shapes and values of a network's `state_dict`; '' if it is empty.

    Raises ValueError for lazy layers whose tensors are not initialized.
    """
    if lazy := next((module for module in network.modules() if _uninitialized(module)), None):
        raise ValueError(
            f"expected initialized layers, got an uninitialized {type(lazy).__name__}: run the network once in its "
            "constructor"
        )
    state, digest = network.state_dict(), hashlib.sha256()
    if not state:
        return ""
    for key, value in state.items():
        digest.update(f"{key} {_kind(value)}\n".encode())
        digest.update(_content(value))
    return digest.hexdigest()


def _uninitialized(module: nn.Module) -> bool:
    return isinstance(module, LazyModuleMixin) and module.has_uninitialized_params()


def _kind(value: object) -> str:
    return f"{value.dtype} {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__


def _content(value: object) -> bytes:
    if not isinstance(value, Tensor):  # extra state of a module
        return repr(value).encode()
    return value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
