"""Weights in several files of limited size, as the Hugging Face Hub keeps them: `NAME-00001-of-00003.safetensors` and
`NAME.safetensors.index.json`, which says where each tensor is.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import safetensors
import safetensors.torch
from torch import Tensor

MAX_SHARD_BYTES = 16 * 2**20  # a file is smaller than this
MAX_HEADER_BYTES = 2**16  # of which the names may take so many
INDEX = ".safetensors.index.json"


def is_index(path: Path) -> bool:
    return path.name.endswith(INDEX)


def write_shards(tensors: dict[str, Tensor], path: Path) -> Path:
    """Write `path`, a .safetensors file, in parts below 16 MiB; returns the index, which comes last.

    Raises ValueError where one tensor alone is larger.
    """
    groups = list(_groups(tensors))
    where, hashes = {}, {}
    for number, names in enumerate(groups, 1):
        file = path.with_name(f"{path.stem}-{number:05}-of-{len(groups):05}.safetensors")
        content = safetensors.torch.save({name: tensors[name] for name in names})
        _write(file, content)
        where |= dict.fromkeys(names, file.name)
        hashes[file.name] = hashlib.sha256(content).hexdigest()
    size = sum(tensor.nbytes for tensor in tensors.values())
    index = {"metadata": {"total_size": size, "sha256": hashes}, "weight_map": where}
    return _write(path.with_name(path.stem + INDEX), (json.dumps(index, indent=1) + "\n").encode())


def read_shards(index: Path) -> dict[str, Tensor]:
    """The tensors of all parts. Raises ValueError where one is missing, damaged, or not the one that was written."""
    where, hashes = _read_index(index)
    tensors: dict[str, Tensor] = {}
    for name in sorted(set(where.values())):
        file = index.parent / name
        if Path(name).name != name or not file.is_file():
            raise ValueError(f"{name}, a part of {index.name}, is not beside it")
        content = file.read_bytes()
        if name in hashes and hashlib.sha256(content).hexdigest() != hashes[name]:
            raise ValueError(f"{name} is not the part that {index.name} was written with")
        try:
            tensors |= safetensors.torch.load(content)
        except safetensors.SafetensorError as error:
            raise ValueError(f"{name} is damaged: {error}") from error
    if missing := [key for key in where if key not in tensors]:
        raise ValueError(f"{missing[0]} is in none of the parts of {index.name}")
    return tensors


def _read_index(index: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Which part each tensor is in, and the parts' SHA-256 where they are known. Raises ValueError."""
    wrong = f"{index.name} is not the index of weights in parts"
    try:
        known = json.loads(index.read_text())
    except FileNotFoundError:
        raise ValueError(f"there is no file {index}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(wrong) from error
    where, metadata = (known.get(key) if isinstance(known, dict) else None for key in ("weight_map", "metadata"))
    if not isinstance(where, dict) or not where or not all(isinstance(name, str) for name in where.values()):
        raise ValueError(f"{wrong}: its weight_map has to say in which file each tensor is")
    hashes = metadata.get("sha256") if isinstance(metadata, dict) else None
    return where, hashes if isinstance(hashes, dict) else {}


def _groups(tensors: dict[str, Tensor]) -> Iterator[list[str]]:
    """Names of tensors that go into one file, in their order."""
    room = MAX_SHARD_BYTES - MAX_HEADER_BYTES
    names, size = [], 0
    for name, tensor in tensors.items():
        if tensor.nbytes > room:
            raise ValueError(f"{name} alone has {tensor.nbytes / 2**20:.1f} MiB, which no part of 16 MiB can hold")
        if size + tensor.nbytes > room:
            yield names
            names, size = [], 0
        names, size = [*names, name], size + tensor.nbytes
    yield names


def _write(path: Path, content: bytes) -> Path:
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    os.replace(part, path)
    return path
