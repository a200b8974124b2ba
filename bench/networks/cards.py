"""Weight cards: what ships and what was imported, read without importing torch."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench import registry
from bench.errors import BadInput
from bench.home import home

SIZES = ("small", "full")
REQUIRED_FIELDS = {
    "model": str,
    "network": dict,
    "origin": dict,
    "imported_at": str,
}  # what an imported card has to have,
REQUIRED_ORIGIN = {"file", "sha256"}  # and its origin


def weights_folder() -> Path:
    """Where the shipped weights are."""
    return Path(importlib.util.find_spec("baselines").submodule_search_locations[0]) / "weights"


def imported_folder() -> Path:
    """Where `bench models import` puts weights."""
    return home() / "weights"


def card(name: str) -> dict[str, Any] | None:
    """The card of a shipped set of weights, `ours-small`; None if it does not ship."""
    return cards().get(name)


def cards() -> dict[str, dict[str, Any]]:
    """All shipped cards by name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(weights_folder().glob("*.json"))}


def imported() -> dict[str, dict[str, Any]]:
    """The cards of imported weights by name, without those whose name ships. Raises BadInput for what is none."""
    paths, shipped = sorted(imported_folder().glob("*.json")), cards()
    return {path.stem: _read_imported(path) for path in paths if path.stem not in shipped}


def _read_imported(path: Path) -> dict[str, Any]:
    try:
        card = json.loads(path.read_text())
        whole = (
            all(isinstance(card[key], kind) for key, kind in REQUIRED_FIELDS.items())
            and card["origin"].keys() >= REQUIRED_ORIGIN
        )
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise BadInput(f"{path} is not the card of imported weights: remove it, and import the weights again")
    return card


def models() -> dict[str, dict[str, Any]]:
    """The models of this installation by name, with their literal constants (TITLE, PAPER, LICENCE, ...)."""
    return registry.modules("baselines", "network")


def networks() -> dict[str, dict[str, Any]]:
    """Those of them that have weights: the networks."""
    return {name: constants for name, constants in models().items() if "LIBRARIES" not in constants}


def classical() -> dict[str, dict[str, Any]]:
    """Those that need none: the classical methods, whose LIBRARIES do the work."""
    return {name: constants for name, constants in models().items() if "LIBRARIES" in constants}


def versions(libraries: Iterable[str]) -> dict[str, str]:
    """The installed version of each package, '' where it is not installed."""
    found = {}
    for library in libraries:
        try:
            found[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            found[library] = ""
    return found


def missing(libraries: Iterable[str]) -> str:
    """Name of the first package that is not installed; '' where all are."""
    return next((library for library, version in versions(libraries).items() if not version), "")


def names() -> list[str]:
    return sorted({*models(), *registry.entry_points("model")})
