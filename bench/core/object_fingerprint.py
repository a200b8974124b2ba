"""SHA-256 fingerprints of Python objects: of the source of their classes, and of the plain data that they hold.

A fingerprint is '' for an object that cannot be identified. Such an object must not be taken for an equal one of
another process: its rows are never reused.
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

import bench
from bench.core import source_fingerprint

GENERATED = "<string>"  # the file name of methods that `dataclasses` writes
GENERATED_METHODS = ("__init__", "__repr__", "__eq__", "__lt__", "__le__", "__gt__", "__ge__", "__hash__",
                     "__setattr__", "__delattr__", "__replace__", "__getstate__", "__setstate__")  # fmt: skip
LIBRARIES = ("torch", "numpy", "bench", "baselines", "noise_zoo")  # whose versions are not in rows of specs either
_INTERNAL = ("__module__", "__qualname__", "__doc__", "__dict__", "__weakref__", "__annotations__",
             "__firstlineno__", "__static_attributes__", "__parameters__", "__abstractmethods__", "_abc_impl",
             "__dataclass_fields__", "__dataclass_params__", "__match_args__")  # fmt: skip


def of_data(value: Any) -> str:
    """Fingerprint of plain data: numbers, text, arrays, tensors, and containers of these; '' for anything else."""
    try:
        return hashlib.sha256("\x1f".join(_described(value)).encode()).hexdigest()
    except (TypeError, RuntimeError):  # RuntimeError: endless nesting, or a tensor without plain memory
        return ""


def _described(value: Any) -> Iterator[str]:
    """Text that equals that of another value only if both are equal. Raises TypeError for what is not data."""
    is_dataclass = dataclasses.is_dataclass(value) and not isinstance(value, type)
    if not is_dataclass and not _is_installed(type(value).__module__):  # a list or number of a class of users
        raise TypeError(type(value).__name__)
    if value is None or isinstance(value, bool | int | float | complex | str | bytes | np.generic | range | slice):
        yield f"{type(value).__name__} {value!r}"
    elif isinstance(value, type) and _is_installed(value.__module__):
        yield f"class {value.__module__}.{value.__qualname__}"
    elif isinstance(value, np.ndarray) and not value.dtype.hasobject:
        yield f"array {value.dtype.str} {value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}"
    elif isinstance(value, list | tuple):
        yield f"{type(value).__name__} {len(value)}"
        for item in value:
            yield from _described(item)
    elif isinstance(value, set | frozenset):
        yield f"set {sorted('|'.join(_described(item)) for item in value)}"
    elif isinstance(value, Mapping):
        yield f"mapping {len(value)}"
        for key, item in value.items():
            yield from (*_described(key), *_described(item))
    elif _is_torch(value):
        yield from _described_torch(value)
    elif _is_plain_function(value) and _is_installed(value.__module__ or ""):
        yield f"function {value.__module__}.{value.__qualname__}"
    elif is_dataclass:  # a noise with noises as its parameters
        source = of_class(type(value))
        if not source:
            raise TypeError
        yield f"{type(value).__qualname__} {source}"
        for field in dataclasses.fields(value):
            yield from _described(getattr(value, field.name))
    else:
        raise TypeError(type(value).__name__)


def _is_plain_function(value: Any) -> bool:
    """Whether a function is what its name and module say: not a closure, nor another function's wrapper."""
    closure = isinstance(value, FunctionType) and (value.__code__.co_freevars or hasattr(value, "__wrapped__"))
    return isinstance(value, FunctionType | BuiltinFunctionType) and not closure


def _is_torch(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] == "torch"


def _described_torch(value: Any) -> Iterator[str]:
    import torch

    if isinstance(value, torch.Tensor):
        content = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        yield f"tensor {value.dtype} {tuple(value.shape)} {hashlib.sha256(content).hexdigest()}"
    elif isinstance(value, torch.dtype | torch.device | torch.Size | torch.memory_format):
        yield repr(value)
    else:
        raise TypeError(type(value).__name__)


def of_class(found: type) -> str:
    """Fingerprint of the code of a class, of its bases, and of the data of the class; '' if it cannot be identified.

    Of a class in a file: the file and the local files that it imports, if they are older than the import of this
    package, since the code in memory may otherwise be another. Of a class defined in a notebook: its methods, if they
    use nothing of the notebook but modules, functions and classes of libraries, and plain data.
    """
    parts = []
    for kind in found.__mro__:
        if _is_installed(kind.__module__) or kind is object:
            parts.append(f"{kind.__module__}.{kind.__qualname__}")
            continue
        data = {name: value for name, value in vars(kind).items() if not _is_code(name, value)}
        source, described = _of_file(kind) or _of_methods(kind), of_data(data)
        if not (source and described):
            return ""
        parts += [kind.__qualname__, source, described]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def of_function(function: Any) -> str:
    """Fingerprint of a function, as of a class; '' if it cannot be identified, as a lambda or one with a closure."""
    if not isinstance(function, FunctionType) or not _is_plain_function(function) or function.__name__ == "<lambda>":
        return ""
    source = _of_file(function) or _of_code(function)
    return source and of_data([function.__qualname__, source])


def _is_installed(module: str) -> bool:
    """Whether a module is part of Python or of a library that numbers are not expected to depend on."""
    top = module.partition(".")[0]
    return top in LIBRARIES or (top in sys.stdlib_module_names and top != "__main__")


def _is_code(name: str, value: Any) -> bool:
    """Whether an attribute of a class is part of its source, or internal."""
    return name in _INTERNAL or isinstance(value, FunctionType | property | classmethod | staticmethod)


def _of_file(found: Any) -> str:
    """Fingerprint of the file that defines a class or function; '' if there is none, or if it may have been changed.

    One inside a function is not identified by its file: the function may make several that differ.
    """
    if "<locals>" in found.__qualname__:
        return ""
    try:
        file = inspect.getsourcefile(inspect.unwrap(found)) or ""
        states = [path.stat() for path in source_fingerprint.source_files(Path(file))]
    except (TypeError, OSError):
        return ""
    if not _is_defined_in(found, file):
        return ""
    changed = max(max(state.st_mtime, state.st_ctime) for state in states)  # st_ctime: also if another was moved here
    return "" if changed > bench.IMPORTED_AT else source_fingerprint.source_hash("", found, "")


def _is_defined_in(found: Any, file: str) -> bool:
    """Whether a function, or those of a class, were compiled from a file: not typed in, nor replaced afterwards."""
    functions = [found] if isinstance(found, FunctionType) else _functions(found)
    written = [one for one in map(inspect.unwrap, functions) if not _is_generated(found, one)]
    from_file = all(os.path.abspath(one.__code__.co_filename) == os.path.abspath(file) for one in written)
    return from_file and not any(set(one.__code__.co_freevars) - {"__class__"} for one in written)


def _functions(found: type) -> list[FunctionType]:
    """The functions that a class defines, those of its properties and static and class methods included."""
    functions = []
    for value in vars(found).values():
        if isinstance(value, property):
            functions += [one for one in (value.fget, value.fset, value.fdel) if one is not None]
        elif isinstance(value, classmethod | staticmethod):
            functions.append(value.__func__)
        elif isinstance(value, FunctionType):
            functions.append(value)
    return [function for function in functions if isinstance(function, FunctionType)]


def _of_methods(found: type) -> str:
    """Fingerprint of the methods of a class without a file; '' if one of them cannot be identified."""
    functions = [getattr(function, "_unguarded", function) for function in _functions(found)]
    parts = [_of_code(one) for one in functions if not _is_generated(found, inspect.unwrap(one))]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest() if all(parts) else ""


def _is_generated(found: type, function: FunctionType) -> bool:
    """Whether `dataclasses` made a method, from the fields of the class."""
    return (
        isinstance(found, type)
        and "__dataclass_params__" in vars(found)
        and function.__code__.co_filename == GENERATED
        and function.__name__ in GENERATED_METHODS
        and (function.__name__ != "__init__" or vars(found)["__dataclass_params__"].init)
    )


def _of_code(function: FunctionType) -> str:
    """Fingerprint of the text of a notebook's function and of the plain data that it uses; '' if that is not all.

    The text of a function in a file may have been changed since it was imported, and is not what runs.
    """
    code = function.__code__
    if set(code.co_freevars) - {"__class__"} or hasattr(function, "__wrapped__") or os.path.exists(code.co_filename):
        return ""
    try:
        source = inspect.getsource(function)
    except (TypeError, OSError):
        return ""
    used = {name: function.__globals__[name] for name in _names(code) if name in function.__globals__}
    data = {name: value for name, value in used.items() if not isinstance(value, ModuleType) and not _of_library(value)}
    if any(isinstance(value, ModuleType) and not _is_library(value) for value in used.values()):
        return ""
    defaults = [function.__defaults__, function.__kwdefaults__]
    return of_data([source, defaults, sorted(data.items(), key=lambda item: item[0])])


def _is_library(module: ModuleType) -> bool:
    """Whether a module is installed: a local one may be changed without a trace."""
    file = getattr(module, "__file__", None) or ""
    parts = set(file.replace("\\", "/").split("/"))
    return module.__name__.partition(".")[0] in sys.stdlib_module_names or bool(
        parts & set(source_fingerprint.LIBRARIES)
    )


def _of_library(value: Any) -> bool:
    """Whether a class or function belongs to an installed package."""
    if not isinstance(value, type) and not _is_plain_function(value):
        return False
    module = sys.modules.get(value.__module__ or "")
    top = (value.__module__ or "").partition(".")[0]
    return _is_installed(top) or (module is not None and value.__module__ != "__main__" and _is_library(module))


def _names(code: CodeType) -> Iterable[str]:
    """The names that a function looks up outside itself, and the functions inside it."""
    yield from sorted(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
