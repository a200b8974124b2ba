"""Cards of shipped and imported weights, read without importing torch."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench import registry
from bench.core.errors import BadInput
from bench.core.paths import user_folder

SIZES = ("small", "full")
REQUIRED_FIELDS = {
    "model": str,
    "network": dict,
    "origin": dict,
    "imported_at": str,
}  # of an imported card
REQUIRED_ORIGIN = {"file", "sha256"}  # fields of its origin


def weights_folder() -> Path:
    """Folder of the shipped weights."""
    return registry.folder("baselines") / "weights"


def imported_folder() -> Path:
    """Folder of the weights imported with `bench models import`."""
    return user_folder() / "weights"


def card(name: str) -> dict[str, Any] | None:
    """The card of shipped weights, `ours-small`; None if there are none of that name."""
    return cards().get(name)


def cards() -> dict[str, dict[str, Any]]:
    """All shipped cards by name."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(weights_folder().glob("*.json"))}


def imported() -> dict[str, dict[str, Any]]:
    """Cards of imported weights by name; shipped weights of the same name take precedence. Raises BadInput."""
    paths, shipped = sorted(imported_folder().glob("*.json")), cards()
    return {path.stem: _read_imported(path) for path in paths if path.stem not in shipped}


def _read_imported(path: Path) -> dict[str, Any]:
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        whole = (
            all(isinstance(card[key], kind) for key, kind in REQUIRED_FIELDS.items())
            and card["origin"].keys() >= REQUIRED_ORIGIN
        )
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise BadInput(
            f"{path}: expected the card of imported weights, got another file: remove it, and import the weights again"
        )
    return card


def models() -> dict[str, dict[str, Any]]:
    """Literal constants (TITLE, PAPER, LICENCE, ...) of the models of this installation, by name."""
    return registry.modules("baselines", "network")


def networks() -> dict[str, dict[str, Any]]:
    """The constants of the models with weights: the networks."""
    return {name: constants for name, constants in models().items() if "LIBRARIES" not in constants}


def classical() -> dict[str, dict[str, Any]]:
    """The constants of the models without weights: the classical methods, with their LIBRARIES."""
    return {name: constants for name, constants in models().items() if "LIBRARIES" in constants}


def versions(libraries: Iterable[str]) -> dict[str, str]:
    """Installed version of each package, '' if it is not installed."""
    found = {}
    for library in libraries:
        try:
            found[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            found[library] = ""
    return found


def missing(libraries: Iterable[str]) -> str:
    """Name of the first package that is not installed; '' if all are."""
    return next((library for library, version in versions(libraries).items() if not version), "")


def names() -> list[str]:
    """Names of all models: of this installation, and entry points of other packages."""
    return sorted({*models(), *registry.entry_points("model")})
