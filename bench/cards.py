"""Weight cards: what ships and what was imported, read without importing torch."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

from bench import registry
from bench.home import home

PAPER_MODELS = ("ours", "baseline", "dncnn", "ridnet", "rnan", "swinir", "restormer", "dropout")
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
    """The networks of this installation by name, with their literal constants (TITLE, PAPER, LICENCE, ...)."""
    return registry.modules("baselines", "network")


def names() -> list[str]:
    return sorted({*models(), *registry.entry_points("model")})
