"""What a run's manifest says of its conditions: the reference noise, and what its models were trained on."""

from __future__ import annotations

from pathlib import Path

from bench.errors import BadInput
from bench.noise.noises import REFERENCE
from bench.noise.training_noise import of_model
from bench.runs.selection import Manifest, start_entries
from bench.runs.store import ROWS_FILE, Store
from bench.statistics.ood import Conditions


def conditions_of(manifest: Manifest, protocol: str | None = None) -> Conditions:
    """The conditions of the last command under a protocol; of runs of old, Gaussian 15 is the reference noise."""
    entries = [entry for entry in manifest if protocol in (None, entry["protocol"])] or manifest
    reference = entries[-1].get("reference", REFERENCE) if entries else REFERENCE
    models = [model for entry in manifest for model in entry["models"]]
    training = {model["label"]: of_model(model["card"], model["weights"], model["size"]) for model in models}
    return Conditions(reference or "", training)


def read_conditions(folder: Path, protocol: str | None = None) -> Conditions:
    """The conditions of a run folder. Raises BadInput where it is none."""
    with Store.open(folder) as store:
        return conditions_of(start_entries(store), protocol)


def reference_of(folder: Path, asked: str | None, option: str = "--reference") -> str:
    """The noise that was asked for with an option, or else the reference noise of what was run into a folder; Gaussian
    15 where nothing was. Raises BadInput where it was run without one."""
    if asked is not None or not (folder / ROWS_FILE).is_file():
        return asked or REFERENCE
    if not (known := read_conditions(folder).reference):
        raise BadInput(f"{folder} was run without a reference noise: name one with {option}")
    return known
