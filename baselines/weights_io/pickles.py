"""Read the tensors of a checkpoint that `torch.load(weights_only=True)` refuses, without executing its code.

A pickle is a program that calls functions by name. Here all names except those that rebuild tensors are bound to an
object without effect, so that a trainer's classes (Lightning, OmegaConf) need not be installed, and a malicious file
only creates empty objects. Formats: uncompressed zip archives (PyTorch 1.6 and later), and the older sequence of
pickles and storages.
"""

from __future__ import annotations

import io
import math
import pickle
import sys
import zipfile
from collections.abc import Callable, Iterator
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
    """A file was read, but has no tensor by name at its top level or in a dictionary.

    content  its dictionaries, and lists of tensors or of such dictionaries in them; {} if there are none
    kind     first class that the file refers to, 'models.network.DnCNN'; '' if none
    """

    def __init__(self, message: str, content: dict, kind: str):
        super().__init__(message)
        self.content, self.kind = content, kind


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """All tensors of `read_nested` by their path of keys: "state_dict.conv.weight"."""
    return dict(_flat(read_nested(path)))


def read_nested(path: str | Path) -> dict[str, Tensor | dict | list]:
    """The tensors of a checkpoint, on the CPU, in its nested dictionaries and lists.

    Objects, and containers without tensors, are skipped. Raises ValueError if the file is not a checkpoint, and
    NoNamedTensors if no tensor has a name.
    """
    try:
        with Path(path).open("rb") as file:
            legacy = LEGACY_MAGIC.to_bytes(10, "little") in file.read(32)
            file.seek(0)
            content, kind = _load_legacy(file) if legacy else _load_zip(file)
            found = _tensors(content, {}) if isinstance(content, dict) else {}
    except OSError:
        raise
    except Exception as error:  # a damaged or malicious pickle may raise anything
        expected = "the format before 1.6" if legacy else "zip format"
        raise ValueError(
            f"{path}: expected a PyTorch checkpoint ({expected}), got a damaged file: {error!r}"
        ) from error
    if next(_flat(found), None) is None:
        raise NoNamedTensors(f"{path}: expected tensors by name, got none", found, kind)
    return found


def _tensors(content: dict, known: dict[int, dict]) -> dict[str, Tensor | dict]:
    """The tensors of a dictionary and of nested ones; `known`: results of dictionaries already visited, by id."""
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
    """The tensors of a list, and its dictionaries with tensors."""
    tensors = [value.tensor for value in values if isinstance(value, _Held)]
    return [*tensors, *(inner for value in values if isinstance(value, dict) and (inner := _tensors(value, known)))]


def _flat(nested: dict, before: str = "", around: frozenset[int] = frozenset()) -> Iterator[tuple[str, Tensor]]:
    """Yield (path of keys, tensor); cycles are skipped."""
    for key, value in nested.items():
        if isinstance(value, dict) and id(value) not in around:
            yield from _flat(value, f"{before}{key}.", around | {id(value)})
        elif isinstance(value, list):
            items = {str(number): item for number, item in enumerate(item for item in value if isinstance(item, dict))}
            yield from _flat(items, f"{before}{key}.", around)
        elif isinstance(value, Tensor):
            yield before + key, value


def _load_zip(file: BinaryIO) -> tuple[object, str]:
    """(content, name of the first unknown class) of a zip checkpoint.

    In the content `_Held` replaces tensors, and `_Inert` replaces other objects.
    """
    with zipfile.ZipFile(file) as archive:
        members = archive.namelist()
        programs = [name for name in members if name.endswith("/data.pkl") and name.count("/") == 1]
        if len(programs) != 1:
            raise ValueError("no data.pkl")
        folder = programs[0].removesuffix("data.pkl")
        if f"{folder}byteorder" in members:
            _check_byte_order(_stored(archive, f"{folder}byteorder") == sys.byteorder.encode())

        def read(key: str, dtype: torch.dtype, length: int) -> Tensor:
            return _flat_tensor(_stored(archive, f"{folder}data/{key}"), dtype)

        reader = _Unpickler(io.BytesIO(_stored(archive, programs[0])), read)
        return reader.load(), reader.kind


def _load_legacy(file: BinaryIO) -> tuple[object, str]:
    """The same for the older format: magic number, version, system, content, keys of storages, data."""
    room = file.seek(0, io.SEEK_END)  # bytes that storages may have in total
    file.seek(0)

    def reserve(key: str, dtype: torch.dtype, length: int) -> Tensor:
        nonlocal room
        room -= length * dtype.itemsize
        if length < 0 or room < 0:
            raise ValueError("storages are larger than the file")
        return torch.zeros(length, dtype=dtype)

    number, _, system = (_Unpickler(file, reserve).load() for _ in range(3))
    if number != LEGACY_MAGIC:
        raise ValueError("wrong magic number")
    _check_byte_order(isinstance(system, dict) and system.get("little_endian") == (sys.byteorder == "little"))
    reader = _Unpickler(file, reserve)
    content = reader.load()
    for key in _Unpickler(file, reserve).load():
        flat = reader.storages[key].tensor
        length = int.from_bytes(file.read(8), "little")
        data = bytearray(file.read(length * flat.element_size()))
        if length != flat.numel() or len(data) != flat.nbytes:
            raise ValueError(f"storage {key} is truncated")
        flat.copy_(_flat_tensor(data, flat.dtype))
    return content, reader.kind


def _check_byte_order(same: bool) -> None:
    if not same:
        raise ValueError("written on a machine of the other byte order")


def _flat_tensor(data: bytearray, dtype: torch.dtype) -> Tensor:
    return torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)


def _stored(archive: zipfile.ZipFile, name: str) -> bytearray:
    """Bytes of an uncompressed member, as written by `torch.save`: protects against decompression bombs."""
    if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{name} is compressed")
    return bytearray(archive.read(name))


class _Unpickler(pickle.Unpickler):
    """Rebuilds tensors; all other classes and functions are replaced by `_Inert`.

    storage  function that makes a storage at its first reference: (key, dtype, number of elements) -> flat tensor
    kind     name of the first unknown class, '' if there is none
    """

    def __init__(self, file: BinaryIO, storage: Callable[[str, torch.dtype, int], Tensor]):
        super().__init__(file)
        self.storage, self.storages = storage, {}
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

    def persistent_load(self, reference: tuple) -> _Held:
        """A storage; ('storage', dtype, key, device, number of elements), before PyTorch 1.6 with a view, or None."""
        kind, dtype, key, _, length, *view = reference
        if kind != "storage" or not isinstance(dtype, torch.dtype) or view not in ([], [None]):
            raise pickle.UnpicklingError(f"unknown type of storage: {reference!r}")
        if key not in self.storages:
            self.storages[key] = _Held(self.storage(key, dtype, length))
        return self.storages[key]

    def rebuild_tensor(self, storage: _Held, offset: int, size: tuple, stride: tuple, *ignored) -> _Held:
        if math.prod(size) > storage.tensor.numel():
            raise ValueError(f"a tensor of size {size} in a storage of {storage.tensor.numel()} elements")
        return _Held(storage.tensor.as_strided(size, stride, offset))

    def rebuild_parameter(self, held: _Held, *ignored) -> _Held:
        return held


class _Untouchable:
    """Ignores `__setstate__`, which a pickle can call on any object."""

    __slots__ = ()

    def __setstate__(*ignored):
        pass


class _Held(_Untouchable):
    """A tensor whose attributes a pickle cannot access."""

    __slots__ = ("tensor",)

    def __init__(self, tensor: Tensor):
        self.tensor = tensor


class _Dictionary(_Untouchable, dict):
    __slots__ = ()


class _Inert(_Untouchable):
    """Replaces any class, function or instance; all operations on it are without effect."""

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
