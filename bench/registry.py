"""Find noises and models: by module name here, by entry point or file elsewhere.

Nothing is registered by hand: a file in the right package is the registration. Outside the project a distribution
declares an entry point in the group `maskbench.KIND`, and a script is named as `path/to/file.py:Name`.
Listing reads names and the literal constants of a module's source, so that it imports nothing heavy.
"""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import pkgutil
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.errors import BadInput, told, unknown


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


@cache
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
        module = _load_file(Path(place)) if place.endswith(".py") else _import(lambda: import_module(place), name)
        if not hasattr(module, attribute):
            public = [n for n in vars(module) if not n.startswith("_")]
            raise unknown(f"{kind} in {place}", attribute, public)
        return getattr(module, attribute)
    point = entry_points(kind).get(name)
    return None if point is None else _import(point.load, name)


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise BadInput(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # whatever a user's file raises is reported as his file's error
        raise BadInput(f"{path} cannot be imported: {told(error)}") from error
    return module


def _import(load: Callable[[], Any], name: str) -> Any:
    try:
        return load()
    except (Exception, SystemExit) as error:  # whatever another's package raises
        raise BadInput(f"{name!r} cannot be imported: {told(error)}") from error
