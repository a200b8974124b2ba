"""Weight cards: what ships and what was imported, read without importing torch."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench import registry
from bench.home import home

SIZES = ("small", "full")


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
    return _cards_in(weights_folder())


def imported() -> dict[str, dict[str, Any]]:
    """The cards of imported weights by name, without those whose name ships."""
    shipped = cards()
    return {name: found for name, found in _cards_in(imported_folder()).items() if name not in shipped}


def _cards_in(folder: Path) -> dict[str, dict[str, Any]]:
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


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
