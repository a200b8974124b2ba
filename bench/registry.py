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
import weakref
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from bench import isolation, user_imports
from bench.errors import BadInput, described, shortened, unknown
from bench.home import expanded


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


def user_defined(kind: str, name: str) -> Any | None:
    """An object named as `path/to/file.py:Name`, `package.module:Name` or by an entry point; None if it is neither."""
    if ":" in name:
        place, _, attribute = name.rpartition(":")
        path = expanded(Path(place))
        module, scope = _load_file(path) if place.endswith(".py") else _import(place, name)
        if not hasattr(module, attribute):
            own = [n for n, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
            raise unknown(f"{kind} in {place}", attribute, own)
        return _remembered(getattr(module, attribute), name, scope)
    if name.endswith(".py"):
        raise BadInput(f"{name} is a file, wanted the {kind} in it too: {name}:Name")
    points = entry_points(kind)
    if name not in points:
        return None
    scope = _POINTS.setdefault(points[name].value, user_imports.ImportScope())
    return _remembered(_load_point(kind, points[name], scope), name, scope)


_NAMES: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
_POINTS: dict[str, user_imports.ImportScope] = {}  # of entry points, by what they name


def _remembered(found: Any, name: str, scope: user_imports.ImportScope) -> Any:
    isolation.remember_scope(found, scope)
    with suppress(TypeError):  # an object without weak references or a hash has no name to be found again by
        _NAMES[found] = name
    return found


def renamed(found: Any, other: Any) -> Any:
    """The object, from now on known by what another one from outside was asked for by."""
    return _remembered(found, _NAMES[other], isolation.scope_of(other))


def name_of(found: Any) -> str | None:
    """The name that an object from outside was asked for by; None for one of this installation."""
    return _NAMES.get(found)


@dataclass(frozen=True)
class Origin:
    """Where a class from outside comes from: the name that rows have for it, and the SHA-256 of its source, or ''.

    The source is that of its file and of what the file imported from its folders.
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
        return Origin(f"{path.name}:{found.__qualname__}", _with_imports(digest, found))
    try:
        with isolation.in_scope_of(found):
            digest = hashlib.sha256(Path(inspect.getsourcefile(found)).read_bytes()).hexdigest()
    except (TypeError, OSError):  # made in a session, or compiled: nothing to read
        digest = ""
    return Origin(named[0] if named else value, _with_imports(digest, found) if digest else "")


def _with_imports(digest: str, found: type) -> str:
    """The SHA-256 of a file, and of those that it imported from its folders where there are any."""
    beside = [other for _, other in sorted(isolation.scope_of(found).imported.items()) if other != digest]
    return hashlib.sha256("".join([digest, *beside]).encode()).hexdigest() if beside else digest


def file_of(found: type) -> Path | None:
    """The file that a class was loaded from by its path; None for one of a package."""
    return _FILES[found.__module__][0] if found.__module__ in _FILES else None


def source_of(found: Any) -> str:
    """SHA-256 of the file that a class or function was loaded from by its path; '' for one of a package."""
    return _FILES[found.__module__][1] if getattr(found, "__module__", "") in _FILES else ""


_FILES: dict[str, tuple[Path, str]] = {}  # loaded files by the name of their module: path, SHA-256
_LOADED: dict[
    tuple[Path | str, str], tuple[ModuleType, user_imports.ImportScope]
] = {}  # by file and SHA-256, or module and folder
MAX_IMPORT_ATTEMPTS = 8  # at most, with folders above a file


def _load_file(path: Path) -> tuple[ModuleType, user_imports.ImportScope]:
    """The module of a file, executed once for each content that it and what it imports beside it have had."""
    if not path.is_file():
        raise BadInput(f"there is no file {path}")
    try:
        source = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    key = path.resolve(), hashlib.sha256(source).hexdigest()
    if key in _LOADED and not _LOADED[key][1].changed():
        return _LOADED[key]
    scope = user_imports.initial_scope(path)
    for attempt in range(MAX_IMPORT_ATTEMPTS):
        try:
            _LOADED[key] = _executed(path, source, key[1], scope), scope
            break
        except (Exception, SystemExit) as error:  # whatever a user's file raises is reported as his file's error
            wider = user_imports.widened_scope(scope, path, error) if attempt < MAX_IMPORT_ATTEMPTS - 1 else None
            if wider is None:
                _LOADED.pop(key, None)
                words = f"{described(error)}{_advice(error, scope)}"
                raise BadInput(f"{path} cannot be imported: {words}") from error
            scope = wider
    user_imports.imported(path, scope)
    return _LOADED[key]


def _executed(path: Path, source: bytes, digest: str, scope: user_imports.ImportScope) -> ModuleType:
    """The module of a file, executed in a scope, as a module of its package where it has one there."""
    place = hashlib.sha256(str(path.resolve()).encode()).hexdigest()
    name = ".".join(filter(None, [scope.package, f"{user_imports.MODULE_PREFIX}{place[:12]}_{digest[:12]}"]))
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    code = compile(source, str(path), "exec")  # not the loader, whose caches may hold an older text
    scope.read_folders()
    try:
        with isolation.user_code(scope, keep=True):
            sys.modules[name] = module  # dataclasses look their module up
            exec(code, vars(module))
    except BaseException:
        sys.modules.pop(name, None)
        raise
    _FILES[name] = (path, digest)
    return module


def _advice(error: BaseException, scope: user_imports.ImportScope) -> str:
    """What was searched for a module that a file imports; '' where that is not the matter."""
    if not isinstance(error, ImportError):
        return ""
    folders = ", ".join(map(str, scope.folders))
    if isinstance(error, ModuleNotFoundError):
        return f", neither installed nor in {folders}"
    local = any(words in str(error) for words in ("relative import", "(unknown location)"))
    return f" (imports were tried from {folders})" if local else ""


def _import(place: str, name: str) -> tuple[ModuleType, user_imports.ImportScope]:
    if not all(part.isidentifier() for part in place.split(".")):
        raise BadInput(f"{shortened(name)} names nothing: wanted path/to/file.py:Name or package.module:Name")
    here = Path.cwd()
    key = (place, str(here))
    if key in _LOADED and not _LOADED[key][1].changed():
        return _LOADED[key]
    scope = user_imports.ImportScope((here,))
    scope.read_folders()
    try:
        with isolation.user_code(scope, keep=True):
            module = importlib.import_module(place)
    except (Exception, SystemExit) as error:  # a package may raise anything
        where = f", neither installed nor in {here}" if isinstance(error, ModuleNotFoundError) else ""
        raise BadInput(f"{name!r} cannot be imported: {described(error)}{where}") from error
    scope.remember_files()
    _LOADED[key] = module, scope
    return _LOADED[key]


def _load_point(kind: str, point: importlib.metadata.EntryPoint, scope: user_imports.ImportScope) -> Any:
    try:
        with isolation.user_code(scope, keep=point.module not in sys.modules):
            return point.load()
    except (Exception, SystemExit) as error:  # a package may raise anything
        owner = f" of {point.dist.name}" if point.dist else ""
        raise BadInput(
            f"the {kind} {point.name!r}{owner} ({point.value}) cannot be loaded: {described(error)}. "
            "Mend or uninstall that package"
        ) from error
