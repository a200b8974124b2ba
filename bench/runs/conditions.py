"""The conditions of a run from its manifest: the reference noise, and the training noise of its models."""

from __future__ import annotations

from pathlib import Path

from bench.core.errors import BadInput
from bench.noise.noises import REFERENCE
from bench.noise.training_noise import of_model
from bench.runs.selection import Manifest, start_entries
from bench.runs.store import ROWS_FILE, Store
from bench.statistics.ood import Conditions


def conditions_of(manifest: Manifest, protocol: str | None = None) -> Conditions:
    """The conditions of the last command under a protocol.

    Manifests of older versions do not name a reference noise: it was Gaussian 15.
    """
    entries = [entry for entry in manifest if protocol in (None, entry["protocol"])] or manifest
    reference = entries[-1].get("reference", REFERENCE) if entries else REFERENCE
    models = [model for entry in manifest for model in entry["models"]]
    training = {model["label"]: of_model(model["card"], model["weights"], model["size"]) for model in models}
    return Conditions(reference or "", training)


def read_conditions(folder: Path, protocol: str | None = None) -> Conditions:
    """The conditions of a run folder. Raises BadInput if it is not one."""
    with Store.open(folder) as store:
        return conditions_of(start_entries(store), protocol)


def reference_of(folder: Path, chosen: str | None, option: str = "--reference") -> str:
    """The noise chosen with an option, or else the reference noise of a run folder; Gaussian 15 if it has no rows yet.

    Raises BadInput if the folder was run without a reference noise.
    """
    if chosen is not None or not (folder / ROWS_FILE).is_file():
        return chosen or REFERENCE
    if not (known := read_conditions(folder).reference):
        raise BadInput(f"expected a reference noise, and {folder} was run without one: name it with {option}")
    return known
