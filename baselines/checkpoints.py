"""Read and write weights, strictly. Nothing in a file is ever executed.

A shipped or trained set of weights is a pair: `NAME.safetensors`, and its card `NAME.json` (what it is, how it came
about, what it scores). Published checkpoints come wrapped in `params`, `state_dict` and the like, and may hold several
sets of tensors; `baselines.tensor_sets` says which is taken. Prefixes of the names (`module.`, `model.`, `_orig_mod.`)
come off where a network is filled, because only its own names tell what is a prefix: those of DnCNN begin with
`model.` themselves.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from baselines import matconvnet, pickles, shards, tensor_sets
from baselines.formats import format_of
from baselines.tensor_sets import Contents

DERIVED_BUFFERS = ("attn_mask", "relative_position_index", "num_batches_tracked", "total_ops", "total_params")


def read_weights(path: Path) -> dict[str, Tensor]:
    """`read_contents`, the tensors that are taken by default alone."""
    return read_contents(path).tensors


def read_contents(path: Path, part: str = "") -> Contents:
    """Tensors of a `.safetensors`, `.pth`, `.pt`, `.ckpt` or `.mat` file by name, on the CPU, and what else is there.

    `part` names one of several sets of tensors; by default it is an average of the weights, or else these. What counts
    is the content, not the ending; `NAME.safetensors.index.json` stands for its parts. Raises ValueError with the
    reason.
    """
    contents = tensor_sets.choose(_read_file(path), path.name, part)
    for key, tensor in contents.tensors.items():
        if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_complex():
            raise ValueError(f"{path.name}: {key} is sparse, quantized or complex, wanted plain numbers")
        if tensor.nbytes > tensor.untyped_storage().nbytes():
            raise ValueError(f"{path.name}: {key} claims {tuple(tensor.shape)} numbers and holds fewer")
    return contents


def _read_file(path: Path) -> dict:
    """A dictionary with tensors, in dictionaries perhaps."""
    if shards.is_index(path):
        return shards.read_shards(path)
    kind = format_of(path)
    if kind.startswith("matlab"):
        return matconvnet.read_matconvnet(path, kind)
    if kind == "safetensors":
        try:
            return safetensors.torch.load_file(path)
        except (OSError, safetensors.SafetensorError) as error:
            raise ValueError(f"{path.name} is damaged, cut short perhaps: {first_line(error)}") from error
    content = _read_torch(path)
    if not isinstance(content, dict):
        raise ValueError(f"{path.name} holds a {type(content).__name__}, wanted tensors by name")
    return content


def _read_torch(path: Path) -> object:
    """What `torch.save` wrote, as PyTorch reads it without executing anything, or else its tensors alone."""
    try:
        with path.open("rb") as file:
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:  # it names classes of a trainer, or more
        pass
    except (OSError, EOFError, RuntimeError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{path.name} is damaged, or not a checkpoint of PyTorch: {type(error).__name__}") from error
    try:
        return pickles.read_nested(path)
    except pickles.NoNamedTensors as error:
        raise ValueError(f"{path.name} {_describe_objects(error)}") from None
    except ValueError as error:
        raise ValueError(f"{path.name} is damaged, or not a checkpoint of PyTorch") from error


def _describe_objects(found: pickles.NoNamedTensors) -> str:
    """What a file holds in which no tensor has a name, and what to do."""
    if found.content:
        return tensor_sets.describe_unnamed(found.content)
    kinds = f" ({tensor_sets.printable(found.kind)})" if found.kind else " (a whole network, perhaps)"
    return (
        f"holds objects instead of tensors by name{kinds}, and nothing in a file is executed here: "
        "save the network's state_dict() instead"
    )


def without_prefixes(tensors: Mapping[str, Tensor]) -> Iterator[Mapping[str, Tensor]]:
    """The tensors, and then without the first part of their names, as long as all names begin with the same one."""
    yield tensors
    while len({key.partition(".")[0] for key in tensors}) == 1 and all("." in key for key in tensors):
        tensors = {key.partition(".")[2]: value for key, value in tensors.items()}
        yield tensors


def fitting(network: nn.Module, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The tensors without the prefix that hides most names of the network, and without what it derives itself."""
    own = network.state_dict()
    named = max(without_prefixes(tensors), key=lambda named: len(named.keys() & own.keys()))
    return {key: value for key, value in named.items() if key in own or not key.endswith(DERIVED_BUFFERS)}


def differences(network: nn.Module, tensors: Mapping[str, Tensor]) -> tuple[list[str], list[str], list[str]]:
    """(keys missing, keys unknown, keys with other shapes) of tensors for a network, buffers that it derives aside."""
    own, given = network.state_dict(), fitting(network, tensors)
    missing = [key for key in own if key not in given and not key.endswith(DERIVED_BUFFERS)]
    unknown = [key for key in given if key not in own]
    return missing, unknown, [key for key in own if key in given and given[key].shape != own[key].shape]


def load_strictly(network: nn.Module, tensors: Mapping[str, Tensor], name: str) -> None:
    """Fill a network; buffers that follow from the architecture may be absent or superfluous, nothing else.

    Raises ValueError that names the first keys that differ.
    """
    own, given = network.state_dict(), fitting(network, tensors)
    missing, unknown, misshapen = differences(network, tensors)
    shapes = [f"{key} is {tuple(given[key].shape)}, wanted {tuple(own[key].shape)}" for key in misshapen]
    problems = [
        f"{len(found)} {what}, first {', '.join(found[:3])}"
        for what, found in (("keys missing", missing), ("keys unknown", unknown), ("other shapes", shapes))
        if found
    ]
    if problems:
        raise ValueError(f"{name} does not fit {type(network).__name__}: {'; '.join(problems)}")
    for key, value in given.items():
        if came := _type_problem(value, own[key]):
            raise ValueError(f"{name}: {key} is {came}, wanted floating point of 16 bits or more")
    for key, value in given.items():
        if not value.isfinite().all():
            raise ValueError(f"{name}: {key} has values that are not finite (NaN or infinite)")
        if not value.to(dtype := own[key].dtype).isfinite().all():
            raise ValueError(f"{name}: {key} has values that are too large for {str(dtype).removeprefix('torch.')}")
    network.load_state_dict({**own, **given}, strict=True)


def _type_problem(value: Tensor, own: Tensor) -> str:
    """What a tensor is, if it cannot be weights where `own` is floating point; '' if it can."""
    if value.is_meta:
        return "without values"
    usable = not own.is_floating_point() or (value.is_floating_point() and value.dtype.itemsize > 1)
    return "" if usable else str(value.dtype).removeprefix("torch.")


def write_weights(tensors: dict[str, Tensor], path: Path, card: dict, half: bool = True, sharded: bool = False) -> Path:
    """Write weights, by default in half precision, and their card, each as a whole file or not at all.

    Returns `path`, or where they are written in parts below 16 MiB, the index that stands for them.
    """
    # each a copy: safetensors refuses tensors that share memory
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
        os.replace(part, path)
        size = path.stat().st_size
    write_card(path, {**card, "sha256": file_hash(path), "bytes": size})
    return path


def halved(value: Tensor) -> Tensor:
    """A tensor in half precision; as it is where it has no fractions, or values beyond the range of that (65,504)."""
    if not value.is_floating_point():
        return value
    half = value.half()
    return half if half.isinf().equal(value.isinf()) else value


def card_beside(path: Path) -> Path:
    """Where the card of a weights' file is: `NAME.json` beside `NAME.safetensors` or the index of its parts."""
    return (
        path.with_name(path.name.removesuffix(shards.INDEX) + ".json")
        if shards.is_index(path)
        else path.with_suffix(".json")
    )


def write_card(path: Path, card: dict) -> None:
    """Write the card of a weights' file, whole or not at all."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(card, indent=1) + "\n")
    os.replace(part, card_beside(path))


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def first_line(error: BaseException) -> str:
    """The first line of an error's text, or its kind where it has none."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
