"""Find models, noises, metrics, protocols and analyses, in one of two ways.

A module in the right package is registered by assigning its marker, such as `METRIC`; the packages that do not import
`bench` (noises, the recognition of networks, panels) follow the same rule. User-defined objects are
`path/to/file.py:Name`, `package.module:Name` (installed, or in the current folder), or an entry point of an installed
distribution in the group `maskbench.KIND`. A file imports modules from its own folder. Listings read names and literal
constants from the source of a module, so that they import nothing large.
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

from bench.core import isolation, object_fingerprint, user_imports
from bench.core.errors import BadInput, described, shortened, unknown
from bench.core.paths import expand_user


def folder(package: str) -> Path:
    """The folder of a package, which is not imported (its parents are). Raises ModuleNotFoundError."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(f"expected a package, got {package}")
    return Path(found.submodule_search_locations[0])


def constants(package: str, module: str) -> dict[str, Any]:
    """Top-level literal assignments of a module by name, read from its source without importing it."""
    tree = ast.parse((folder(package) / f"{module}.py").read_text(encoding="utf-8"))
    found: dict[str, Any] = {"__doc__": ast.get_docstring(tree) or ""}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                found[node.targets[0].id] = ...  # assigned, but not a literal
    return found


@functools.cache
def modules(package: str, marker: str) -> dict[str, dict[str, Any]]:
    """Literal constants, by module name, of the modules of a package whose source assigns `marker`."""
    modules = (info.name for info in pkgutil.iter_modules([str(folder(package))]) if not info.ispkg)
    found = {name: constants(package, name) for name in modules}
    return {name: known for name, known in sorted(found.items()) if marker in known}


def load(package: str, name: str, marker: str) -> Any:
    """What a module of `modules` assigns to the marker."""
    return getattr(importlib.import_module(f"{package}.{name}"), marker)


def entry_points(kind: str) -> dict[str, importlib.metadata.EntryPoint]:
    """Entry points that installed distributions declare in the group `maskbench.KIND`, by name."""
    return {point.name: point for point in importlib.metadata.entry_points(group=f"maskbench.{kind}")}


def user_defined(kind: str, name: str) -> Any | None:
    """The object `path/to/file.py:Name`, `package.module:Name` or of an entry point; None for an unknown entry point.

    Raises BadInput if the file or module cannot be imported, or does not define the name.
    """
    if ":" in name:
        source, _, attribute = name.rpartition(":")
        if not attribute:
            raise BadInput(f"{kind}: expected a name after the colon, got {name}: write {name}Name")
        path = expand_user(Path(source))
        module, scope = _load_file(path) if source.endswith(".py") else _import(source, name)
        if not hasattr(module, attribute):
            own = [n for n, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
            raise unknown(f"{kind} in {source}", attribute, own)
        return _remembered(getattr(module, attribute), name, scope)
    if name.endswith(".py"):
        raise BadInput(f"{kind}: expected a file and a name in it, got only the file {name}: write {name}:Name")
    points = entry_points(kind)
    if name not in points:
        return None
    scope = _POINTS.setdefault(points[name].value, user_imports.ImportScope())
    return _remembered(_load_point(kind, points[name], scope), name, scope)


_NAMES: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
_POINTS: dict[str, user_imports.ImportScope] = {}  # of entry points, by their value


def _remembered(found: Any, name: str, scope: user_imports.ImportScope) -> Any:
    """The object, whose name and import scope are stored."""
    isolation.remember_scope(found, scope)
    with suppress(TypeError):  # not hashable or without weak references
        _NAMES[found] = name
    return found


def renamed(found: Any, other: Any) -> Any:
    """The object, stored under the name of another user-defined object."""
    return _remembered(found, _NAMES[other], isolation.scope_of(other))


def name_of(found: Any) -> str | None:
    """The name under which a user-defined object was requested; None for an object of this installation."""
    return _NAMES.get(found)


@dataclass(frozen=True)
class Origin:
    """Origin of a user-defined class.

    name         as stored in rows
    source_hash  SHA-256 of its file and of the local files that it imported; '' if there is no source
    """

    name: str
    source_hash: str


@functools.cache
def origin(kind: str, found: type) -> Origin:
    """The origin of a class, named by its entry point, `file.py:Name` (without the folder) or `module:Name`."""
    value = f"{found.__module__}:{found.__qualname__}"
    named = [point.name for point in entry_points(kind).values() if point.value.replace(" ", "") == value]
    if found.__module__ in _FILES:
        path, digest = _FILES[found.__module__]
        return Origin(f"{path.name}:{found.__qualname__}", _with_imports(digest, found))
    if isolation.scope_of(found) is isolation.NO_SCOPE:  # made in Python, not loaded by its name
        return Origin(named[0] if named else value, object_fingerprint.of_class(found))
    try:
        with isolation.in_scope_of(found):
            file = Path(inspect.getsourcefile(found))  # type: ignore[arg-type]  # None raises TypeError
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
    except (TypeError, OSError):  # defined in an interactive session, or compiled: no source
        digest = ""
    return Origin(named[0] if named else value, _with_imports(digest, found) if digest else "")


def _with_imports(digest: str, found: type) -> str:
    """The SHA-256 of a file, combined with those of the local files that it imported, if any."""
    local = [other for _, other in sorted(isolation.scope_of(found).imported.items()) if other != digest]
    return hashlib.sha256("".join([digest, *local]).encode()).hexdigest() if local else digest


def file_of(found: type) -> Path | None:
    """The file from which a class was loaded by path; None for a class of a package."""
    return _FILES[found.__module__][0] if found.__module__ in _FILES else None


def source_of(found: Any) -> str:
    """SHA-256 of the file from which a class or function was loaded by path; '' for one of a package."""
    return _FILES[found.__module__][1] if getattr(found, "__module__", "") in _FILES else ""


_FILES: dict[str, tuple[Path, str]] = {}  # path and SHA-256 of loaded files, by module name
_Loaded = tuple[ModuleType, user_imports.ImportScope]
_LOADED: dict[tuple[Path | str, str], _Loaded] = {}  # by file and SHA-256, or by module and current folder
MAX_IMPORT_ATTEMPTS = 8  # per file, each with another parent folder


def _load_file(path: Path) -> _Loaded:
    """The module of a file, executed once per content of the file and of its local imports. Raises BadInput."""
    if not path.is_file():
        raise BadInput(f"expected a Python file, got {path}, which does not exist: check the path")
    try:
        source = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    key = path.resolve(), hashlib.sha256(source).hexdigest()
    if key in _LOADED and not _LOADED[key][1].changed():
        return _LOADED[key]
    scope = user_imports.initial_scope(path)
    for attempt in range(MAX_IMPORT_ATTEMPTS):
        try:
            _LOADED[key] = _executed(path, source, key[1], scope), scope
            break
        except Exception as error:  # a user's file may raise anything
            wider = user_imports.widened_scope(scope, path, error) if attempt < MAX_IMPORT_ATTEMPTS - 1 else None
            if wider is None:
                _LOADED.pop(key, None)
                raise BadInput(f"{path}: import failed: {described(error)}{_searched(error, scope)}") from error
            scope = wider
    user_imports.imported(path, scope)
    return _LOADED[key]


def _executed(path: Path, source: bytes, digest: str, scope: user_imports.ImportScope) -> ModuleType:
    """Execute a file in an import scope, as a module of its package if it has one; returns the module."""
    path_hash = hashlib.sha256(str(path.resolve()).encode()).hexdigest()
    name = ".".join(filter(None, [scope.package, f"{user_imports.MODULE_PREFIX}{path_hash[:12]}_{digest[:12]}"]))
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]  # of a file that exists
    code = compile(source, str(path), "exec")  # the loader's cache may hold an older version
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


def _searched(error: BaseException, scope: user_imports.ImportScope) -> str:
    """The folders searched for a module that a file imports; '' for other errors."""
    if not isinstance(error, ImportError):
        return ""
    folders = ", ".join(map(str, scope.folders))
    if isinstance(error, ModuleNotFoundError):
        return f" (neither installed nor in {folders})"
    local = any(cause in str(error) for cause in ("relative import", "(unknown location)"))
    return f" (searched: {folders})" if local else ""


def _import(module_name: str, name: str) -> _Loaded:
    """The module of `package.module:Name`, installed or in the current folder. Raises BadInput."""
    if not all(part.isidentifier() for part in module_name.split(".")):
        raise BadInput(f"expected path/to/file.py:Name or package.module:Name, got {shortened(name)}")
    here = Path.cwd()
    key = (module_name, str(here))
    if key in _LOADED and not _LOADED[key][1].changed():
        return _LOADED[key]
    scope = user_imports.ImportScope((here,))
    scope.read_folders()
    try:
        with isolation.user_code(scope, keep=True):
            module = importlib.import_module(module_name)
    except Exception as error:  # a package may raise anything
        where = f" (neither installed nor in {here})" if isinstance(error, ModuleNotFoundError) else ""
        raise BadInput(f"{name}: import failed: {described(error)}{where}") from error
    scope.remember_files()
    _LOADED[key] = module, scope
    return _LOADED[key]


def _load_point(kind: str, point: importlib.metadata.EntryPoint, scope: user_imports.ImportScope) -> Any:
    try:
        with isolation.user_code(scope, keep=point.module not in sys.modules):
            return point.load()
    except Exception as error:  # a package may raise anything
        owner = f" of package {point.dist.name}" if point.dist else ""
        raise BadInput(
            f"{kind} {point.name!r}{owner}: import of {point.value} failed: {described(error)}. Fix or uninstall that "
            "package"
        ) from error
