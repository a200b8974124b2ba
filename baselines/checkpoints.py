"""Read and write weights, strictly. Nothing in a file is ever executed.

A shipped or trained set of weights is a pair: `NAME.safetensors`, and its card `NAME.json` (what it is, how it came
about, what it scores). Published checkpoints come wrapped in `params`, `state_dict` and the like; `read_weights`
takes the wrapping off.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import zipfile
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from baselines import pickles

WEIGHTS = Path(__file__).parent / "weights"
WRAPPERS = ("params_ema", "params", "state_dict", "model_state_dict")
PREFIXES = ("module.", "model.module.", "network.")
DERIVED = ("attn_mask", "relative_position_index", "num_batches_tracked")


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors of a `.safetensors` or `.pth` file by name, unwrapped, on the CPU. Raises ValueError with the reason."""
    if not path.is_file():
        raise ValueError(f"{path} is a folder, wanted a file" if path.is_dir() else f"there is no file {path}")
    try:
        content = safetensors.torch.load_file(path) if path.suffix == ".safetensors" else _load(path)
    except Exception as error:  # a broken or hostile file may raise anything
        raise ValueError(
            f"{path.name} is not a file of weights (.safetensors, or of torch.save), or damaged"
        ) from error
    return unwrap(content, path.name)


def _load(path: Path) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        if not zipfile.is_zipfile(path):
            raise
        return pickles.read_nested(path)  # it names classes that are not here: its tensors alone, and nothing runs


def unwrap(content: object, name: str) -> dict[str, Tensor]:
    """Take off `params`, `state_dict`, ... and the prefixes of parallel wrappers."""
    for wrapper in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not isinstance(content, dict):
        raise ValueError(f"{name} holds a {type(content).__name__}, wanted tensors by name")
    tensors = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    if not tensors:
        raise ValueError(f"{name} holds no tensors; its keys are {', '.join(map(str, list(content)[:5])) or 'none'}")
    for prefix in PREFIXES:
        if all(key.startswith(prefix) for key in tensors):
            tensors = {key[len(prefix) :]: value for key, value in tensors.items()}
    return tensors


def load_strictly(network: nn.Module, tensors: dict[str, Tensor], name: str) -> None:
    """Fill a network; buffers that follow from the architecture may be absent or superfluous, nothing else.

    Raises ValueError that names the first keys that differ.
    """
    own = network.state_dict()
    if all(k.startswith("model.") and k not in own for k in tensors):  # Lightning's name for the network in it
        tensors = {k.removeprefix("model."): v for k, v in tensors.items()}
    given = {k: v for k, v in tensors.items() if k in own or not k.endswith(DERIVED)}
    missing = [k for k in own if k not in given and not k.endswith(DERIVED)]
    superfluous = [k for k in given if k not in own]
    shapes = [
        f"{k} is {tuple(given[k].shape)}, wanted {tuple(own[k].shape)}"
        for k in own
        if k in given and given[k].shape != own[k].shape
    ]
    problems = [
        f"{len(found)} {what}, first {', '.join(found[:3])}"
        for what, found in (("keys missing", missing), ("keys unknown", superfluous), ("other shapes", shapes))
        if found
    ]
    if problems:
        raise ValueError(f"{name} does not fit {type(network).__name__}: {'; '.join(problems)}")
    network.load_state_dict({**own, **given}, strict=True)


def write_weights(tensors: dict[str, Tensor], path: Path, card: dict) -> None:
    """Write half-precision weights and their card, each as a whole file or not at all."""
    half = {k: (v.half() if v.is_floating_point() else v).contiguous().cpu() for k, v in tensors.items()}
    part = path.with_suffix(".part")
    safetensors.torch.save_file(half, part)
    os.replace(part, path)
    card = {**card, "sha256": file_hash(path), "bytes": path.stat().st_size}
    part.write_text(json.dumps(card, indent=1) + "\n")
    os.replace(part, path.with_suffix(".json"))


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def first_line(error: BaseException) -> str:
    """The first line of an error's text, or its kind where it has none."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
