"""Read the tensors of a checkpoint that `torch.load(weights_only=True)` refuses, without running what it says.

A pickle is a program: it names functions and calls them. Here every name but those that rebuild a tensor stands for
an object that does nothing, so that a trainer's own classes (Lightning, OmegaConf) need not be installed and a
hostile file builds empty objects. Format: what `torch.save` has written since PyTorch 1.6, an uncompressed zip.
"""

from __future__ import annotations

import io
import math
import pickle
import sys
import zipfile
from pathlib import Path

import torch
from torch import Tensor

STORAGES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """All tensors of `read_nested`, a dictionary's under its own key, a dot and theirs: "state_dict.conv.weight"."""
    flat = {}
    for key, value in read_nested(path).items():
        flat |= {f"{key}.{name}": tensor for name, tensor in value.items()} if isinstance(value, dict) else {key: value}
    return flat


def read_nested(path: str | Path) -> dict[str, Tensor | dict[str, Tensor]]:
    """The tensors at the top of a checkpoint and those of the dictionaries there, on the CPU, by name.

    What lies deeper, in lists or in objects, is left out. Raises ValueError where the file is no such checkpoint or
    holds no tensor.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            content = _load(archive)
    except OSError:
        raise
    except Exception as error:  # a broken or hostile pickle may raise anything
        raise ValueError(f"{path} is not a checkpoint in PyTorch's zip format: {error!r}") from error
    top = content if isinstance(content, dict) else {}
    inner = {key: _tensors(value) for key, value in top.items() if isinstance(key, str) and isinstance(value, dict)}
    found = _tensors(top) | {key: tensors for key, tensors in inner.items() if tensors}
    if not found:
        raise ValueError(f"{path} holds no tensor at its top, nor in a dictionary there")
    return found


def _tensors(content: dict) -> dict[str, Tensor]:
    return {key: held.tensor for key, held in content.items() if isinstance(key, str) and isinstance(held, _Held)}


def _load(archive: zipfile.ZipFile) -> object:
    """The object a checkpoint holds, with `_Held` for tensors and `_Inert` for whatever is neither data nor tensor."""
    members = archive.namelist()
    programs = [name for name in members if name.endswith("/data.pkl") and name.count("/") == 1]
    if len(programs) != 1:
        raise ValueError("it has no data.pkl")
    folder = programs[0].removesuffix("data.pkl")
    if f"{folder}byteorder" in members and _stored(archive, f"{folder}byteorder") != sys.byteorder.encode():
        raise ValueError("it was written on a machine of the other byte order")
    return _Unpickler(io.BytesIO(_stored(archive, programs[0])), archive, folder).load()


def _stored(archive: zipfile.ZipFile, name: str) -> bytearray:
    """The bytes of a member as `torch.save` writes it, uncompressed: a small file cannot become a large tensor."""
    if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{name} is compressed")
    return bytearray(archive.read(name))


class _Unpickler(pickle.Unpickler):
    """Makes tensors, and nothing else that does anything."""

    def __init__(self, file: io.BytesIO, archive: zipfile.ZipFile, folder: str):
        super().__init__(file)
        self.archive, self.folder = archive, folder
        self.storages: dict[str, _Held] = {}

    def find_class(self, module: str, name: str) -> object:
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        known = {
            "torch._utils._rebuild_tensor_v2": self.rebuild_tensor,
            "torch._utils._rebuild_parameter": self.rebuild_parameter,
            "collections.OrderedDict": _Dictionary,
        }
        return known.get(f"{module}.{name}", _Inert)

    def persistent_load(self, reference: tuple) -> _Held:
        """A storage as a flat tensor; the reference is ('storage', type, key, device, number of elements)."""
        kind, dtype, key, _, _ = reference
        if kind != "storage" or not isinstance(dtype, torch.dtype):
            raise pickle.UnpicklingError(f"{reference!r} is no storage of a known type")
        if key not in self.storages:
            data = _stored(self.archive, f"{self.folder}data/{key}")
            flat = torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)
            self.storages[key] = _Held(flat)
        return self.storages[key]

    def rebuild_tensor(self, storage: _Held, offset: int, size: tuple, stride: tuple, *ignored) -> _Held:
        if math.prod(size) > storage.tensor.numel():
            raise ValueError(f"a tensor of size {size} in a storage of {storage.tensor.numel()} elements")
        return _Held(storage.tensor.as_strided(size, stride, offset))

    def rebuild_parameter(self, held: _Held, *ignored) -> _Held:
        return held


class _Untouchable:
    """A pickle can set the state of all it has made and named: here that does nothing."""

    __slots__ = ()

    def __setstate__(*ignored):
        pass


class _Held(_Untouchable):
    """A tensor that a pickle can pass on but not reach into."""

    __slots__ = ("tensor",)

    def __init__(self, tensor: Tensor):
        self.tensor = tensor


class _Dictionary(_Untouchable, dict):
    __slots__ = ()


class _Inert(_Untouchable):
    """Stands for any class, function or instance; whatever is done to it, nothing happens."""

    __slots__ = ()

    def __new__(cls, *ignored, **also_ignored):
        return super().__new__(cls)

    def __init__(self, *ignored, **also_ignored):
        pass

    def __call__(self, *ignored, **also_ignored):
        return self

    def append(*ignored):
        pass

    extend = add = __setitem__ = append
