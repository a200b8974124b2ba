"""What a run's manifest says of its conditions: the reference noise, and what its models were trained on."""

from __future__ import annotations

from pathlib import Path

from bench.noise.noises import REFERENCE
from bench.noise.training_noise import of_model
from bench.runs.latest import Manifest, started_in
from bench.runs.store import Store
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
        return conditions_of(started_in(store), protocol)
