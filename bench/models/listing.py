"""Rows of `bench models list`: every model at each of its sizes, and all shipped and imported weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench import registry
from bench.models import cards, groups, published
from bench.noise import training_noise

COLUMNS = ("model", "title", "paper", "size", "spec", "parameters", "flops_per_pixel", "receptive_field", "weights",
           "weights_from", "trained_on", "licence", "sha256")  # fmt: skip


def rows() -> list[dict[str, Any]]:
    """One row per model and size, and per further set of weights; None for unknown values.

    spec          for `--models`; missing weights have to be trained or imported first
    weights_from  'shipped', 'imported', 'fetched', 'to fetch', 'none needed', 'needs PACKAGE'; None if there are none
    """
    found = [*_of_networks(), *_of_wrappers(), *_of_classical(), *_of_others(), *_of_published()]
    return [{column: row.get(column) for column in COLUMNS} for row in found]


def trained_on(card: dict[str, Any]) -> str:
    """Training images and noise of a card: '380 images of BSDS400, gaussian(sigma=15)', or 'unknown'."""
    unknown = f"unknown; from {card['origin']['file']}" if "origin" in card else "unknown"
    return training_noise.described(card) or unknown


def _of_networks() -> Iterator[dict[str, Any]]:
    shipped, imported = cards.cards(), cards.imported()
    for name, constants in cards.networks().items():
        known = {"model": name, "title": constants["TITLE"], "paper": constants["PAPER"]}
        facts = _facts(constants)
        for size, costs in facts.items():
            default = f"{name}-{size}"
            spec = name if size == "small" else f"{name}(size='{size}')"
            weights = _weights(default, "shipped", shipped[default]) if default in shipped else {}
            yield {**known, "licence": constants["LICENCE"], "size": size, "spec": spec} | _cost(costs) | weights
        for kind, others in (("shipped", shipped), ("imported", imported)):
            for key, card in others.items():
                if card["model"] == name and key not in {f"{name}-{size}" for size in facts}:
                    own = key if kind == "imported" else f"{name}(weights='{key}')"
                    row = {**known, "size": card.get("size"), "spec": own}
                    yield row | _cost(facts.get(card.get("size"), {})) | _weights(key, kind, card)


def _of_wrappers() -> Iterator[dict[str, Any]]:
    """A row per wrapper, and per set of weights that was trained in it."""
    for name, constants in cards.wrappers().items():
        title, paper = f"{constants['TITLE']} around", {"paper": constants["PAPER"]}
        known = {"model": name, "title": f"{title} a network", "spec": cards.wrapped(name, "dncnn"), "size": "any"}
        yield known | paper | {"licence": constants["LICENCE"]}
        for key, card in cards.cards().items():
            wrapper, _, network = card["model"].removesuffix(")").partition("(")
            if wrapper == name and network in cards.networks():
                default = key == cards.default_weights(network, "small", name)
                spec = card["model"] if default else cards.with_weights(card["model"], key)
                costs = _cost(_facts(cards.networks()[network]).get(card.get("size"), {}))
                own = {"model": card["model"], "title": f"{title} {cards.networks()[network]['TITLE']}", "spec": spec}
                yield own | paper | {"size": card.get("size")} | costs | _weights(key, "shipped", card)


def _of_classical() -> Iterator[dict[str, Any]]:
    for name, constants in cards.classical().items():
        package = cards.missing(constants["LIBRARIES"])
        yield {
            "model": name,
            "title": constants["TITLE"],
            "paper": constants["PAPER"],
            "spec": name,
            "parameters": 0,
            "receptive_field": constants["RECEPTIVE_FIELD"],
            "weights_from": f"needs {package}" if package else "none needed",
            "licence": constants["LICENCE"],
        }


def _of_others() -> Iterator[dict[str, Any]]:
    for name, point in registry.entry_points("model").items():
        title, spec = "from another package", name
        if name in cards.models() or name in groups.GROUPS:  # names of this installation take precedence
            spec = f"{point.module}:{point.attr}"
            title += f"; the name {name} is in use: write --models {spec}"
        yield {"model": name, "title": title, "spec": spec, "weights_from": "its own"}


def _of_published() -> Iterator[dict[str, Any]]:
    for name, known in published.weights().items():
        yield {
            "model": known.model or None,
            "title": cards.models()[known.model]["TITLE"] if known.model else "no network in this installation",
            "paper": known.paper,
            "size": "full",
            "spec": name,
            "weights": name,
            "weights_from": "fetched" if known.is_here else "to fetch",
            "trained_on": trained_on(known.card),
            "licence": known.licence,
            "sha256": known.sha256 or None,
        }


def _facts(constants: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Complexity of a network by size; empty for one that states none."""
    facts = constants.get("FACTS")
    return facts if isinstance(facts, dict) else {"full": {}, "small": {}}


def _cost(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: facts[name] for name in ("parameters", "flops_per_pixel", "receptive_field") if facts.get(name)}


def _weights(name: str, kind: str, card: dict[str, Any]) -> dict[str, Any]:
    return {
        "weights": name,
        "weights_from": kind,
        **_cost(card),
        "trained_on": trained_on(card),
        "licence": card.get("licence", "unknown"),
        "sha256": card.get("sha256"),
    }
