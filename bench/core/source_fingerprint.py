"""SHA-256 fingerprints of user-defined networks and metrics: the source file, and the local files that it imports."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.core import isolation
from bench.core.user_imports import PROTECTED, folders_of, root_of

LIBRARIES = ("site-packages", "dist-packages")


def source_hash(name: str, factory: Callable[..., Any], weights_hash: str) -> str:
    """SHA-256 of a user's source file, of the local files that it imports, and of the hash of its weights.

    For an installed package: of the file, and of the version of the package's distribution.
    """
    try:
        source = name.rpartition(":")[0]
        scope = isolation.scope_of(factory)
        with isolation.user_code(scope):  # so that inspect finds its module
            found = source if source.endswith(".py") else inspect.getsourcefile(inspect.unwrap(factory))
            file = Path(found)  # type: ignore[arg-type]  # None raises TypeError
        file, *local = source_files(file, scope.folders)
        loaded = [path.resolve() for path in scope.imported if not set(path.parts) & set(LIBRARIES)]
        contents = [path.read_bytes() for path in (file, *sorted({*local, *loaded} - {file}))] + _installed(file)
    except (TypeError, OSError):  # defined in an interactive session, or compiled: no source
        return weights_hash
    return hashlib.sha256(b"".join([*contents, weights_hash.encode()])).hexdigest()


def source_files(file: Path, folders: tuple[Path, ...] = ()) -> list[Path]:
    """The file, then the local files that it imports, directly or indirectly, sorted by path.

    Searched are the folders of `folders_of`, and `folders`. Import statements are parsed, not executed, so that names
    computed at run time are not found. For a file of an installed library: the file alone.
    """
    file, folders = file.resolve(), (*folders_of(file), *folders)
    if root_of(file).name in LIBRARIES:  # installed: identified by its version
        return [file]
    found, waiting = set(), [file]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += [other for other in _imported(path, folders) if other.is_file()]
    return [file, *sorted(found - {file})]


def _installed(file: Path) -> list[bytes]:
    """Name and version of the distribution of an installed file, b'name 1.0'; [] for other files."""
    root = root_of(file)
    if root.name not in LIBRARIES:
        return []
    top = file.resolve().relative_to(root).parts[0].removesuffix(".py")
    if top not in _distributions():  # installed a moment ago
        _distributions.cache_clear()
    names = sorted(set(_distributions().get(top, ())))
    return [f"{name} {importlib.metadata.version(name)}".encode() for name in names]


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    """The distributions of each importable package; reading them takes half a second."""
    return importlib.metadata.packages_distributions()


def _imported(file: Path, roots: tuple[Path, ...]) -> Iterator[Path]:
    """Candidate files for the imports of a file, in its package or below one of the roots."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):  # reported when the file is imported
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _files(alias.name.split("."), () if alias.name.split(".")[0] in PROTECTED else roots)
        elif isinstance(node, ast.ImportFrom):
            module = node.module.split(".") if node.module else []
            below = () if not node.level and module[0] in PROTECTED else roots
            if 0 < node.level <= len(file.parents):
                below = (file.parents[node.level - 1],)
            for alias in node.names:
                yield from _files([*module, alias.name], below)


def _files(parts: list[str], roots: tuple[Path, ...]) -> Iterator[Path]:
    """a.b.c -> the files of a, a.b and a.b.c."""
    for root in roots:
        for count in range(1, len(parts) + 1):
            path = root.joinpath(*parts[:count])
            yield from (path.with_name(path.name + ".py"), path / "__init__.py")
