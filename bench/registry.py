"""Find noises and models: by module name here, by entry point or file elsewhere.

Nothing is registered by hand: a file in the right package is the registration. Outside the project a distribution
declares an entry point in the group `maskbench.KIND`, and a script is named as `path/to/file.py:Name`, or as
`package.module:Name`, installed or in the current folder. What a script imports from its own folder is found there.
Listing reads names and the literal constants of a module's source, so that it imports nothing heavy.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib
import importlib.metadata
import importlib.util
import inspect
import pkgutil
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from bench import beside, sources
from bench.errors import BadInput, described, shortened, unknown


def constants(package: str, module: str) -> dict[str, Any]:
    """Top-level literal assignments of a module, read from its source without importing it."""
    finder = importlib.util.find_spec(package)
    tree = ast.parse((Path(finder.submodule_search_locations[0]) / f"{module}.py").read_text())
    found: dict[str, Any] = {"__doc__": ast.get_docstring(tree) or ""}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                found[node.targets[0].id] = ...  # there, but not a literal
    return found


@functools.cache
def modules(package: str, marker: str) -> dict[str, dict[str, Any]]:
    """Modules of a package whose source assigns `marker`, with their literal constants, by name."""
    path = importlib.util.find_spec(package).submodule_search_locations
    found = {info.name: constants(package, info.name) for info in pkgutil.iter_modules(path) if not info.ispkg}
    return {name: known for name, known in sorted(found.items()) if marker in known}


def entry_points(kind: str) -> dict[str, importlib.metadata.EntryPoint]:
    """What other distributions declare under `maskbench.KIND`."""
    return {point.name: point for point in importlib.metadata.entry_points(group=f"maskbench.{kind}")}


def outside(kind: str, name: str) -> Any | None:
    """An object named as `path/to/file.py:Name`, `package.module:Name` or by an entry point; None if it is neither."""
    if ":" in name:
        place, _, attribute = name.rpartition(":")
        module = _load_file(Path(place), attribute) if place.endswith(".py") else _import(place, name)
        if not hasattr(module, attribute):
            own = [n for n, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
            raise unknown(f"{kind} in {place}", attribute, own)
        return getattr(module, attribute)
    if name.endswith(".py"):
        raise BadInput(f"{name} is a file, wanted the {kind} in it too: {name}:Name")
    points = entry_points(kind)
    return _load_point(kind, points[name]) if name in points else None


@dataclass(frozen=True)
class Origin:
    """Where a class from outside comes from: the name that rows have for it, and the SHA-256 of its source, or ''.

    The source is its file and what that imports of its folder or package.
    """

    name: str
    source_hash: str


@functools.cache
def origin(kind: str, found: type) -> Origin:
    """The entry point's name where it has one; else `file.py:Name`, without the folder, or `package.module:Name`."""
    value = f"{found.__module__}:{found.__qualname__}"
    named = [point.name for point in entry_points(kind).values() if point.value.replace(" ", "") == value]
    if found.__module__ in _FILES:
        path, digest = _FILES[found.__module__]
        return Origin(f"{path.name}:{found.__qualname__}", _with_beside(path, digest))
    try:
        path = Path(inspect.getsourcefile(found))
        digest = _with_beside(path, hashlib.sha256(path.read_bytes()).hexdigest())
    except (TypeError, OSError):  # made in a session, or compiled: nothing to read
        digest = ""
    return Origin(named[0] if named else value, digest)


def _with_beside(path: Path, digest: str) -> str:
    """The SHA-256 of a file, or of it and of what it imports beside it where there is such."""
    _, *others = sources.sources(path)
    if not others:
        return digest
    return hashlib.sha256("".join([digest, *(sources.digest(other) for other in others)]).encode()).hexdigest()


def file_of(found: type) -> Path | None:
    """The file that a class was loaded from by its path; None for one of a package."""
    return _FILES[found.__module__][0] if found.__module__ in _FILES else None


_FILES: dict[str, tuple[Path, str]] = {}  # loaded files by the name of their module: path, SHA-256


def _load_file(path: Path, attribute: str) -> ModuleType:
    """The module of a file, executed once for each content that it and what it imports beside it have had.

    `attribute`: what of it is wanted, for the words of an error.
    """
    if not path.is_file():
        raise BadInput(f"there is no file {path}")
    try:
        source = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    digest = hashlib.sha256(source).hexdigest()
    place = hashlib.sha256(str(path.resolve()).encode()).hexdigest()
    name = f"_outside_{place[:12]}_{digest[:12]}"
    folders = beside.folders_of(path)
    if beside.forget_changed(*folders):
        for other in [other for other in _FILES if other in sys.modules]:
            if Path(sys.modules[other].__file__).resolve().parent in folders:  # it may have imported what changed
                del sys.modules[other]
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        code = compile(source, str(path), "exec")  # not the loader, whose caches may hold an older text
        with beside.found(*folders):
            exec(code, vars(module))
    except (Exception, SystemExit) as error:  # whatever a user's file raises is reported as his file's error
        sys.modules.pop(name, None)
        raise BadInput(f"{path} cannot be imported: {described(error)}{_advice(error, path, attribute)}") from error
    _FILES[name] = (path, digest)
    return module


def _advice(error: BaseException, path: Path, attribute: str) -> str:
    """What to do about a file that cannot be imported; '' where there is nothing to say."""
    if isinstance(error, ModuleNotFoundError):
        return ", neither installed nor beside that file"
    if isinstance(error, ImportError) and "relative import" in str(error):
        folder, *above = beside.folders_of(path)
        root = above[0] if above else folder.parent
        parts = path.resolve().relative_to(root).with_suffix("").parts
        if all(part.isidentifier() for part in parts):
            return f": write {'.'.join(parts)}:{attribute} in the folder {root}"
    return ""


def _import(place: str, name: str) -> ModuleType:
    if not all(part.isidentifier() for part in place.split(".")):
        raise BadInput(f"{shortened(name)} names nothing: wanted path/to/file.py:Name or package.module:Name")
    try:
        here = Path.cwd()
        beside.forget_changed(here)
        with beside.found(here):
            return importlib.import_module(place)
    except (Exception, SystemExit) as error:  # a package may raise anything
        where = f", neither installed nor in {here}" if isinstance(error, ModuleNotFoundError) else ""
        raise BadInput(f"{name!r} cannot be imported: {described(error)}{where}") from error


def _load_point(kind: str, point: importlib.metadata.EntryPoint) -> Any:
    try:
        return point.load()
    except (Exception, SystemExit) as error:  # a package may raise anything
        owner = f" of {point.dist.name}" if point.dist else ""
        raise BadInput(
            f"the {kind} {point.name!r}{owner} ({point.value}) cannot be loaded: {described(error)}. "
            "Mend or uninstall that package"
        ) from error
