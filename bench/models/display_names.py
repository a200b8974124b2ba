"""Names of models in tables, charts and pages.

The label of a model, its canonical spec, identifies it in rows. Its display name is the one that the user gave it,
`--models "Mine=net.py:Net"` or `bench runs label`, else the label, shortened as far as it stays unique in the run.
The manifest of a run has the names; they are no part of a row's key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench import spec
from bench.core.errors import BadInput, shortened

RESERVED = ("noisy", "clean", "noisy input")  # tables and pages use these for the images themselves
PUBLISHED = {"ours": "masked"}  # network -> the name of its published method
MAX_LENGTH = 60  # characters of a name that a user gives
LONG = 32  # characters from which on a label is shortened


def checked(name: str) -> str:
    """A name that a user gives. Raises BadInput if tables cannot show it."""
    if name.strip() != name or not name.isprintable() or len(name) > MAX_LENGTH or name in RESERVED:
        raise BadInput(
            f"name of a model: expected at most {MAX_LENGTH} printable characters other than "
            f"{', '.join(map(repr, RESERVED))}, got {shortened(repr(name))}"
        )
    return name


def check_distinct(names: Mapping[str, str]) -> None:
    """Raise BadInput if two models have one name; `names`: label -> name that a user gave, '' for none."""
    taken = {label: label for label in names}
    for label, name in names.items():
        if name and taken.setdefault(name, label) != label:
            raise BadInput(f"expected different names, got {name!r} for {label} and for {taken[name]}: change one")


def of_manifest(manifest: Iterable[Mapping[str, Any]], labels: Iterable[str]) -> dict[str, str]:
    """Label -> display name of models of a run, from the entries of its manifest; all names differ."""
    return display_names(labels, given_names(manifest))


def given_names(manifest: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Label -> the name that a user gave, from the entries of a manifest, the last one counts; '' for none."""
    given: dict[str, str] = {}
    for entry in manifest:
        for model in entry.get("models", []) if entry["event"] == "started" else ():
            if model.get("display_name"):
                _give(given, model["label"], model["display_name"])
        for label, name in entry.get("names", {}).items():  # of bench runs label, and of analyses
            _give(given, label, name)
    return given


def _give(given: dict[str, str], label: str, name: str) -> None:
    """Give a name to a label, and take it from another one that has it from an earlier command."""
    for other in [one for one, held in given.items() if held == name]:
        given[other] = ""
    given[label] = name


def display_names(labels: Iterable[str], given: Mapping[str, str]) -> dict[str, str]:
    """Label -> display name: the `given` one, else the shortest text that stands for one label only."""
    labels = list(dict.fromkeys(labels))
    names = {label: given.get(label) or published(label) for label in labels}
    for label in labels:
        if not given.get(label) and len(names[label]) > LONG:
            shorter = _shortest(label, labels)
            names[label] = names[label] if shorter in names.values() else shorter
    counts = Counter([*labels, *names.values()])  # a name that another model has as its label stands for that one
    return {label: name if counts[name] == 1 + (name == label) else label for label, name in names.items()}


def published(label: str) -> str:
    """The label with the published name of its method first: 'ours(mask=50)' -> 'masked (ours, mask=50)'."""
    name, _, parameters = label.removesuffix(")").partition("(")
    if name not in PUBLISHED:
        return label
    return f"{PUBLISHED[name]} ({', '.join(filter(None, [name, parameters]))})"


def _shortest(label: str, labels: list[str]) -> str:
    """The name of a spec with those of its parameters that tell it from the other labels with this name."""
    own = spec.parse(label)
    others = [other for other in map(spec.parse, labels) if other.name == own.name and other != own]
    differing = tuple(
        (key, value) for key, value in own.kwargs if any(dict(other.kwargs).get(key) != value for other in others)
    )
    candidate = spec.format_value(spec.Spec(own.name, own.args, differing)) if differing or own.args else own.name
    alike = [other for other in labels if other != label and spec.parse(other).name == own.name]
    return label if candidate in alike else published(candidate)


def shortest_paths(paths: list[Path]) -> list[str]:
    """The last parts of each path, as few as tell all of them apart: a/x.pth, b/x.pth."""
    for count in range(1, max(len(path.parts) for path in paths) + 1):
        texts = [Path(*path.parts[-count:]).as_posix() for path in paths]
        if len(set(texts)) == len(texts):
            return texts
    return [path.as_posix() for path in paths]
