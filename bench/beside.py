"""Imports of what lies beside a user's file, or in the current folder, as if Python had been started there."""

from __future__ import annotations

import hashlib
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

OURS = ("bench", "baselines", "noise_zoo", "analysis", "reports")  # a user's modules do not take their place


def folders_of(file: Path) -> tuple[Path, ...]:
    """Where the imports of a file are looked up: in its folder, and beside the package that it is in."""
    folder = root = file.resolve().parent
    while (root / "__init__.py").is_file():
        root = root.parent
    return (folder,) if root == folder else (folder, root)


@contextmanager
def found(*folders: Path) -> Iterator[None]:
    """Import from folders before all that is installed; afterwards they are asked last, for what is imported late.

    `sys.path` stays as it is. A module that another folder gave under the name of one here makes way, so that each
    file gets its own.
    """
    _forget({_top(name) for name, home in _homes(folders).items() if home in _LATE.folders and home not in folders})
    first = _Finder(folders, first=True)
    _LATE.folders = (*folders, *(other for other in _LATE.folders if other not in folders))
    if _LATE not in sys.meta_path:
        sys.meta_path.append(_LATE)
    sys.meta_path.insert(0, first)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.meta_path.remove(first)
        for name, home in _homes(folders).items():
            if home in folders:
                _DIGESTS.setdefault(name, _digest(sys.modules[name]))


def forget_changed(*folders: Path) -> bool:
    """Forget the modules of folders if one was edited since it was imported; whether that was so."""
    known = [name for name, home in _homes(folders).items() if home in folders and name in _DIGESTS]
    changed = any(_digest(sys.modules[name]) != _DIGESTS[name] for name in known)
    _forget({_top(name) for name in known} if changed else set())
    return changed


class _Finder:
    """Finds modules in folders. One that is asked first leaves our names, Python's, and folders without code alone."""

    def __init__(self, folders: tuple[Path, ...] = (), first: bool = False):
        self.folders, self.first = folders, first

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if path is not None or (self.first and name in (*OURS, *sys.stdlib_module_names)):
            return None
        spec = PathFinder.find_spec(name, [str(folder) for folder in self.folders])
        return None if spec and spec.loader is None and self.first else spec


def _homes(folders: tuple[Path, ...]) -> dict[str, Path]:
    """The imported modules that have the name of something in the folders, and the folder that each came from."""
    tops = {path.stem for folder in folders for path in folder.iterdir()} - {*OURS, *sys.stdlib_module_names}
    homes = {}
    for name in [name for name in sys.modules if _top(name) in tops]:
        path = Path(getattr(sys.modules[name], "__file__", None) or "")
        up = name.count(".") + (path.stem == "__init__")
        if path.is_absolute() and up < len(path.parents):
            homes[name] = path.parents[up]
    return homes


def _digest(module: ModuleType) -> str:
    file = Path(module.__file__)
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""


def _top(name: str) -> str:
    return name.partition(".")[0]


def _forget(tops: set[str]) -> None:
    for name in [name for name in sys.modules if _top(name) in tops]:
        _DIGESTS.pop(name, None)
        del sys.modules[name]


_LATE = _Finder()
_DIGESTS: dict[str, str] = {}  # SHA-256 of the modules that were found in such folders, by name
