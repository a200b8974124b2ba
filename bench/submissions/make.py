"""A submission from the rows of one model of a run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

import bench
from baselines.layers.validation import is_number
from bench.core.environment import describe_machine, versions
from bench.core.errors import BadInput
from bench.core.files import write
from bench.noise.training_noise import NONE, of_model
from bench.runs import export, selection
from bench.runs.run_specs import RunModels, label_in_run
from bench.runs.store import Store
from bench.submissions.schema import ABOUT_FILE, ENVIRONMENT_FILE, FIELDS, MANIFEST_FILE, ROWS_FILE, SWITCH, TEXT

PACKAGES = ("bench", "baselines", "noise_zoo", "analysis", "reports")


def make(run: Path, model: str, out: Path, overwrite: bool = False) -> Path:
    """Write the submission of a model, a spec or display name, into a folder; returns its submission.toml.

    All rows of the model that count are in it, of every protocol. Fields that the run does not say are empty. Raises
    BadInput, also for a folder that has one without `overwrite`.
    """
    if (out / ABOUT_FILE).exists() and not overwrite:
        raise BadInput(f"expected a new folder, got {out} with {ABOUT_FILE}: choose another, or add --overwrite")
    with Store.open(run) as store:
        entries, rows = selection.required_start_entries(store), selection.all_of_store(store)
        known = RunModels.of_manifest(store.manifest())
    label = label_in_run(model, rows, known, [])
    own = rows[rows["model"] == label].reset_index(drop=True)
    plans = [
        entry | {"models": models}
        for entry in entries
        if (models := [one for one in entry["models"] if one["label"] == label])
    ]
    about = plans[-1]["models"][-1]
    content = export.encode(own, "parquet")
    write(out / ROWS_FILE, content)
    facts = {"versions": versions(), "machine": describe_machine()}
    write(out / ENVIRONMENT_FILE, (json.dumps(facts, indent=1) + "\n").encode())
    write(out / MANIFEST_FILE, (json.dumps(plans, indent=1) + "\n").encode())
    write(out / ABOUT_FILE, _toml(_values(about, known.name(label), own, plans[-1], content)).encode())
    return out / ABOUT_FILE


def _values(
    about: Mapping[str, Any], name: str, rows: pd.DataFrame, plan: Mapping[str, Any], content: bytes
) -> dict[tuple[str, str], Any]:
    """(section, field) -> value, as far as the run says it."""
    card, training = about["card"], of_model(about["card"], about["weights"], about["size"])
    data = card.get("trained_on")
    seconds = rows["seconds"].median()
    values = {
        ("model", "name"): name,
        ("model", "spec"): about["label"],
        ("model", "paper"): about["paper"],
        ("model", "licence"): card.get("licence", about["licence"]),
        ("model", "parameters"): card.get("parameters"),
        ("training", "noise"): training.text if training.trained else NONE,
        ("training", "data"): data.get("data") if isinstance(data, Mapping) else None,
        ("rows", "count"): len(rows),
        ("rows", "sha256"): hashlib.sha256(content).hexdigest(),
        ("software", "maskbench"): bench.__version__,
        ("software", "sha256"): source_hash(),
    }
    if pd.notna(seconds):
        values |= {("cost", "seconds"): float(seconds), ("cost", "hardware"): plan["machine"].get("processor")}
    return values


def source_hash() -> str:
    """SHA-256 of the source files of this installation."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        folder = Path(find_spec(package).submodule_search_locations[0])
        for path in sorted(folder.rglob("*.py")):
            digest.update(f"{package}/{path.relative_to(folder).as_posix()}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _toml(values: Mapping[tuple[str, str], Any]) -> str:
    """The content of submission.toml: every field, with its meaning as a comment; fields without value are empty."""
    lines = ["# Fill in what is empty; bench submit --check FOLDER says what is missing."]
    for section, fields in FIELDS.items():
        lines += ["", f"[{section}]"]
        for name, field in fields.items():
            value = values.get((section, name))
            comment = f"  # {field.meaning}{', required' if field.required else ''}"
            empty = value in (None, "", "not stated")
            if empty and field.kind != TEXT:
                lines.append(f"# {name} = {'false' if field.kind == SWITCH else '0'}{comment}")
            else:
                lines.append(f"{name} = {_value('' if empty else value)}{comment}")
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    """A TOML value: a JSON string is a basic string of TOML."""
    return repr(value) if is_number(value) else json.dumps(str(value))
