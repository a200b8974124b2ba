"""What the numbers of a user's network, noise or metric come from: its source file, and what it imports beside it."""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.beside import folders_of

LIBRARIES = ("site-packages", "dist-packages")


def source_hash(name: str, factory: Callable, weights_hash: str) -> str:
    """SHA-256 of a user's source file, of the files beside it that it imports, and of weights that fill it.

    Of what is installed among libraries it is the file, and the version of its distribution.
    """
    try:
        place = name.rpartition(":")[0]
        file = Path(place if place.endswith(".py") else inspect.getsourcefile(inspect.unwrap(factory)))
        contents = [*(path.read_bytes() for path in sources(file)), *_installed(file)]
    except (TypeError, OSError):  # made in a session, or compiled: nothing to read
        return weights_hash
    return hashlib.sha256(b"".join([*contents, weights_hash.encode()])).hexdigest()


def _installed(file: Path) -> list[bytes]:
    """What a file of an installed package belongs to, 'name 1.0'; nothing of other files."""
    root = folders_of(file)[-1]
    if root.name not in LIBRARIES:
        return []
    top = file.resolve().relative_to(root).parts[0].removesuffix(".py")
    names = sorted(set(importlib.metadata.packages_distributions().get(top, ())))
    return [f"{name} {importlib.metadata.version(name)}".encode() for name in names]


def digest(file: Path) -> str:
    """SHA-256 of a file's content."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def sources(file: Path) -> list[Path]:
    """The file, and those of its folder or package that it imports by name, and they, in the order of their paths.

    Imports are read, not executed; a name that is put together while the program runs is not seen. Of what is
    installed among libraries it is the file alone.
    """
    file, folders = file.resolve(), folders_of(file)
    root = folders[-1]
    home = root if file.parent == root else root / file.relative_to(root).parts[0]  # the package, where it is in one
    if root.name in LIBRARIES:  # installed: a version changes it, no editor
        return [file]
    found, waiting = set(), [file]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            near = (other for other in _imported(path, folders) if other.is_relative_to(home))
            waiting += [other for other in near if other.is_file()]
    return [file, *sorted(found - {file})]


def _imported(file: Path, roots: tuple[Path, ...]) -> Iterator[Path]:
    """Files that the imports of a file could mean, in its package or below one of the roots."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):  # importing it will say so
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _files(alias.name.split("."), roots)
        elif isinstance(node, ast.ImportFrom):
            below = (file.parents[node.level - 1],) if 0 < node.level <= len(file.parents) else roots
            module = node.module.split(".") if node.module else []
            for alias in node.names:
                yield from _files([*module, alias.name], below)


def _files(parts: list[str], roots: tuple[Path, ...]) -> Iterator[Path]:
    """a.b.c -> the files of a, a.b and a.b.c."""
    for root in roots:
        for count in range(1, len(parts) + 1):
            path = root.joinpath(*parts[:count])
            yield from (path.with_name(path.name + ".py"), path / "__init__.py")
