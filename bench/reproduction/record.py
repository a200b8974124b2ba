"""What was reproduced in a run folder, from its manifest: roles and their models, data sets, files, what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.runs.store import Store

EXPERIMENT, STEP = "reproduced", "reproduced step"  # events of the manifest


@dataclass(frozen=True)
class Reproduction:
    """One experiment with one source of weights.

    size, weights  as given: 'small', 'shipped'
    roles          role -> labels of its models in rows
    hashes         label -> hash of its weights
    datasets       name in the paper -> name of the data set in rows
    problems       sentences: what is missing, with the command that gets it
    steps          keys of its steps
    command        the command line
    """

    experiment: str
    size: str
    weights: str
    protocol: str
    roles: Mapping[str, Sequence[str]]
    hashes: Mapping[str, str]
    datasets: Mapping[str, str]
    problems: Sequence[str] = ()
    steps: Sequence[str] = ()
    command: str = ""

    @property
    def weight_set(self) -> str:
        """'small, shipped'."""
        return f"{self.size}, {self.weights}"


@dataclass(frozen=True)
class DoneStep:
    """A step that was done: its key, its command, and its files relative to the run folder."""

    key: str
    command: str
    title: str = ""
    files: Sequence[str] = field(default_factory=tuple)


def write(store: Store, reproduction: Reproduction) -> None:
    """Record a reproduction in the manifest."""
    store.record({"event": EXPERIMENT, **asdict(reproduction)})


def write_step(store: Store, key: str, command: str, title: str, files: Iterable[Path]) -> None:
    """Record a finished step in the manifest."""
    names = [str(file.relative_to(store.folder)) for file in files]
    store.record({"event": STEP, "key": key, "command": command, "title": title, "files": names})


def reproductions(manifest: Sequence[Mapping[str, Any]]) -> list[Reproduction]:
    """One per experiment and source of weights. Calls for other roles of the same data sets are joined."""
    found: dict[tuple[str, str], Reproduction] = {}
    for entry in manifest:
        if entry["event"] != EXPERIMENT:
            continue
        new = Reproduction(**{name: entry[name] for name in Reproduction.__dataclass_fields__})
        old = found.get((new.experiment, new.weight_set))
        if old is not None and old.datasets == new.datasets and old.protocol == new.protocol:
            steps = tuple(dict.fromkeys([*old.steps, *new.steps]))
            roles, hashes = {**old.roles, **new.roles}, {**old.hashes, **new.hashes}
            new = replace(new, roles=roles, hashes=hashes, steps=steps)
        found[new.experiment, new.weight_set] = new
    return list(found.values())


def grouped(problems: Iterable[str]) -> list[str]:
    """'a: why', 'b: why' -> 'a, b: why'."""
    names: dict[str, list[str]] = {}
    for problem in problems:
        name, _, why = problem.partition(": ")
        names.setdefault(why, []).append(name)
    return [f"{', '.join(dict.fromkeys(of_why))}: {why}" for why, of_why in names.items()]


def conflict(known: Iterable[Reproduction], new: Reproduction) -> str:
    """A label that another source of weights has in the run folder for other weights; '' for none."""
    others = [one for one in known if one.weight_set != new.weight_set]
    differing = (
        label for one in others for label, digest in one.hashes.items() if new.hashes.get(label, digest) != digest
    )
    return next(differing, "")


def done_steps(manifest: Sequence[Mapping[str, Any]], folder: Path) -> dict[str, DoneStep]:
    """The finished steps by key, as far as all of their files are there."""
    found = {}
    for entry in manifest:
        if entry["event"] == STEP:
            names = ("key", "command", "title", "files")
            found[entry["key"]] = DoneStep(**{name: entry[name] for name in names})
    return {key: one for key, one in found.items() if all(_is_in(folder, name) for name in one.files)}


def _is_in(folder: Path, name: str) -> bool:
    """Whether a file is there, inside the run folder: a manifest may be somebody else's."""
    file = folder / name
    return file.is_file() and file.resolve().is_relative_to(folder.resolve())
