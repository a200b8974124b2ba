"""What is compared with what: sides, noises and data sets by specs, among those of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from bench import spec
from bench.errors import BadInput, unknown
from bench.statistics.paired import Side

OURS, BASELINE = "ours", "baseline"


@dataclass(frozen=True)
class Pair:
    """What is compared with what."""

    side: Side
    against: Side


def pairs_of(
    here: pd.DataFrame,
    there: pd.DataFrame,
    models: Sequence[str] | str | None,
    against: str | None,
    two_runs: bool,
    notes: list[str],
) -> list[Pair]:
    """What to compare with what, by the labels of the rows. Raises BadInput for models that are not there."""
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
        return [Pair(side, side) for side in sides]
    if models is None and against is None and not {OURS, BASELINE} <= set(mine):
        raise BadInput(f"name what to compare, --models A --against B, of: {', '.join(mine)}")
    chosen = [models] if isinstance(models, str) else list(models or [OURS])
    if against is None and two_runs:
        return [Pair(side, _side(",".join(side.labels), theirs)) for side in _sides(chosen, mine, ())]
    other = _side(against or BASELINE, theirs)
    excluded = () if two_runs else other.labels
    pairs = [Pair(side, other) for side in _sides(chosen, mine, excluded)]
    if not two_runs and any(set(pair.side.labels) & set(other.labels) for pair in pairs):
        raise BadInput(f"{other.name} stands on both sides: compare a model with another one, or with another run")
    return pairs


def _sides(chosen: Sequence[str], labels: list[str], excluded: Sequence[str]) -> Iterator[Side]:
    for text in chosen:
        if text.strip() == "all":
            yield from (Side((label,)) for label in labels if label not in excluded)
        else:
            yield _side(text, labels)


def _side(text: str, labels: list[str]) -> Side:
    """A list of specs -> the labels that they have in a run. Raises BadInput."""
    found = tuple(dict.fromkeys(_label(part, labels) for part in spec.split(text)))
    if not found:
        raise BadInput("no model was named: write ours, or a list of trainings of one network")
    networks = list(dict.fromkeys(spec.parse(label).name for label in found))
    if len(networks) > 1:
        raise BadInput(
            f"{' and '.join(networks)} are no trainings of one network, whose scores could be averaged: write "
            + " ".join(f"--models {name}" for name in networks)
        )
    return Side(found)


def _label(text: str, labels: list[str]) -> str:
    """The label in a run of the model that a spec names."""
    wanted = spec.format_value(spec.parse(text))
    by_text = {spec.format_value(spec.parse(label)): label for label in labels}
    if wanted in by_text:
        return by_text[wanted]
    if not spec.parse(text).bare:
        from bench.networks import models  # imports torch: only for specs that are not written as a label is

        try:
            label = models.resolve(text).label
        except BadInput:  # its weights may be elsewhere; what counts is whether it was run
            label = ""
        if label in labels:
            return label
    raise unknown("model of the run", text, labels)


def chosen(rows: pd.DataFrame, noises: str | None, datasets: str | None) -> pd.DataFrame:
    """The rows of these noises and data sets; a bare name has all levels, or all crops. Raises BadInput."""
    for column, text in (("noise", noises), ("dataset", datasets)):
        if text is not None and text != "all":
            there = list(dict.fromkeys(rows[column]))
            wanted = {value for part in spec.split(text) for value in _matching(part, there, column)}
            rows = rows[rows[column].isin(wanted)]
    return rows


def _matching(text: str, there: list[str], kind: str) -> list[str]:
    """The specs of a run that a text means. Raises BadInput for none."""
    parsed = spec.parse(text)
    if parsed.bare:
        found = [value for value in there if spec.parse(value).name == parsed.name]
        there = list(dict.fromkeys(spec.parse(value).name for value in there))
    else:
        canonical = _canonical_noise(parsed) if kind == "noise" else spec.format_value(parsed)
        found = [value for value in there if value in (text, canonical)]
    if not found:
        raise unknown(f"{kind} of the run", text, there)
    return found


def _canonical_noise(parsed: spec.Spec) -> str:
    from bench.noise import noises

    return noises.canonical(noises.load_noise(parsed))
