"""Imports of what lies beside a user's file, or in the current folder, as if Python had been started there.

Each file has a `World` of its own: the folders it imports from, and the modules that came from there. They are among
Python's modules only while code of that file runs, so that two files may each have a `utils`.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

OURS = ("bench", "baselines", "noise_zoo", "analysis", "reports")  # a user's modules do not take their place
PROTECTED = {*OURS, *sys.stdlib_module_names, "numpy", "torch"}  # nor that of these, which cannot be loaded twice


@dataclass(eq=False)
class World:
    """What a user's file sees of Python's modules besides those that are installed.

    folders  where it imports from, the first before the second, all before what is installed
    package  the dotted package that a file is in for its relative imports, '' where it has none
    forced   names that are taken from the folders though these folders have no `__init__.py`
    names    what the folders have modules of, that go before all others
    modules  what it imported from there, by name
    kept     settings of the process that the file made while it was imported (`process_state`)
    imported SHA-256 of the files that came with it, by path
    """

    folders: tuple[Path, ...] = ()
    package: str = ""
    forced: frozenset[str] = frozenset()
    names: set[str] = field(default_factory=set)
    modules: dict[str, ModuleType] = field(default_factory=dict)
    kept: dict[int, Any] = field(default_factory=dict)
    imported: dict[Path, str] = field(default_factory=dict)

    def __post_init__(self):
        self.first, self.last = _Finder(self, first=True), _Finder(self)

    @contextmanager
    def entered(self, paths: tuple[str, ...]) -> Iterator[None]:
        """Have the world's modules among Python's, and its folders searched; afterwards all is as it was before.

        What is imported meanwhile from `paths`, those of the installed packages, stays for all, unless the world has a
        module of the name of an installed one: it may have been imported in its place.
        """
        before = sys.modules.copy()
        self._hide(before)
        sys.modules.update(self.modules)
        sys.meta_path.insert(0, self.first)
        sys.meta_path.append(self.last)
        try:
            yield
        finally:
            for finder in (self.first, self.last):
                if finder in sys.meta_path:
                    sys.meta_path.remove(finder)
            if sys.modules != before:
                self._take_away(before, {_real(entry) for entry in paths})

    def read_folders(self) -> None:
        """Read anew what lies in its folders."""
        importlib.invalidate_caches()
        found = {path.name.partition(".")[0] for folder in self.folders for path in _listed(folder)} - PROTECTED
        self.names = {name for name in found if name.isidentifier() and self.first.find_spec(name)}

    def remember_files(self) -> None:
        """Keep the SHA-256 of the files of its modules, as `changed` compares them."""
        self.imported = {path: _digest(path) for path in _files(self.modules)}

    def changed(self) -> bool:
        """Whether a file that was imported was edited or removed since."""
        return any(_digest(path) != digest for path, digest in self.imported.items())

    def _hide(self, before: dict[str, ModuleType]) -> None:
        """Take modules of other places away whose names something in the folders has."""
        hidden = {top for top in self.names if top in before and top not in self.modules}
        if hidden:
            for name in [name for name in before if _top(name) in hidden]:
                del sys.modules[name]

    def _take_away(self, before: dict[str, ModuleType], paths: set[str]) -> None:
        own = {str(folder) for folder in self.folders}
        new = {name: module for name, module in sys.modules.items() if before.get(name, self) is not module}
        tops = {_top(name) for name in new if _top(name) not in before or _top(name) in self.names}
        private = {top for top in tops if top not in OURS and not _installed(new.get(top), top, paths - own)}
        if any(_findable(top, paths - own) for top in private):  # what is installed may have imported it
            private |= {_top(name) for name in new} - PROTECTED
        for name, module in new.items():
            if name.rpartition(".")[2].startswith(OUTSIDE):
                continue
            if _top(name) in private or name in before or _strange(module, name):
                self.modules[name] = sys.modules.pop(name)
        for name in [name for name in self.modules if name in sys.modules]:
            del sys.modules[name]
        sys.modules.update(
            {name: module for name, module in before.items() if sys.modules.get(name, self) is not module}
        )


OUTSIDE = "_outside_"  # begins the names of the modules of files, each of which is there once


class _Finder:
    """Finds modules in the folders of a world.

    One that is asked first leaves protected names alone, and folders without code that are not forced.
    """

    def __init__(self, world: World, first: bool = False):
        self.world, self.first = world, first

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if path is not None or (self.first and name in PROTECTED):
            return None
        spec = PathFinder.find_spec(name, [str(folder) for folder in self.world.folders])
        bare = spec is not None and spec.loader is None and name not in self.world.forced
        return None if bare and self.first else spec


_KNOWN: dict[Path, World] = {}  # the worlds of files that were imported, by their paths
ENDS = (".git", "pyproject.toml", "setup.py", "setup.cfg")  # of these the topmost folder of a project has one


def imported(file: Path, world: World) -> None:
    """Remember that a file was imported in a world, and the SHA-256 of the files that came with it."""
    _KNOWN[file.resolve()] = world
    world.remember_files()


def folders_of(file: Path) -> tuple[Path, ...]:
    """Where the imports of a file are looked up: those in which it was imported; at first beside it and its package."""
    if file.resolve() in _KNOWN:
        return _KNOWN[file.resolve()].folders
    folder = file.resolve().parent
    root = _package_root(folder)
    return (folder,) if root == folder else (folder, root)


def root_of(file: Path) -> Path:
    """The topmost of the folders that a file imports from; the others are below it."""
    return min(folders_of(file), key=lambda folder: len(folder.parts))


def first_world(file: Path) -> World:
    """The world that a file is imported in at first; `widened` gives others."""
    _KNOWN.pop(file.resolve(), None)
    return World(folders_of(file))


def widened(world: World, file: Path, error: BaseException) -> World | None:
    """The world in which an import that failed may succeed: with a folder above, or as a package's; or None.

    `error` is what importing the file raised.
    """
    folder = file.resolve().parent
    if isinstance(error, ModuleNotFoundError) and error.name:
        parts = error.name.split(".")
        above = [other for other in _project(folder) if other != world.folders[0] and _has(other, parts)]
        if above:
            folders = (above[0], *(other for other in world.folders if other != above[0]))
            return World(folders, world.package, world.forced | {parts[0]})
    elif isinstance(error, ImportError) and "relative import" in str(error):
        levels = world.package.count(".") + 2 if world.package else 1
        root = folder.parents[levels - 1]
        if not world.package and _package_root(folder) != folder:
            root = _package_root(folder)
        names = folder.relative_to(root).parts
        if root != root.parent and all(name.isidentifier() for name in names):
            return World(tuple(dict.fromkeys((*world.folders, root))), ".".join(names), world.forced | {names[0]})
    return None


def _project(folder: Path) -> list[Path]:
    """The folder and those above it, up to the topmost of its project, and to the user's own at most."""
    found = []
    for above in (folder, *folder.parents):
        if above in (above.parent, Path.home()) and above != folder:
            break
        found.append(above)
        if any((above / name).exists() for name in ENDS):
            break
    return found


def _package_root(folder: Path) -> Path:
    """The first folder above that is no package; the folder itself where it is none."""
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder


def _has(folder: Path, parts: list[str]) -> bool:
    """Whether a.b.c could be imported from a folder: a file of that name, or a folder with code."""
    path = folder.joinpath(*parts)
    return path.with_name(path.name + ".py").is_file() or any(any(path.glob(form)) for form in ("*.py", "*/*.py"))


def _installed(module: ModuleType | None, name: str, paths: set[str]) -> bool:
    """Whether a module is one that all would get: built in, frozen, or from where Python looks without a user."""
    spec = getattr(module, "__spec__", None)
    if spec is None or spec.name != name:
        return False
    if spec.origin in ("built-in", "frozen"):
        return True
    places = [spec.origin] if spec.submodule_search_locations is None else list(spec.submodule_search_locations)
    return any(place and _real(os.path.dirname(place)) in paths for place in places)


def _strange(module: ModuleType, name: str) -> bool:
    """Whether a module was put under a name that the import system would not have given it."""
    spec = getattr(module, "__spec__", None)
    return spec is None or spec.name != name


def _findable(name: str, paths: set[str]) -> bool:
    spec = PathFinder.find_spec(name, list(paths))
    return spec is not None and spec.loader is not None


def _files(modules: dict[str, ModuleType]) -> list[Path]:
    names = {getattr(module, "__file__", None) for module in modules.values()}
    return [Path(name) for name in sorted(filter(None, names))]


def _listed(folder: Path) -> list[Path]:
    """What may be modules in a folder."""
    inside = list(folder.iterdir()) if folder.is_dir() else []
    return [path for path in inside if path.suffix in (".py", ".so", ".pyd") or path.is_dir()]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _real(path: str) -> str:
    return os.path.realpath(path or os.getcwd())


def _top(name: str) -> str:
    return name.partition(".")[0]
