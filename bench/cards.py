"""Weight cards: what ships, read without importing torch."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

from bench import registry

PAPER_MODELS = ("ours", "baseline", "dncnn", "ridnet", "rnan", "swinir", "restormer", "dropout")
SIZES = ("small", "full")


def weights_folder() -> Path:
    return Path(importlib.util.find_spec("baselines").submodule_search_locations[0]) / "weights"


def card(name: str) -> dict[str, Any] | None:
    """The card of a shipped set of weights, `ours-small`; None if it does not ship."""
    path = weights_folder() / f"{name}.json"
    return json.loads(path.read_text()) if path.name == f"{name}.json" and path.exists() else None


def cards() -> dict[str, dict[str, Any]]:
    """All shipped cards by name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(weights_folder().glob("*.json"))}


def models() -> dict[str, dict[str, Any]]:
    """The networks of this installation by name, with their literal constants (TITLE, PAPER, LICENCE, ...)."""
    return registry.modules("baselines", "network")


def names() -> list[str]:
    return sorted({*models(), *registry.entry_points("model")})
