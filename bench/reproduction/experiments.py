"""Experiments as data: `experiments/NAME.toml`, one per published table or figure.

title, source, claim     what it shows, where it was published, and what its caption claims
notes                    what the source does not state, and what is chosen instead
roles                    models by name, `ours`
trainings                tables of trainings (`bench train --list`): each training is a role, `table-1/both`
protocol                 of all steps
curves                   whether the test curves of the models belong to it
[[evaluate]]             a run: noise, dataset, metrics
[[analyse]]              an analysis: command, roles, dataset, patches or images, arguments
[[draw]]                 a figure of the run: kind, name, title, dataset, arguments
[[values]]               published values: noise (a name means the mean over its levels), dataset, metrics, and by
                         role one value per metric
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bench.core.errors import unknown
from bench.training import ablations

FOLDER = Path(__file__).parent
PROTOCOL = "masked-denoising-bgr"  # the test script of Chen et al.
NOT_VALUES = ("noise", "dataset", "metrics")  # keys of [[values]] that are no roles


@dataclass(frozen=True)
class PublishedValues:
    """Published means under one noise on one data set: role -> one value per metric, in their order."""

    noise: str
    dataset: str
    metrics: tuple[str, ...]
    of_role: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class Experiment:
    """A published table or figure; the fields are the keys of its file."""

    name: str
    title: str
    source: str
    claim: str
    notes: tuple[str, ...]
    roles: tuple[str, ...]
    protocol: str
    curves: bool
    evaluate: tuple[Mapping[str, Any], ...]
    analyse: tuple[Mapping[str, Any], ...]
    draw: tuple[Mapping[str, Any], ...]
    values: tuple[PublishedValues, ...]

    @property
    def datasets(self) -> tuple[str, ...]:
        """The data sets that it names, in order."""
        steps = (*self.evaluate, *self.analyse, *self.draw)
        return tuple(dict.fromkeys(step["dataset"] for step in steps))


def names() -> list[str]:
    """Names of all experiments: tables, then figures, in numerical order."""
    stems = [path.stem for path in (FOLDER / "experiments").glob("*.toml")]
    return sorted(stems, key=lambda name: (name.startswith("fig"), _number(name), name))


def _number(name: str) -> int:
    digits = re.findall(r"\d+", name)
    return int(digits[0]) if digits else 0


def load(name: str) -> Experiment:
    """An experiment by name. Raises BadInput."""
    if name not in names():
        raise unknown("experiment", name, names())
    return read(FOLDER / "experiments" / f"{name}.toml")


def read(file: Path) -> Experiment:
    """The experiment of a file."""
    found = tomllib.loads(file.read_text(encoding="utf-8"))
    tables = [*found.get("trainings", [])]
    values = [_published(one) for one in found.get("values", [])]
    values += [one for table in tables if table == file.stem and (one := _published_of_trainings(table))]
    return Experiment(
        file.stem,
        found["title"],
        found["source"],
        found["claim"],
        tuple(found.get("notes", [])),
        (*found.get("roles", []), *(role for table in tables for role in training_roles(table))),
        found.get("protocol", PROTOCOL),
        found.get("curves", False),
        *(tuple(found.get(key, [])) for key in ("evaluate", "analyse", "draw")),
        tuple(values),
    )


def training_roles(table: str) -> list[str]:
    """The roles of a table of trainings: 'table-1/both'."""
    return [f"{table}/{row['label']}" for row in ablations.load(table)["training"]]


def _published(entry: Mapping[str, Any]) -> PublishedValues:
    of_role = {role: tuple(values) for role, values in entry.items() if role not in NOT_VALUES}
    return PublishedValues(entry["noise"], entry["dataset"], tuple(entry["metrics"]), of_role)


def _published_of_trainings(table: str) -> PublishedValues | None:
    """The published values in a table of trainings; None if it has none."""
    found = ablations.load(table)
    of_role = {f"{table}/{row['label']}": (row["psnr"], row["ssim"]) for row in found["training"] if "psnr" in row}
    return PublishedValues(found["noise"], found["dataset"], ("psnr", "ssim"), of_role) if of_role else None


@cache
def dataset_facts() -> dict[str, dict[str, str]]:
    """By the name of a data set: how to obtain it, where its own error does not say so, and its stand-in."""
    return tomllib.loads((FOLDER / "datasets.toml").read_text(encoding="utf-8"))


def listing() -> list[tuple[str, str]]:
    """(name, title) of all experiments."""
    return [(name, load(name).title) for name in names()]
