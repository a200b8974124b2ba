"""Imports of user-defined files from their own folder, or the current one, as if Python had been started there.

Each file has an `ImportScope` of its own: the folders that it imports from, and the modules imported from there. These
are in `sys.modules` only while code of that file runs, so that two files may each have a `utils`.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import pkgutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

# user modules cannot replace these packages, nor modules that cannot be loaded twice
OWN_PACKAGES = ("bench", "baselines", "noise_zoo", "analysis", "reports")
PROTECTED = {
    *OWN_PACKAGES,
    *sys.stdlib_module_names,
    "numpy",
    "torch",
}  # nor that of these, which cannot be loaded twice
NOT_IMPORTED = object()  # unlike None, with which a file forbids the import of a module


@dataclass(eq=False)
class ImportScope:
    """Folders and modules that a user's file imports from, besides the installed packages.

    folders   searched in this order, before the installed packages
    package   dotted package of the file for relative imports, '' if it has none
    forced    names imported from the folders although these have no `__init__.py`
    names     names of modules in the folders; they take precedence over all others
    modules   modules imported from the folders, by name
    kept      process settings that the file made while it was imported (`process_state`)
    imported  SHA-256 of the imported files, by path
    """

    folders: tuple[Path, ...] = ()
    package: str = ""
    forced: frozenset[str] = frozenset()
    names: set[str] = field(default_factory=set)
    modules: dict[str, ModuleType] = field(default_factory=dict)
    kept: dict[int, Any] = field(default_factory=dict)
    imported: dict[Path, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.first, self.last = _Finder(self, first=True), _Finder(self)

    @contextmanager
    def entered(self, paths: tuple[str, ...]) -> Iterator[None]:
        """Context with the scope's modules in `sys.modules` and its folders searched; both are restored at its end.

        Modules imported meanwhile from `paths`, those of the installed packages, stay loaded for all, unless the scope
        has a module with the name of an installed one, which may have been imported instead.
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
                self._remove_new(before, {_real(entry) for entry in paths})

    def read_folders(self) -> None:
        """Refresh the names of the modules in the folders."""
        importlib.invalidate_caches()
        found = {module.name for module in pkgutil.iter_modules(map(str, self.folders))}
        self.names = (found | self.forced) - PROTECTED

    def remember_files(self) -> None:
        """Store the SHA-256 of the files of the modules, for `changed`."""
        self.imported = {path: _digest(path) for path in _files(self.modules)}

    def changed(self) -> bool:
        """Whether an imported file has been edited or removed since."""
        return any(_digest(path) != digest for path, digest in self.imported.items())

    def _hide(self, before: dict[str, ModuleType]) -> None:
        """Remove modules from elsewhere that have the name of a module in the folders."""
        hidden = {top for top in self.names if top in before and top not in self.modules}
        if hidden:
            for name in [name for name in before if _top_level(name) in hidden]:
                del sys.modules[name]

    def _remove_new(self, before: dict[str, ModuleType], paths: set[str]) -> None:
        """Move modules imported from the folders out of `sys.modules`, and restore those that they replaced."""
        own = {str(folder) for folder in self.folders}
        new = {name: module for name, module in sys.modules.items() if before.get(name, NOT_IMPORTED) is not module}
        tops = {_top_level(name) for name in new if _top_level(name) not in before or _top_level(name) in self.names}
        private = {top for top in tops if top not in OWN_PACKAGES and not _installed(new.get(top), top, paths - own)}
        if any(_findable(top, paths - own) for top in private):  # an installed package may have imported it
            private |= {_top_level(name) for name in new} - PROTECTED
        for name, module in new.items():
            if name.rpartition(".")[2].startswith(MODULE_PREFIX):
                continue
            if _top_level(name) in private or name in before or _misnamed(module, name):
                self.modules[name] = sys.modules.pop(name)
        for name in [name for name in self.modules if name in sys.modules]:
            del sys.modules[name]
        sys.modules.update({name: module for name, module in before.items() if sys.modules.get(name) is not module})


MODULE_PREFIX = "_outside_"  # of the unique module names of user files


class _Finder:
    """Finds modules in the folders of a scope.

    The finder at the front of `sys.meta_path` skips protected names, and folders without code that are not forced.
    """

    def __init__(self, scope: ImportScope, first: bool = False):
        self.scope, self.first = scope, first

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if path is not None or (self.first and name in PROTECTED):
            return None
        spec = PathFinder.find_spec(name, [str(folder) for folder in self.scope.folders])
        bare = spec is not None and spec.loader is None and name not in self.scope.forced
        return None if bare and self.first else spec


_SCOPE_OF_FILE: dict[Path, ImportScope] = {}  # of imported files, by path
PROJECT_MARKERS = (
    ".git",
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
)  # in the top folder of a project


def imported(file: Path, scope: ImportScope) -> None:
    """Store the scope in which a file was imported, and the SHA-256 of the files that it imported."""
    _SCOPE_OF_FILE[file.resolve()] = scope
    scope.remember_files()


def folders_of(file: Path) -> tuple[Path, ...]:
    """Folders searched for the imports of a file: those of its scope, or else its own and its package's."""
    if file.resolve() in _SCOPE_OF_FILE:
        return _SCOPE_OF_FILE[file.resolve()].folders
    folder = file.resolve().parent
    root = _package_root(folder)
    return (folder,) if root == folder else (folder, root)


def root_of(file: Path) -> Path:
    """The topmost of the folders that a file imports from."""
    return min(folders_of(file), key=lambda folder: len(folder.parts))


def initial_scope(file: Path) -> ImportScope:
    """The scope of the first attempt to import a file; `widened_scope` gives further ones."""
    _SCOPE_OF_FILE.pop(file.resolve(), None)
    return ImportScope(folders_of(file))


def widened_scope(scope: ImportScope, file: Path, error: BaseException) -> ImportScope | None:
    """A scope in which a failed import may succeed, with a parent folder or as part of a package; else None.

    `error` is the exception that the import of the file raised.
    """
    folder = file.resolve().parent
    if isinstance(error, ModuleNotFoundError) and error.name:
        parts = error.name.split(".")
        above = [other for other in _project(folder) if other != scope.folders[0] and _has(other, parts)]
        if above:
            folders = (above[0], *(other for other in scope.folders if other != above[0]))
            return ImportScope(folders, scope.package, scope.forced | {parts[0]})
    elif isinstance(error, ImportError) and "relative import" in str(error):
        levels = scope.package.count(".") + 2 if scope.package else 1
        root = folder.parents[levels - 1]
        if not scope.package and _package_root(folder) != folder:
            root = _package_root(folder)
        names = folder.relative_to(root).parts
        if root != root.parent and all(name.isidentifier() for name in names):
            return ImportScope(tuple(dict.fromkeys((*scope.folders, root))), ".".join(names), scope.forced | {names[0]})
    return None


def _project(folder: Path) -> list[Path]:
    """The folder and its parents, up to the top of the project, at most up to the home folder."""
    found = []
    for above in (folder, *folder.parents):
        if above in (above.parent, Path.home()) and above != folder:
            break
        found.append(above)
        if any((above / name).exists() for name in PROJECT_MARKERS):
            break
    return found


def _package_root(folder: Path) -> Path:
    """The first parent that is not a package; the folder itself if it is not one."""
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder


def _has(folder: Path, parts: list[str]) -> bool:
    """Whether a.b.c could be imported from a folder: there is a file of that name, or a folder with code."""
    path = folder.joinpath(*parts)
    return path.with_name(path.name + ".py").is_file() or any(any(path.glob(form)) for form in ("*.py", "*/*.py"))


def _installed(module: ModuleType | None, name: str, paths: set[str]) -> bool:
    """Whether a module is built in, frozen, or from `paths`, the search path without the user's folders."""
    spec = getattr(module, "__spec__", None)
    if spec is None or spec.name != name:
        return False
    if spec.origin in ("built-in", "frozen"):
        return True
    files = [spec.origin] if spec.submodule_search_locations is None else list(spec.submodule_search_locations)
    return any(file and _real(os.path.dirname(file)) in paths for file in files)


def _misnamed(module: ModuleType | None, name: str) -> bool:
    """Whether a module is registered under a name other than the import system's, or as None, which forbids it."""
    spec = getattr(module, "__spec__", None)
    return spec is None or spec.name != name


def _findable(name: str, paths: set[str]) -> bool:
    spec = PathFinder.find_spec(name, list(paths))
    return spec is not None and spec.loader is not None


def _files(modules: dict[str, ModuleType]) -> list[Path]:
    names = {getattr(module, "__file__", None) for module in modules.values()}
    return [Path(name) for name in sorted(filter(None, names))]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _real(path: str) -> str:
    return os.path.realpath(path or os.getcwd())


def _top_level(name: str) -> str:
    return name.partition(".")[0]
