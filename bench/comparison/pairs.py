"""What is compared with what: sides, noises and data sets by specs, among those of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from bench import spec
from bench.errors import BadInput
from bench.networks import groups
from bench.runs.run_specs import SpecsAsWritten, datasets_in_run, label_in_run, noises_in_run
from bench.statistics.paired import Side

OURS, BASELINE = "ours", "baseline"


@dataclass(frozen=True)
class ComparedPair:
    """What is compared with what."""

    side: Side
    against: Side


def choose_pairs(
    here: pd.DataFrame,
    there: pd.DataFrame,
    models: Sequence[str] | str | None,
    against: str | None,
    two_runs: bool,
    notes: list[str],
    written: tuple[SpecsAsWritten, SpecsAsWritten] = ({}, {}),
) -> list[ComparedPair]:
    """What to compare with what, by the labels of the rows. Raises BadInput for models that are not there.

    `written` has for each side how its user-defined networks were written when they were run.
    """
    mine, theirs = (list(dict.fromkeys(rows["model"])) for rows in (here, there))
    if models is None and two_runs and against is None:
        if alone := [label for label in mine if label not in theirs]:
            notes.append(f"Not in the other run: {', '.join(alone)}.")
        if alone := [label for label in theirs if label not in mine]:
            notes.append(f"Only in the other run: {', '.join(alone)}.")
        sides = [Side((label,)) for label in mine if label in theirs]
        if not sides:
            raise BadInput(
                f"the runs have no model in common ({', '.join(mine)}; {', '.join(theirs)}): name what to compare with "
                "--models and --against"
            )
        return [ComparedPair(side, side) for side in sides]
    if models is None and against is None and not {OURS, BASELINE} <= set(mine):
        raise BadInput(f"name what to compare, --models A --against B, of: {', '.join(mine)}")
    chosen = [models] if isinstance(models, str) else list(models or [OURS])
    if against is None and two_runs:
        found = _sides(chosen, here, written[0], notes, ())
        return [ComparedPair(side, _side(",".join(side.labels), there, written[1], notes)) for side in found]
    other = _side(against or BASELINE, there, written[1], notes)
    excluded = () if two_runs else other.labels
    pairs = [ComparedPair(side, other) for side in _sides(chosen, here, written[0], notes, excluded)]
    if not two_runs and any(set(pair.side.labels) & set(other.labels) for pair in pairs):
        raise BadInput(f"{other.name} stands on both sides: compare a model with another one, or with another run")
    return pairs


def _sides(
    chosen: Sequence[str], rows: pd.DataFrame, written: SpecsAsWritten, notes: list[str], excluded: Sequence[str]
) -> Iterator[Side]:
    """The sides that texts name; `all` is every model of the rows by itself, another group each of its members there.

    Raises BadInput.
    """
    labels = list(dict.fromkeys(rows["model"]))
    for text in map(str.strip, chosen):
        if text == "all":
            yield from (Side((label,)) for label in labels if label not in excluded)
        elif text in groups.GROUPS:
            members = [label for label in groups.specs(text) if label in labels and label not in excluded]
            if not members:
                raise BadInput(
                    f"expected a group with models of the run to compare, got {text!r}: the run has {', '.join(labels)}"
                )
            yield from (Side((label,)) for label in members)
        else:
            yield _side(text, rows, written, notes)


def _side(text: str, rows: pd.DataFrame, written: SpecsAsWritten, notes: list[str]) -> Side:
    """A list of specs -> the labels that they have in rows. Raises BadInput."""
    found = tuple(dict.fromkeys(label_in_run(part, rows, written, notes) for part in spec.split(text)))
    if not found:
        raise BadInput("no model was named: write ours, or a list of trainings of one network")
    networks = list(dict.fromkeys(spec.parse(label).name for label in found))
    if len(networks) > 1:
        raise BadInput(
            f"{' and '.join(networks)} are no trainings of one network, whose scores could be averaged: write "
            + " ".join(f"--models {name}" for name in networks)
        )
    return Side(found)


def filter_rows(rows: pd.DataFrame, noises: str | None, datasets: str | None) -> pd.DataFrame:
    """The rows of these noises and data sets; a bare name has all levels, or all crops. Raises BadInput."""
    for column, text, meant in (("noise", noises, noises_in_run), ("dataset", datasets, datasets_in_run)):
        if text is not None and text != "all":
            wanted = {value for part in spec.split(text) for value in meant(part, rows)}
            rows = rows[rows[column].isin(wanted)]
    return rows
