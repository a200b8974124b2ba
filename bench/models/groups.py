"""Groups of models, which a list of models may name besides specs. Members are found in this installation."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from bench import spec
from bench.core.errors import BadInput
from bench.models import cards, display_names, published

PAPER = ("ours", "baseline", "dncnn", "ridnet", "rnan", "swinir", "restormer", "dropout")
ALIASES = {"masked": "ours"}  # other names of models, as users type them: labels have the canonical one
GROUPS = {
    "all": "the eight of the paper",
    "classical": "methods without training",
    "rivals": "models beyond the paper's",
    "published": "published weights that were fetched",
    "everything": "all, rivals, and the imported and fetched weights",
    "test_time": "methods trained on each image: minutes per image; in no other group",
}


def canonical_name(name: str) -> str:
    """The name of a model under which it is listed and labelled: 'masked' -> 'ours', other names as they are."""
    return ALIASES.get(name, name)


def parse(text: str) -> spec.Spec:
    """A model's spec, parsed, with the canonical name in place of an alias: 'masked(size="full")' -> that of ours.

    The name of imported or published weights stands for their network with them: grey25 -> dncnn(weights='grey25').
    Raises BadInput for published weights of a network that is not part of this installation.
    """
    return _resolved(spec.parse(text))


def _resolved(parsed: spec.Spec) -> spec.Spec:
    if parsed.name in cards.wrappers():
        return replace(parsed, args=tuple(_resolved(one) if isinstance(one, spec.Spec) else one for one in parsed.args))
    if not is_weights_name(parsed.name):
        return replace(parsed, name=canonical_name(parsed.name))
    network = _network_of(parsed.name)
    return replace(parsed, name=network, kwargs=(("weights", parsed.name), *parsed.kwargs))


def wrapped_spec(parsed: spec.Spec) -> spec.Spec:
    """The spec of the network in a wrapper: of wne(dncnn) dncnn. Raises BadInput unless it is one network."""
    form = f"{parsed.name}(dncnn)"
    if len(parsed.args) != 1 or not isinstance(parsed.args[0], spec.Spec):
        got = spec.format_value(parsed)
        raise BadInput(f"model {parsed.name}: expected one network in brackets, {form} or {form[:-1]}(...)), got {got}")
    inner = parsed.args[0]
    if inner.name in cards.classical() or inner.name in cards.wrappers():
        raise BadInput(f"model {parsed.name}: expected a network, such as {form}, got {inner.name}: name a network")
    return inner


def _network_of(name: str) -> str:
    """The network of imported or published weights."""
    if name in cards.imported():
        return cards.imported()[name]["model"]
    known = published.weights()[name]
    if not known.model:
        raise BadInput(
            f"model {name}: expected weights of {', '.join(cards.networks())}, got those of another network "
            f"({known.source}): fetch them, and run yours with --models \"path/to/file.py:Net(weights='{known.file}')\""
        )
    return known.model


def is_weights_name(name: str) -> bool:
    """Whether a name is that of imported or published weights, and of no model of this installation."""
    if ":" in name or name in {*cards.models(), *ALIASES, *GROUPS}:
        return False
    return name in published.weights() or name in cards.imported()


def own_label(name: str) -> str:
    """The label of a model that has no spec, from its name: "BM3D (authors' code)" -> 'BM3D-authors-code'.

    Raises BadInput for a name that stands for a model of this installation.
    """
    label = re.sub(r"[^\w.+-]+", "-", name).strip("-") or "model"
    if label in {*cards.models(), *ALIASES, *GROUPS, *cards.imported(), *published.weights(), *display_names.RESERVED}:
        raise BadInput(f"expected a name that no model of this installation has, got {name!r}: choose another name")
    return label


def specs(group: str) -> list[str]:
    """The specs of a group's models, in order."""
    test_time = [name for name in cards.classical() if cards.trained_at_test_time(name)]
    classical = [name for name in cards.classical() if name not in test_time]
    around = [f"{wrapper}(dncnn)" for wrapper in cards.wrappers() if cards.trained_at_test_time(wrapper)]
    rivals = [name for name in cards.networks() if name not in PAPER] + wrapped() + classical
    imported, fetched = list(cards.imported()), published.fetched()
    return {
        "all": list(PAPER),
        "classical": classical,
        "rivals": rivals,
        "published": fetched,
        "everything": [*PAPER, *rivals, *dict.fromkeys([*imported, *fetched])],
        "test_time": [*test_time, *around],
    }[group]


def wrapped() -> list[str]:
    """The specs of networks in wrappers with shipped weights: 'wne(dncnn)'."""
    models = dict.fromkeys(card["model"] for card in cards.cards().values())
    return [model for model in models if spec.parse(model).name in cards.wrappers()]


def members(group: str, labels: Iterable[str]) -> list[str]:
    """The labels of a run that are models of a group; of published weights also those that are not fetched here."""
    own, labels = specs(group), list(labels)
    weights = {*own, *(published.weights() if group in ("published", "everything") else ())}
    named = [label for label in own if label in labels]  # in the order of the group
    return named + [label for label in labels if label not in named and _weights_of(label) in weights]


def _weights_of(label: str) -> str:
    """The name of the weights in a label, '' if it has none; that of a Python object need not be a spec."""
    try:
        return dict(spec.parse(label).kwargs).get("weights", "")
    except BadInput:
        return ""


def missing_requirement(name: str, size: str) -> str:
    """Why a model named without parameters cannot run at a size, as a sentence; '' if it can."""
    constants = cards.models().get(name)
    if constants is None and name in wrapped():
        parsed = spec.parse(name)
        default = cards.default_weights(parsed.args[0].name, size, parsed.name)
        return "" if cards.card(default) else f"no weights of size {size!r}"
    if constants is None:  # a spec with parameters, or user-defined
        return ""
    if "LIBRARIES" in constants:
        missing = cards.missing(constants["LIBRARIES"])
        return missing and f"the package {missing} is not installed (pip install {missing})"
    return "" if cards.card(f"{name}-{size}") else f"no weights of size {size!r}"
