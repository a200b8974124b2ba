"""Specs, as `bench run` takes them -> the labels of models, noises and data sets in the rows of a run.

The label that a row has always means that row. Any other spec, such as a user-defined network or weights by their
path, is resolved as `bench run` resolves it, and has to be what was run: the same source and weights, not only the
same name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from bench import spec
from bench.core.errors import BadInput, unknown
from bench.models import cards, display_names, groups


@dataclass(frozen=True)
class RunModels:
    """What the manifest of a run says about its models, by label.

    sources  the networks as they were written for the run, `path/to/net.py:Net`
    names    their display names
    specs    the whole specs as they were written, of user-defined networks and of weights by their path
    """

    sources: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    specs: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_manifest(cls, manifest: Sequence[Mapping[str, Any]]) -> RunModels:
        """From the entries of a manifest."""
        models = [model for entry in manifest if entry["event"] == "started" for model in entry["models"]]
        labels = [model["label"] for model in models]
        specs = {one["label"]: one["spec"] for one in models if one.get("spec")}  # of older runs unknown
        return cls({one["label"]: one["title"] for one in models}, display_names.of_manifest(manifest, labels), specs)

    @classmethod
    def of(cls, run: str | Path | pd.DataFrame) -> RunModels:
        """Of a run folder; empty for a frame of rows."""
        from bench.runs.store import Store

        if isinstance(run, pd.DataFrame):
            return cls()
        with Store.open(Path(run)) as store:
            return cls.of_manifest(store.manifest())

    def name(self, label: str) -> str:
        """The display name of a label."""
        return self.names.get(label, label)

    def split(self, text: str) -> list[str]:
        """Split a list of models as users type it; display names may have brackets, spaces and quotes: A (B's code)."""
        if os.path.exists(text):
            return [text]
        names = sorted(map(re.escape, self.names.values()), key=len, reverse=True)
        held: list[str] = []

        def hold(found: re.Match[str]) -> str:
            held.append(found[3])
            return f"{found[1]}{_HELD}{len(held) - 1}"

        if names:
            text = re.sub(rf"(^|,)\s*(['\"]?)({'|'.join(names)})\2\s*(?=,|$)", hold, text)
        parts = ((part, part.removeprefix(_HELD)) for part in spec.split_list(text))
        return [held[int(index)] if part != index and index.isdecimal() else part for part, index in parts]

    def written(self, text: str) -> str:
        """The spec of the model that a display name or label of the run stands for; other texts unchanged."""
        labels = {name: label for label, name in self.names.items()} | {label: label for label in self.names}
        label = labels.get(text.strip()) or _only_of_class(text.strip(), self.names)
        return self.specs.get(label, label) if label else text

    def side_name(self, text: str) -> str:
        """The name of a side of a comparison with the display name of its first model: 'Mine and 2 more trainings'."""
        label = max((one for one in self.names if text.startswith(one)), key=len, default="")
        return self.name(label) + text[len(label) :]


_HELD = "display_name_"  # stands for a display name while a list is split
NOTHING_KNOWN = RunModels()


def label_in_run(text: str, rows: pd.DataFrame, known: RunModels, notes: list[str]) -> str:
    """The label in rows of the model that a spec or display name names; adds a note if its source has changed.

    Raises BadInput.
    """
    labels = list(dict.fromkeys(rows["model"]))
    named = {known.name(label): label for label in labels} | {label: label for label in labels}
    if text.strip() in named:
        return named[text.strip()]
    parsed = groups.parse(text)
    if same := _same_spec(parsed, labels):
        return same
    if parsed.bare and ":" not in parsed.name:
        if label := _only_of_class(parsed.name, labels):
            return label
        raise unknown("model", text, [known.name(label) for label in labels], " in the run")
    label, identity, problem = _resolved(parsed)
    if label not in labels and identity and "weights_hash" in rows:  # of several alike, labels show longer paths
        equal = dict.fromkeys(rows.loc[rows["weights_hash"] == identity, "model"])
        label = next((one for one in equal if _without_paths(one) == _without_paths(label)), label)
    if label not in labels:
        raise BadInput(f"{unknown('model', text, labels, ' in the run')}{problem and f' ({problem})'}")
    if "weights_hash" not in rows or identity in set(rows.loc[rows["model"] == label, "weights_hash"]):
        return label  # an exported table may lack the column: then the source is not known
    if known.sources.get(label) == parsed.name and ":" in parsed.name:
        state = "cannot be read here" if problem else "has changed since that run"
        notes.append(f"{parsed.name} {state}: the rows of {label} were computed with the source at that time.")
        return label
    raise BadInput(
        f"expected a model of the run, got {text}: {label} of the run has another source or other weights"
        f"{problem and f' ({problem})'}; write {label} to use its rows"
    )


def _only_of_class(name: str, labels: Iterable[str]) -> str:
    """The only label of a user-defined class, `UNet(width=32)` for `UNet`; '' for none, several, or other models.

    `ours` alone means the shipped network, not one with other parameters.
    """
    found = [label for label in labels if label.partition("(")[0] == name]
    return found[0] if len(found) == 1 and name not in cards.models() else ""


def _without_paths(label: str) -> spec.Spec:
    """A label without the path of its source and without its weights."""
    parsed = spec.parse(label)
    others = tuple((key, value) for key, value in parsed.kwargs if key != "weights")
    return replace(parsed, name=parsed.name.rpartition(":")[2], kwargs=others)


def _same_spec(parsed: spec.Spec, labels: list[str]) -> str:
    """The label that equals a spec up to spaces, quotes and the notation of numbers; '' if there is none."""
    text = spec.format_value(parsed)
    return next((label for label in labels if spec.format_value(spec.parse(label)) == text), "")


def _resolved(parsed: spec.Spec) -> tuple[str, str, str]:
    """(label, hash, '') of a model; if it cannot be resolved, (the label that its spec would give, '', the reason)."""
    from bench.models import model_specs  # imports torch: only for specs that are not labels

    try:
        model = model_specs.resolve(spec.format_value(parsed))
    except BadInput as error:
        return spec.format_value(replace(parsed, name=parsed.name.rpartition(":")[2])), "", f"{error}"
    return model.label, model.weights_hash, ""


def noises_in_run(text: str, rows: pd.DataFrame) -> list[str]:
    """The noises in rows that a spec or group names; a name or group means all its levels. Raises BadInput for none."""
    labels = list(dict.fromkeys(rows["noise"]))
    parsed = spec.parse(text)
    if text in labels:
        return [text]
    names = {noise: spec.parse(noise).name for noise in labels}
    if parsed.bare and parsed.name in names.values():
        return [noise for noise in labels if names[noise] == parsed.name]
    from bench.noise import noises

    try:
        expanded = noises.expand(text)
    except BadInput as error:
        if parsed.bare:
            raise unknown("noise", text, dict.fromkeys(names.values()), " in the run") from error
        raise
    if parsed.bare:
        kinds = {noises.noise_name(noise): noise for noise in expanded}
        found = [noise for noise in labels if names[noise] in kinds]
        _check_versions({noise: kinds[names[noise]] for noise in found}, text, rows)
    else:
        canonical = {noises.canonical(noise): noise for noise in expanded}
        found = [noise for noise in labels if noise in canonical]
        _check_versions({noise: canonical[noise] for noise in found}, text, rows)
    if not found:
        raise unknown("noise", text, dict.fromkeys(names.values()) if parsed.bare else labels, " in the run")
    return found


def _check_versions(chosen: Mapping[str, Any], text: str, rows: pd.DataFrame) -> None:
    """Raise BadInput if a user-defined noise has another version than the noise of this name in the rows."""
    from bench.noise import noises

    for name, noise in chosen.items():
        known = type(noise).__module__.startswith("noise_zoo.") or "noise_version" not in rows
        if not known and noises.version(noise) not in set(rows.loc[rows["noise"] == name, "noise_version"]):
            raise BadInput(
                f"expected a noise of the run, got {text}: {name} of the run has another source; write {name} "
                "to use its rows"
            )


def datasets_in_run(text: str, rows: pd.DataFrame) -> list[str]:
    """The data sets in rows that a spec names; a name means all its crops and limits. Raises BadInput for none."""
    from bench.datasets import DEFAULTS

    labels = list(dict.fromkeys(rows["dataset"]))
    parsed = spec.parse(text)
    if text in labels:
        return [text]
    if parsed.bare:
        found = [name for name in labels if spec.parse(name).name == parsed.name]
        labels = list(dict.fromkeys(spec.parse(name).name for name in labels))
    else:
        defaults = {key: parameter.default for key, parameter in DEFAULTS.items()}
        name = spec.canonical(parsed.name, {**defaults, **spec.bind(parsed, DEFAULTS, "data set")}, defaults)
        found = [other for other in labels if other == name]
    if not found:
        raise unknown("data set", text, labels, " in the run")
    return found
