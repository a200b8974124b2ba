"""Which models are compared with which, and on which noises and data sets, from specs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from bench import spec
from bench.core.errors import BadInput
from bench.models import groups
from bench.runs.run_specs import NOTHING_KNOWN, RunModels, label_in_run
from bench.statistics.paired import Side

OURS, BASELINE = "ours", "baseline"


@dataclass(frozen=True)
class ComparedPair:
    """The two sides of a comparison; differences are `side` minus `against`."""

    side: Side
    against: Side


def choose_pairs(
    own_rows: pd.DataFrame,
    other_rows: pd.DataFrame,
    models: Sequence[str] | str | None,
    against: str | None,
    two_runs: bool,
    notes: list[str],
    known: tuple[RunModels, RunModels] = (NOTHING_KNOWN, NOTHING_KNOWN),
) -> list[ComparedPair]:
    """The pairs of models to compare, by their labels in rows. Raises BadInput for models that the rows do not have.

    `known`: what the manifests of both sides say about their models.
    """
    mine, theirs = (list(dict.fromkeys(rows["model"])) for rows in (own_rows, other_rows))
    if models is None and two_runs and against is None:
        if alone := [label for label in mine if label not in theirs]:
            notes.append(f"Not in the other run: {', '.join(alone)}.")
        if alone := [label for label in theirs if label not in mine]:
            notes.append(f"Only in the other run: {', '.join(alone)}.")
        sides = [Side((label,)) for label in mine if label in theirs]
        if not sides:
            raise BadInput(
                f"expected a model that both runs have, got {', '.join(mine)} and {', '.join(theirs)}: choose the "
                "models to compare with --models and --against"
            )
        return [ComparedPair(side, side) for side in sides]
    if models is None and against is None and not {OURS, BASELINE} <= set(mine):
        raise BadInput(f"expected two models to compare: add --models A --against B; the run has {', '.join(mine)}")
    chosen = [models] if isinstance(models, str) else list(models or [OURS])
    if against is None and two_runs:
        sides = _sides(chosen, own_rows, known[0], notes, ())
        return [ComparedPair(side, _side(",".join(side.labels), other_rows, known[1], notes)) for side in sides]
    if against is None and BASELINE not in theirs:
        names = ", ".join(map(known[1].name, theirs))
        raise BadInput(f"expected --against, since the run has no {BASELINE}: add --against with one of {names}")
    other = _side(against or BASELINE, other_rows, known[1], notes)
    excluded = () if two_runs else other.labels
    pairs = [ComparedPair(side, other) for side in _sides(chosen, own_rows, known[0], notes, excluded)]
    if not two_runs and any(set(pair.side.labels) & set(other.labels) for pair in pairs):
        raise BadInput(
            f"expected two different models, got {other.name} on both sides: choose another, or compare two runs"
        )
    return pairs


def _sides(
    chosen: Sequence[str], rows: pd.DataFrame, known: RunModels, notes: list[str], excluded: Sequence[str]
) -> Iterator[Side]:
    """The sides of lists of specs; `all` is every model of the rows by itself, another group each of its members.

    Raises BadInput.
    """
    labels = list(dict.fromkeys(rows["model"]))
    for text in map(str.strip, chosen):
        if text == "all":
            yield from (Side((label,)) for label in labels if label not in excluded)
        elif text in groups.GROUPS:
            members = [label for label in groups.members(text, labels) if label not in excluded]
            if not members:
                raise BadInput(
                    f"expected a group with models of the run to compare, got {text!r}: the run has {', '.join(labels)}"
                )
            yield from (Side((label,)) for label in members)
        else:
            yield _side(text, rows, known, notes)


def _side(text: str, rows: pd.DataFrame, known: RunModels, notes: list[str]) -> Side:
    """A list of specs -> a side with their labels in rows. Raises BadInput."""
    labels = tuple(dict.fromkeys(label_in_run(part, rows, known, notes) for part in spec.split(text)))
    if not labels:
        raise BadInput("expected a model, or a list of trainings of one network, got nothing: write ours, for example")
    networks = list(dict.fromkeys(spec.parse(label).name for label in labels))
    if len(networks) > 1:
        raise BadInput(
            f"expected trainings of one network, whose scores are averaged, got {', '.join(networks)}: to compare each "
            "by itself write " + " ".join(f"--models {name}" for name in networks)
        )
    return Side(labels)
