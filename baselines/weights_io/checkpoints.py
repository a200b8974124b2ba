"""Read and write weights, strictly. Code in a file is never executed.

A shipped or trained set of weights is a pair of files: `NAME.safetensors` and its card `NAME.json` (network, training,
scores). Published checkpoints are nested in `params`, `state_dict` and similar keys, and may contain several sets of
tensors; `baselines.weights_io.tensor_sets` selects one. Prefixes of names (`module.`, `model.`, `_orig_mod.`)
are removed when a network is loaded, because only its own names show what is a prefix: those of DnCNN begin with
`model.` themselves.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from baselines.weights_io import matconvnet, pickles, shards, tensor_sets
from baselines.weights_io.formats import format_of
from baselines.weights_io.tensor_sets import Contents

DERIVED_BUFFERS = ("attn_mask", "relative_position_index", "num_batches_tracked", "total_ops", "total_params")


def read_weights(path: Path) -> dict[str, Tensor]:
    """The default set of tensors of `read_contents`. Raises ValueError."""
    return read_contents(path).tensors


def read_contents(path: Path, part: str = "") -> Contents:
    """Read a checkpoint (safetensors, PyTorch, MatConvNet): its tensors by name, on the CPU, and its other sets.

    `part` names one of several sets of tensors; by default an average of the weights, or else the last weights. The
    format is recognized by content, not suffix; `NAME.safetensors.index.json` stands for its shards. Raises ValueError.
    """
    contents = tensor_sets.choose(_read_file(path), path.name, part)
    for key, tensor in contents.tensors.items():
        if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_complex():
            raise ValueError(
                f"{path.name}, {key}: expected a dense real tensor, got a sparse, quantized or complex one"
            )
        if tensor.nbytes > tensor.untyped_storage().nbytes():
            raise ValueError(f"{path.name}, {key}: expected {tensor.numel()} numbers, got fewer: the file is damaged")
    return contents


def _read_file(path: Path) -> dict:
    """A dictionary of tensors, possibly nested. Raises ValueError."""
    if shards.is_index(path):
        return shards.read_shards(path)
    kind = format_of(path)
    if kind.startswith("matlab"):
        return matconvnet.read_matconvnet(path, kind)
    if kind == "safetensors":
        try:
            return safetensors.torch.load_file(path)
        except (OSError, safetensors.SafetensorError) as error:
            raise ValueError(f"{path.name}: damaged or truncated ({error!r}): download it again") from error
    content = _read_torch(path)
    if not isinstance(content, dict):
        raise ValueError(
            f"{path.name}: expected tensors by name, got a {type(content).__name__}: save a state_dict() instead"
        )
    return content


def _read_torch(path: Path) -> object:
    """Load a file of `torch.save` with `weights_only=True`, or else only its tensors. Raises ValueError."""
    try:
        with path.open("rb") as file:
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:  # it refers to classes, such as those of a trainer
        pass
    except (OSError, EOFError, RuntimeError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path.name}: expected a PyTorch checkpoint, got a damaged or other file ({type(error).__name__}): "
            "download it again"
        ) from error
    try:
        return pickles.read_nested(path)
    except pickles.NoNamedTensors as error:
        raise ValueError(f"{path.name}: {_describe_objects(error)}") from None
    except ValueError as error:
        raise ValueError(
            f"{path.name}: expected a PyTorch checkpoint, got a damaged or other file: download it again"
        ) from error


def _describe_objects(found: pickles.NoNamedTensors) -> str:
    """Description of a file without tensors by name, and what to do."""
    if found.content:
        return tensor_sets.describe_unnamed(found.content)
    kinds = f" ({tensor_sets.printable(found.kind)})" if found.kind else " (perhaps a whole network)"
    return (
        f"expected tensors by name, got objects{kinds}, whose code is not executed here: save the network's "
        "state_dict() instead"
    )


def without_prefixes(tensors: Mapping[str, Tensor]) -> Iterator[Mapping[str, Tensor]]:
    """The tensors, then with the first component of their names removed, as long as all names share it."""
    yield tensors
    while len({key.partition(".")[0] for key in tensors}) == 1 and all("." in key for key in tensors):
        tensors = {key.partition(".")[2]: value for key, value in tensors.items()}
        yield tensors


def fitting(network: nn.Module, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The tensors renamed without the prefix that hides the most names of the network, and without derived buffers."""
    own = network.state_dict()
    named = max(without_prefixes(tensors), key=lambda named: len(named.keys() & own.keys()))
    return {key: value for key, value in named.items() if key in own or not key.endswith(DERIVED_BUFFERS)}


def differences(network: nn.Module, tensors: Mapping[str, Tensor]) -> tuple[list[str], list[str], list[str]]:
    """(missing keys, unknown keys, keys with other shapes) of tensors for a network, ignoring derived buffers."""
    own, given = network.state_dict(), fitting(network, tensors)
    missing = [key for key in own if key not in given and not key.endswith(DERIVED_BUFFERS)]
    unknown = [key for key in given if key not in own]
    return missing, unknown, [key for key in own if key in given and given[key].shape != own[key].shape]


def load_strictly(network: nn.Module, tensors: Mapping[str, Tensor], name: str) -> None:
    """Load tensors into a network; only buffers derived from the architecture may be missing or superfluous.

    `name`: of the file, for messages. Raises ValueError with the first keys that differ.
    """
    own, given = network.state_dict(), fitting(network, tensors)
    missing, unknown, misshapen = differences(network, tensors)
    shapes = [f"{key}: expected {tuple(own[key].shape)}, got {tuple(given[key].shape)}" for key in misshapen]
    problems = [
        f"{what}: {len(keys)} ({', '.join(keys[:3])}{', ...' * (len(keys) > 3)})"
        for what, keys in (("missing keys", missing), ("unknown keys", unknown), ("keys with other shapes", shapes))
        if keys
    ]
    if problems:
        raise ValueError(f"{name}: does not fit {type(network).__name__}: {'; '.join(problems)}")
    for key, value in given.items():
        if got := _type_problem(value, own[key]):
            raise ValueError(f"{name}, {key}: expected floating point of at least 16 bits, got {got}")
    for key, value in given.items():
        if not value.isfinite().all():
            raise ValueError(f"{name}, {key}: expected finite values, got NaN or infinity")
        if not value.to(dtype := own[key].dtype).isfinite().all():
            raise ValueError(
                f"{name}, {key}: expected values within {str(dtype).removeprefix('torch.')}, got larger ones"
            )
    network.load_state_dict({**own, **given}, strict=True)


def _type_problem(value: Tensor, own: Tensor) -> str:
    """The type of a tensor that cannot replace `own`, the network's; '' if it can."""
    if value.is_meta:
        return "a tensor without values"
    usable = not own.is_floating_point() or (value.is_floating_point() and value.dtype.itemsize > 1)
    return "" if usable else str(value.dtype).removeprefix("torch.")


def write_weights(tensors: dict[str, Tensor], path: Path, card: dict, half: bool = True, sharded: bool = False) -> Path:
    """Write weights, by default in half precision, and their card, each atomically.

    `sharded` writes several files below 16 MiB. Returns `path`, or the index of the shards. Raises OSError, ValueError.
    """
    # copies: safetensors refuses tensors that share memory
    stored = {
        key: (halved(value) if half else value).detach().cpu().clone(memory_format=torch.contiguous_format)
        for key, value in tensors.items()
    }
    part = path.with_suffix(".part")
    if sharded:
        path = shards.write_shards(stored, path)
        size = sum(tensor.nbytes for tensor in stored.values())
    else:
        safetensors.torch.save_file(stored, part)
        Path(part).replace(path)
        size = path.stat().st_size
    write_card(path, {**card, "sha256": file_hash(path), "bytes": size})
    return path


def halved(value: Tensor) -> Tensor:
    """A tensor in half precision; unchanged if it is of integers, or exceeds the range of half precision (65,504)."""
    if not value.is_floating_point():
        return value
    half = value.half()
    return half if half.isinf().equal(value.isinf()) else value


def card_beside(path: Path) -> Path:
    """Path of the card of a weights file: `NAME.json` next to `NAME.safetensors` or the index of its shards."""
    return (
        path.with_name(path.name.removesuffix(shards.INDEX) + ".json")
        if shards.is_index(path)
        else path.with_suffix(".json")
    )


def write_card(path: Path, card: dict) -> None:
    """Write the card of a weights file atomically."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    Path(part).replace(card_beside(path))


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
