"""Specs as `bench run` takes them -> the models, noises and data sets that the rows of a run have.

What a row calls itself always means that row. Any other way to write a user-defined network or noise, or weights by
their path, is resolved as `bench run` would, and has to be what was run: the same source and weights, not only the same
name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from bench import spec
from bench.errors import BadInput, unknown
from bench.networks import groups

SpecsAsWritten = Mapping[
    str, str
]  # label of a model -> the name of its network as it was written, `path/to/net.py:Net`


def specs_as_written(run: str | Path | pd.DataFrame) -> dict[str, str]:
    """How the networks of a run folder were written, by label; nothing of rows alone."""
    from bench.runs.selection import start_entries
    from bench.runs.store import Store

    if isinstance(run, pd.DataFrame):
        return {}
    with Store.open(Path(run)) as store:
        return {model["label"]: model["title"] for entry in start_entries(store) for model in entry["models"]}


def label_in_run(text: str, rows: pd.DataFrame, written: SpecsAsWritten, notes: list[str]) -> str:
    """The label in rows of the model that a spec names; a changed source is noted. Raises BadInput for none."""
    labels = list(dict.fromkeys(rows["model"]))
    parsed = groups.parse(text)
    if same := _canonically(parsed, labels):
        return same
    if parsed.bare and ":" not in parsed.name:
        raise unknown("model of the run", text, labels)
    label, identity, problem = _resolved(parsed)
    if label not in labels:
        raise BadInput(f"{unknown('model of the run', text, labels)}{problem and f' ({problem})'}")
    if "weights_hash" not in rows or identity in set(rows.loc[rows["model"] == label, "weights_hash"]):
        return label  # rows of a table without the column say nothing of the source
    if written.get(label) == parsed.name and ":" in parsed.name:
        state = "cannot be read here" if problem else "has changed since that run"
        notes.append(f"{parsed.name} {state}: the rows of {label} are of its source at the time of the run.")
        return label
    raise BadInput(
        f"expected a model of the run, got {text}: the run's {label} has another source or other weights"
        f"{problem and f' ({problem})'}; write {label} for the rows as they are"
    )


def _canonically(parsed: spec.Spec, labels: list[str]) -> str:
    """The label that is this spec but for spaces, quotes and the way numbers are written; '' for none."""
    wanted = spec.format_value(parsed)
    return next((label for label in labels if spec.format_value(spec.parse(label)) == wanted), "")


def _resolved(parsed: spec.Spec) -> tuple[str, str, str]:
    """(label, hash, why it cannot be resolved) of a model; where it cannot, the label that its text would give."""
    from bench.networks import models  # imports torch: only for specs that are not written as a label is

    try:
        model = models.resolve(spec.format_value(parsed))
    except BadInput as error:
        return spec.format_value(replace(parsed, name=parsed.name.rpartition(":")[2])), "", f"{error}"
    return model.label, model.weights_hash, ""


def noises_in_run(text: str, rows: pd.DataFrame) -> list[str]:
    """The noises in rows that a spec or group means; a name or group has all levels there. Raises BadInput for none."""
    there = list(dict.fromkeys(rows["noise"]))
    parsed = spec.parse(text)
    if text in there:
        return [text]
    names = {noise: spec.parse(noise).name for noise in there}
    if parsed.bare and parsed.name in names.values():
        return [noise for noise in there if names[noise] == parsed.name]
    from bench.noise import noises

    try:
        asked = noises.expand(text)
    except BadInput as error:
        if parsed.bare:
            raise unknown("noise of the run", text, dict.fromkeys(names.values())) from error
        raise
    if parsed.bare:
        kinds = {noises.noise_name(noise): noise for noise in asked}
        found = [noise for noise in there if names[noise] in kinds]
        _same_versions({noise: kinds[names[noise]] for noise in found}, text, rows)
    else:
        canonical = {noises.canonical(noise): noise for noise in asked}
        found = [noise for noise in there if noise in canonical]
        _same_versions({noise: canonical[noise] for noise in found}, text, rows)
    if not found:
        raise unknown("noise of the run", text, dict.fromkeys(names.values()) if parsed.bare else there)
    return found


def _same_versions(meant: Mapping[str, object], text: str, rows: pd.DataFrame) -> None:
    """Raise BadInput where a user-defined noise is another than the one of this name in the rows."""
    from bench.noise import noises

    for name, noise in meant.items():
        ours = type(noise).__module__.startswith("noise_zoo.")
        if not ours and noises.version(noise) not in set(rows.loc[rows["noise"] == name, "noise_version"]):
            raise BadInput(
                f"expected a noise of the run, got {text}: the run's {name} has another source; write {name} for the "
                "rows as they are"
            )


def datasets_in_run(text: str, rows: pd.DataFrame) -> list[str]:
    """The data sets in rows that a spec means; a name alone has all its crops and limits. Raises BadInput for none."""
    from bench.datasets import DEFAULTS

    there = list(dict.fromkeys(rows["dataset"]))
    parsed = spec.parse(text)
    if text in there:
        return [text]
    if parsed.bare:
        found = [name for name in there if spec.parse(name).name == parsed.name]
        there = list(dict.fromkeys(spec.parse(name).name for name in there))
    else:
        usual = {key: parameter.default for key, parameter in DEFAULTS.items()}
        wanted = spec.canonical(parsed.name, {**usual, **spec.bind(parsed, DEFAULTS, "data set")}, usual)
        found = [name for name in there if name == wanted]
    if not found:
        raise unknown("dataset of the run", text, there)
    return found
