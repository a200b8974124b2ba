"""Read the tensors of a checkpoint that `torch.load(weights_only=True)` refuses, without running what it says.

A pickle is a program: it names functions and calls them. Here every name but those that rebuild a tensor stands for
an object that does nothing, so that a trainer's own classes (Lightning, OmegaConf) need not be installed and a
hostile file builds empty objects. Formats: what `torch.save` has written since PyTorch 1.6, an uncompressed zip, and
before it, pickles and storages one after the other.
"""

from __future__ import annotations

import io
import math
import pickle
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

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


LEGACY_MAGIC = 0x1950A86A20F9469CFC6C


class NoNamedTensors(ValueError):
    """A file can be read, and no tensor lies where one is looked for.

    content  its dictionaries, with the lists in them that hold tensors or dictionaries of them; {} where it has none
    kind     the first class of a library or of the user's that the file names, 'models.network.DnCNN'; or ''
    """

    def __init__(self, message: str, content: dict, kind: str):
        super().__init__(message)
        self.content, self.kind = content, kind


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """All tensors of `read_nested`, a dictionary's under its own key, a dot and theirs: "state_dict.conv.weight"."""
    return dict(_flat(read_nested(path)))


def read_nested(path: str | Path) -> dict[str, Tensor | dict | list]:
    """The tensors of a checkpoint on the CPU by name, in dictionaries and in lists of these as they lie there.

    What lies in objects is left out, and so is all without a tensor. Raises ValueError where the file is no such
    checkpoint, or where no tensor has a name.
    """
    try:
        with open(path, "rb") as file:
            legacy = LEGACY_MAGIC.to_bytes(10, "little") in file.read(32)
            file.seek(0)
            content, kind = _load_legacy(file) if legacy else _load_zip(file)
            found = _tensors(content, {}) if isinstance(content, dict) else {}
    except OSError:
        raise
    except Exception as error:  # a broken or hostile pickle may raise anything
        wanted = "older format" if legacy else "zip format"
        raise ValueError(f"{path} is not a checkpoint in PyTorch's {wanted}: {error!r}") from error
    if next(_flat(found), None) is None:
        raise NoNamedTensors(f"{path} holds no tensor at its top, nor in a dictionary", found, kind)
    return found


def _tensors(content: dict, known: dict[int, dict]) -> dict[str, Tensor | dict]:
    """The tensors of a dictionary and of those in it; `known` has what those that were seen before came to."""
    if id(content) in known:
        return known[id(content)]
    found = known[id(content)] = {}
    for key, value in content.items():
        if isinstance(key, str) and isinstance(value, _Held):
            found[key] = value.tensor
        elif isinstance(key, str) and isinstance(value, dict) and (inner := _tensors(value, known)):
            found[key] = inner
        elif isinstance(key, str) and isinstance(value, list) and (items := _items(value, known)):
            found[key] = items
    return found


def _items(values: list, known: dict[int, dict]) -> list[Tensor | dict]:
    """Of a list the tensors, and the dictionaries that hold some."""
    tensors = [value.tensor for value in values if isinstance(value, _Held)]
    return [*tensors, *(inner for value in values if isinstance(value, dict) and (inner := _tensors(value, known)))]


def _flat(nested: dict, before: str = "", around: frozenset[int] = frozenset()) -> Iterator[tuple[str, Tensor]]:
    for key, value in nested.items():
        if isinstance(value, dict) and id(value) not in around:
            yield from _flat(value, f"{before}{key}.", around | {id(value)})
        elif isinstance(value, Tensor):
            yield before + key, value


def _load_zip(file: BinaryIO) -> tuple[object, str]:
    """The object a checkpoint holds, with `_Held` for tensors and `_Inert` for whatever is neither data nor tensor.

    And the first class that it names for which `_Inert` stands.
    """
    with zipfile.ZipFile(file) as archive:
        members = archive.namelist()
        programs = [name for name in members if name.endswith("/data.pkl") and name.count("/") == 1]
        if len(programs) != 1:
            raise ValueError("it has no data.pkl")
        folder = programs[0].removesuffix("data.pkl")
        if f"{folder}byteorder" in members and _stored(archive, f"{folder}byteorder") != sys.byteorder.encode():
            raise ValueError("it was written on a machine of the other byte order")
        reader = _ZipUnpickler(io.BytesIO(_stored(archive, programs[0])), archive, folder)
        return reader.load(), reader.kind


def _load_legacy(file: BinaryIO) -> tuple[object, str]:
    """The same of the older format: a number, a version, facts of the system, the object, its storages' names, data."""
    room = file.seek(0, io.SEEK_END)
    file.seek(0)
    number, _, system = (_LegacyUnpickler(file, room).load() for _ in range(3))
    if number != LEGACY_MAGIC:
        raise ValueError("it does not begin as one")
    if not isinstance(system, dict) or system.get("little_endian") != (sys.byteorder == "little"):
        raise ValueError("it was written on a machine of the other byte order")
    reader = _LegacyUnpickler(file, room)
    content = reader.load()
    for key in _LegacyUnpickler(file, room).load():
        flat = reader.storages[key].tensor
        length = int.from_bytes(file.read(8), "little")
        data = bytearray(file.read(length * flat.element_size()))
        if length != flat.numel() or len(data) != flat.nbytes:
            raise ValueError(f"its storage {key} is cut short")
        if data:
            flat.copy_(torch.frombuffer(data, dtype=flat.dtype))
    return content, reader.kind


def _stored(archive: zipfile.ZipFile, name: str) -> bytearray:
    """The bytes of a member as `torch.save` writes it, uncompressed: a small file cannot become a large tensor."""
    if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{name} is compressed")
    return bytearray(archive.read(name))


class _Unpickler(pickle.Unpickler):
    """Makes tensors, and nothing else that does anything."""

    def __init__(self, file: BinaryIO):
        super().__init__(file)
        self.storages: dict[str, _Held] = {}
        self.kind = ""

    def find_class(self, module: str, name: str) -> object:
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        known = {
            "torch._utils._rebuild_tensor": self.rebuild_tensor,
            "torch._utils._rebuild_tensor_v2": self.rebuild_tensor,
            "torch._utils._rebuild_parameter": self.rebuild_parameter,
            "collections.OrderedDict": _Dictionary,
        }
        if (found := known.get(f"{module}.{name}")) is None:
            self.kind = self.kind or f"{module}.{name}"
            return _Inert
        return found

    def rebuild_tensor(self, storage: _Held, offset: int, size: tuple, stride: tuple, *ignored) -> _Held:
        if math.prod(size) > storage.tensor.numel():
            raise ValueError(f"a tensor of size {size} in a storage of {storage.tensor.numel()} elements")
        return _Held(storage.tensor.as_strided(size, stride, offset))

    def rebuild_parameter(self, held: _Held, *ignored) -> _Held:
        return held


class _ZipUnpickler(_Unpickler):
    """Takes storages from the archive when they are first named."""

    def __init__(self, file: BinaryIO, archive: zipfile.ZipFile, folder: str):
        super().__init__(file)
        self.archive, self.folder = archive, folder

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


class _LegacyUnpickler(_Unpickler):
    """Makes room for the storages that are named; they are filled later. `room` is the size of the file in bytes."""

    def __init__(self, file: BinaryIO, room: int):
        super().__init__(file)
        self.room = room

    def persistent_load(self, reference: tuple) -> _Held:
        """The reference is ('storage', type, key, device, number of elements, None)."""
        kind, dtype, key, _, length, view = reference
        if kind != "storage" or not isinstance(dtype, torch.dtype) or view is not None:
            raise pickle.UnpicklingError(f"{reference!r} is no storage of a known type")
        if key not in self.storages:
            self.room -= length * dtype.itemsize
            if length < 0 or self.room < 0:
                raise ValueError("its storages are larger than the file")
            self.storages[key] = _Held(torch.zeros(length, dtype=dtype))
        return self.storages[key]


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
