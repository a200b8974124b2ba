"""Weights in several files of limited size (shards), in the format of the Hugging Face Hub.

`NAME-00001-of-00003.safetensors`, ... and `NAME.safetensors.index.json`, which maps each tensor to its file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import safetensors
import safetensors.torch
from torch import Tensor

MAX_SHARD_BYTES = 16 * 2**20  # size of a file
MAX_HEADER_BYTES = 2**16  # reserved for the names of tensors
INDEX = ".safetensors.index.json"


def is_index(path: Path) -> bool:
    """Whether a path is the index of shards, by its name."""
    return path.name.endswith(INDEX)


def write_shards(tensors: dict[str, Tensor], path: Path) -> Path:
    """Write `path`, a .safetensors file, as shards below 16 MiB; returns the index, which is written last.

    Raises ValueError if a single tensor is larger.
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
    """Read the tensors of all shards. Raises ValueError if one is missing, damaged or replaced."""
    where, hashes = _read_index(index)
    tensors: dict[str, Tensor] = {}
    for name in sorted(set(where.values())):
        file = index.parent / name
        if Path(name).name != name or not file.is_file():
            raise ValueError(f"{index.name}: expected its shard {name} in the same folder, got none: download it too")
        content = file.read_bytes()
        if name in hashes and hashlib.sha256(content).hexdigest() != hashes[name]:
            raise ValueError(f"{name}: expected the SHA-256 in {index.name}, got another: download both again")
        try:
            tensors |= safetensors.torch.load(content)
        except safetensors.SafetensorError as error:
            raise ValueError(f"{name}: damaged ({error}): download it again") from error
    if missing := [key for key in where if key not in tensors]:
        raise ValueError(f"{index.name}: tensor {missing[0]} is in none of the shards: download them again")
    return tensors


def names(index: Path) -> list[str]:
    """Names of the shards of an index, sorted. Raises ValueError."""
    return sorted(set(_read_index(index)[0].values()))


def _read_index(index: Path) -> tuple[dict[str, str], dict[str, str]]:
    """(shard of each tensor, SHA-256 of the shards as far as known). Raises ValueError."""
    wrong = f"{index.name}: expected the index of sharded weights (a weight_map), got another or damaged file"
    try:
        known = json.loads(index.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(
            f"expected the index of sharded weights, got {index}, which does not exist: check the path"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(wrong) from error
    where, metadata = (known.get(key) if isinstance(known, dict) else None for key in ("weight_map", "metadata"))
    if not isinstance(where, dict) or not where or not all(isinstance(name, str) for name in where.values()):
        raise ValueError(wrong)
    hashes = metadata.get("sha256") if isinstance(metadata, dict) else None
    return where, hashes if isinstance(hashes, dict) else {}


def _groups(tensors: dict[str, Tensor]) -> Iterator[list[str]]:
    """Yield the names of the tensors of each shard, in order. Raises ValueError."""
    room = MAX_SHARD_BYTES - MAX_HEADER_BYTES
    names, size = [], 0
    for name, tensor in tensors.items():
        if tensor.nbytes > room:
            raise ValueError(
                f"{name}: expected a tensor below 16 MiB, got {tensor.nbytes / 2**20:.1f} MiB: write a single file"
            )
        if size + tensor.nbytes > room:
            yield names
            names, size = [], 0
        names, size = [*names, name], size + tensor.nbytes
    yield names


def _write(path: Path, content: bytes) -> Path:
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    Path(part).replace(path)
    return path
