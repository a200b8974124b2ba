"""What a figure shows of a run: models with their names, and one image, noise and seed, from the options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bench import spec
from bench.core.errors import BadInput, unknown
from bench.models import groups
from bench.runs import selection
from bench.runs.conditions import conditions_of
from bench.runs.filters import Filters
from bench.runs.run_specs import RunModels, datasets_in_run, label_in_run, noises_in_run
from bench.runs.store import Store
from bench.site.study import measures
from bench.statistics.ood import Conditions
from reports.measures import Measure

MAX_LISTED = 12  # images in a message


@dataclass(frozen=True)
class RunData:
    """The rows of a run that count under a protocol, and what its manifest says."""

    rows: pd.DataFrame
    known: RunModels
    conditions: Conditions
    measures: Mapping[str, Measure]

    @classmethod
    def of(cls, store: Store, protocol: str | None = None) -> RunData:
        """Of an open run folder; by default under the protocol of its last plan. Raises BadInput without rows."""
        manifest, found = selection.required_start_entries(store), selection.of_store(store, protocol)
        if found.rows.empty:
            raise BadInput(f"expected rows under the protocol {found.protocol!r} in {store.folder}, got none")
        known = RunModels.of_manifest(store.manifest())
        own = {one.key: one for one in measures(found.rows, manifest) if found.rows[one.key].notna().any()}
        return cls(found.rows, known, conditions_of(manifest, found.protocol), own)

    def metrics(self, text: str) -> list[Measure]:
        """The measures of a list of metrics. Raises BadInput for one that the run does not have."""
        names = spec.split(text)
        for name in names:
            if name not in self.measures:
                raise unknown("metric", name, self.measures, " in the run")
        if not names:
            raise BadInput("--metric: expected a metric such as psnr, got an empty list")
        return [self.measures[name] for name in dict.fromkeys(names)]

    def noises(self, text: str, rows: pd.DataFrame) -> list[str]:
        """The noises of rows that a list of specs names, in its order. Raises BadInput."""
        return list(dict.fromkeys(noise for part in spec.split(text) for noise in noises_in_run(part, rows)))

    def dataset(self, text: str | None, rows: pd.DataFrame) -> str:
        """The one data set of rows that a spec names, None if they have only one. Raises BadInput."""
        found = list(dict.fromkeys(rows["dataset"]))
        if text is not None:
            found = list(dict.fromkeys(name for part in spec.split(text) for name in datasets_in_run(part, rows)))
        if len(found) != 1:
            raise BadInput(f"expected one data set, got {', '.join(found)}: choose one with --datasets")
        return found[0]


@dataclass(frozen=True)
class ChosenModels:
    """Models in the order of a figure. names: label -> what the figure calls it; specs: label -> as it was given."""

    names: Mapping[str, str]
    specs: Mapping[str, str]

    @classmethod
    def of(cls, text: str | None, data: RunData, notes: list[str]) -> ChosenModels:
        """From a list of specs, display names and groups, each as NAME=SPEC too; None chooses all. Raises BadInput."""
        rows, known = data.rows, data.known
        names: dict[str, str] = {}
        specs: dict[str, str] = {}
        for part in known.split(text) if text is not None else ["all"]:
            name, of_model = spec.split_label(part)
            of_model = re.sub(r"""^(['"])(.*)\1$""", r"\2", of_model)  # a display name in quotes
            if of_model == "all" or of_model in groups.GROUPS:
                members = Filters(models=of_model).apply(rows, known)["model"].unique()
                names |= {label: known.name(label) for label in members if label not in names}
            else:
                label = label_in_run(of_model, rows, known, notes)
                names[label], specs[label] = name or known.name(label), of_model
        if len(set(names.values())) < len(names):
            raise BadInput(f"expected different names of models, got {', '.join(names.values())}")
        return cls(names, specs)


@dataclass(frozen=True)
class SceneChoice:
    """The options that select one image, noise and seed, None where not given."""

    noise: str | None = None
    dataset: str | None = None
    seed: int | None = None
    image: str | None = None


def scene_rows(
    store: Store, data: RunData, models: ChosenModels, chosen: SceneChoice, notes: list[str]
) -> pd.DataFrame:
    """One successful row per model, in the order of the figure, all of one image, noise and seed. Raises BadInput."""
    rows = data.rows[data.rows["model"].isin(list(models.names))]
    if chosen.image is not None:
        rows = rows[rows["image"].isin(_images(chosen.image, rows))]
    rows = rows[rows["dataset"] == data.dataset(chosen.dataset, rows)]
    rows = rows[rows["noise"] == _noise(data, chosen.noise, rows)]
    seeds = sorted(set(rows["seed"]))
    if chosen.seed is not None and chosen.seed not in seeds:
        raise BadInput(f"--seed: expected a seed of the run ({', '.join(map(str, seeds))}), got {chosen.seed}")
    rows = rows[rows["seed"] == (seeds[0] if chosen.seed is None else chosen.seed)]
    images = list(dict.fromkeys(rows["image"]))
    if len(images) > 1:  # chosen by default, or several files of one name with other suffixes
        rows = rows[rows["image"] == (_first_pictured(store, rows) if chosen.image is None else chosen.image)]
        if rows.empty:
            raise BadInput(f"--image: expected one image, got {chosen.image}, which may be {' or '.join(images)}")
    for row in rows[rows["status"] != "ok"].to_dict("records"):
        notes.append(f"{models.names[row['model']]} is not shown: its row failed: {row['reason']}")
    rows = rows[rows["status"] == "ok"]
    order = [label for label in models.names if label in set(rows["model"])]
    notes += [
        f"{name} is not shown: it has no row of this image"
        for label, name in models.names.items()
        if label not in order and not any(note.startswith(f"{name} is not shown") for note in notes)
    ]
    if not order:
        raise BadInput("expected a model with an output for this image, noise and seed, got none: choose others")
    return rows.drop_duplicates("model", keep="last").set_index("model", drop=False).loc[order]


def _images(name: str, rows: pd.DataFrame) -> list[str]:
    """The images of a name, with its suffix or without. Raises BadInput for none."""
    images = list(dict.fromkeys(rows["image"]))
    found = [image for image in images if image == name] or [image for image in images if Path(image).stem == name]
    if not found:
        some = f" and {len(images) - MAX_LISTED} more" if len(images) > MAX_LISTED else ""
        raise BadInput(f"--image: expected an image of the run ({', '.join(images[:MAX_LISTED])}{some}), got {name!r}")
    return found


def _noise(data: RunData, text: str | None, rows: pd.DataFrame) -> str:
    """The one noise of rows that a spec names; by default the first that is not the reference noise."""
    if text is None:
        found = list(dict.fromkeys(rows["noise"]))
        return next((noise for noise in found if noise != data.conditions.reference), found[0])
    found = data.noises(text, rows)
    if len(found) != 1:
        raise BadInput(f"--noise: expected one noise with its level, got {', '.join(found)}: choose one of these")
    return found[0]


def _first_pictured(store: Store, rows: pd.DataFrame) -> str:
    """The first image with saved pictures, else the first one."""
    shared = ["image_hash", "noise", "noise_version", "seed", "protocol"]
    for row in rows.drop_duplicates("image").to_dict("records"):
        if store.picture_path("clean", *(row[column] for column in shared)).is_file():
            return row["image"]
    return rows["image"].iloc[0]
