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


def wrappers() -> dict[str, dict[str, Any]]:
    """The constants of the wrappers, which are models only around another model: wne(dncnn)."""
    return registry.modules("baselines", "wrapper")


def trained_inside(wrapper: str) -> bool:
    """Whether networks are trained in a wrapper, and so have weights of their own in it; False for ''."""
    return bool(wrapper) and wrappers()[wrapper].get("TRAINED_INSIDE", False)


def trained_at_test_time(name: str) -> bool:
    """Whether a model or wrapper of this installation is trained on each image that it denoises."""
    return {**models(), **wrappers()}.get(name, {}).get("TEST_TIME_TRAINING", False)


def wrapped(wrapper: str, model: str) -> str:
    """The name of a network in a wrapper, as cards state it: 'wne(dncnn)'; `wrapper` '': the network's own name."""
    return f"{wrapper}({model})" if wrapper else model


def default_weights(model: str, size: str, wrapper: str = "") -> str:
    """The name of the shipped weights for a size of a network: 'dncnn-small', in a wrapper 'wne-dncnn-small'."""
    return "-".join(filter(None, (wrapper, model, size)))


def with_weights(model: str, weights: str) -> str:
    """The spec of the model that a card states with weights: 'wne(dncnn)' -> "wne(dncnn(weights='NAME'))"."""
    name, bracket, rest = model.partition(")")
    return f"{name}(weights='{weights}'){bracket}{rest}"


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
    """Names of all models and wrappers: of this installation, and entry points of other packages."""
    return sorted({*models(), *wrappers(), *registry.entry_points("model")})
