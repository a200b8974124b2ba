"""Outputs under a name, as a model of a run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.models import display_names, groups
from bench.noise import training_noise
from bench.outputs.noisy_set import Key
from bench.runs.scored_files import ORIGIN


@dataclass(frozen=True)
class OutputsModel:
    """What rows, plans and pages need to know of a model (`bench.models.model.Model`), for outputs from files.

    files    output files; of noisy images without one there are only `reasons`
    hashes   of the outputs' pixels, which are the hashes in rows
    """

    label: str
    display_name: str
    files: Mapping[Key, Path]
    hashes: Mapping[Key, str]
    reasons: Mapping[Key, str]
    card: dict[str, Any]
    size: str = "-"
    weights: str = ORIGIN
    title: str = "outputs of other code"
    paper: str = ""
    licence: str = "not stated"
    source: str = ""
    level: None = None
    channels: None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    request: tuple[str, str] = ("", "")

    @property
    def name(self) -> str:
        """Its label."""
        return self.label

    @cached_property
    def weights_hash(self) -> str:
        """One hash of all outputs."""
        lines = sorted("\x1f".join((*map(str, key), pixels)) for key, pixels in self.hashes.items())
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def hash_on(self, dataset: str, image: str, noise: str, seed: int) -> str:
        """The hash of an output's pixels; '' without an output."""
        return self.hashes.get((dataset, image, noise, seed), "")


def model_of(
    name: str,
    files: Mapping[Key, Path],
    hashes: Mapping[Key, str],
    reasons: Mapping[Key, str],
    warnings: list[str],
    trained_on: str | None,
) -> OutputsModel:
    """The model of outputs under a name.

    trained_on  training noise as on cards of weights, 'none' for a method without training; None if unknown

    Raises BadInput for a name that a model of this installation has, and for a training noise that is none.
    """
    label = groups.own_label(display_names.checked(name))
    card: dict[str, Any] = {"outputs": {"origin": ORIGIN, "files": len(hashes), "warnings": warnings}}
    if trained_on is not None:
        none = trained_on == training_noise.NONE
        card["trained_on"] = {"noise": trained_on if none else training_noise.parse(trained_on).specs}
    return OutputsModel(label, name if name != label else "", files, hashes, reasons, card)
