"""Groups of models, which a list of models may name besides specs. Members are found in this installation."""

from __future__ import annotations

import re
from dataclasses import replace

from bench import spec
from bench.core.errors import BadInput
from bench.models import cards, display_names

PAPER = ("ours", "baseline", "dncnn", "ridnet", "rnan", "swinir", "restormer", "dropout")
ALIASES = {"masked": "ours"}  # other names of models, as users type them: labels have the canonical one
GROUPS = {
    "all": "the eight of the paper",
    "classical": "methods without training",
    "rivals": "models beyond the paper's",
    "everything": "all, rivals, and the imported weights",
}


def canonical_name(name: str) -> str:
    """The name of a model under which it is listed and labelled: 'masked' -> 'ours', other names as they are."""
    return ALIASES.get(name, name)


def parse(text: str) -> spec.Spec:
    """A model's spec, parsed, with the canonical name in place of an alias: 'masked(size="full")' -> that of ours.

    The name of imported weights stands for their network with them: grey25 -> dncnn(weights='grey25').
    """
    parsed = spec.parse(text)
    if not is_imported(parsed.name):
        return replace(parsed, name=canonical_name(parsed.name))
    network = cards.imported()[parsed.name]["model"]
    return replace(parsed, name=network, kwargs=(("weights", parsed.name), *parsed.kwargs))


def own_label(name: str) -> str:
    """The label of a model that has no spec, from its name: "BM3D (authors' code)" -> 'BM3D-authors-code'.

    Raises BadInput for a name that stands for a model of this installation.
    """
    label = re.sub(r"[^\w.+-]+", "-", name).strip("-") or "model"
    if label in {*cards.models(), *ALIASES, *GROUPS, *cards.imported(), *display_names.RESERVED}:
        raise BadInput(f"expected a name that no model of this installation has, got {name!r}: choose another name")
    return label


def is_imported(name: str) -> bool:
    """Whether a name is that of imported weights, and of no model of this installation."""
    return ":" not in name and name not in {*cards.models(), *ALIASES, *GROUPS} and name in cards.imported()


def specs(group: str) -> list[str]:
    """The specs of a group's models, in order."""
    classical = list(cards.classical())
    rivals = [name for name in cards.networks() if name not in PAPER] + classical
    imported = list(cards.imported())
    return {
        "all": list(PAPER),
        "classical": classical,
        "rivals": rivals,
        "everything": [*PAPER, *rivals, *imported],
    }[group]


def missing_requirement(name: str, size: str) -> str:
    """Why a model named without parameters cannot run at a size, as a sentence; '' if it can."""
    constants = cards.models().get(name)
    if constants is None:  # a spec with parameters, or user-defined
        return ""
    if "LIBRARIES" in constants:
        missing = cards.missing(constants["LIBRARIES"])
        return missing and f"the package {missing} is not installed (pip install {missing})"
    return "" if cards.card(f"{name}-{size}") else f"no weights of size {size!r}"
