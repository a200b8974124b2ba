"""Scores of output files as rows of a run, beside those of other models: same images, same noise, same metrics."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path

import pandas as pd

from bench import metrics as all_metrics
from bench.core.errors import BadInput
from bench.core.progress import bar_in_sight
from bench.datasets import Dataset
from bench.datasets.locations import locate
from bench.models import display_names
from bench.models.tiling import Tiling
from bench.noise import noises
from bench.noise.training_noise import of_model
from bench.outputs import checks, matching
from bench.outputs.engine import FromFiles
from bench.outputs.model import OutputsModel, model_of
from bench.outputs.noisy_set import NoisySet, read_set
from bench.results import Run
from bench.runner import Execution, Step
from bench.runs import contents, scored_files, selection
from bench.runs.conditions import conditions_of
from bench.runs.plan import Plan
from bench.runs.store import ROWS_FILE, Store, row_key
from noise_zoo.noise import Noise

UNKNOWN_PRECISION = "-"  # in rows and plans: how outputs were computed is not known


@dataclass(frozen=True)
class OutputsPlan(Plan):
    """The plan of outputs: each data set has the noises of its noisy images."""

    noisy: NoisySet | None = None

    def noises_on(self, dataset: Dataset) -> list[int]:
        """Indices of the noises of a data set's noisy images."""
        own = self.noisy.noises_on(dataset.name) if self.noisy else set()
        return [index for index, noise in enumerate(self.noises) if noises.canonical(noise) in own]


@dataclass(frozen=True)
class Scoring:
    """Outputs that were matched and checked, ready to be scored.

    warnings  by name of the outputs: what is doubtful about them
    notes     sentences on what is not scored
    """

    plan: OutputsPlan
    warnings: Mapping[str, list[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def steps(self, store: Store, device: str = "auto", pictures: int = 3, command: str = "") -> Iterator[Step]:
        """Score the outputs that the store has no rows of; rows of outputs that were replaced are superseded."""
        hashes = {image.key: image.pixel_hash for image in self.plan.noisy.images}
        work = Execution(self.plan, store, FromFiles(self.plan, hashes, device), pictures, {"command": command})
        yield from work.steps()
        self._record_files(store)

    def rows(self, store: Store) -> pd.DataFrame:
        """The rows of all models of the run on these data sets and noises."""
        rows = selection.of_store(store, self.plan.protocol.name).rows
        named = {noises.canonical(noise) for noise in self.plan.noises}
        return rows[rows["dataset"].isin([data.name for data in self.plan.datasets]) & rows["noise"].isin(named)]

    def _record_files(self, store: Store) -> None:
        """Record where the files of the rows lie, for figures."""
        models = {model.label: model for model in self.plan.models}
        own = store.rows()
        own = own[own["model"].isin(list(models)) & (own["status"] == "ok")]
        files = {}
        for row in own.to_dict("records"):
            key, model = (row["dataset"], row["image"], row["noise"], row["seed"]), models[row["model"]]
            if model.hashes.get(key) == row["weights_hash"]:
                files[row_key(row)] = model.files[key]
        with store.writing() as connection:
            scored_files.record(connection, files)


def prepare(
    noisy: str | Path,
    outputs: Mapping[str, str | Path],
    out: Path,
    *,
    clean: str | Path | None = None,
    pattern: str = matching.PLACE,
    partial: bool = False,
    trained_on: str | None = None,
    protocol: str | None = None,
    metrics: str | None = None,
) -> Scoring:
    """Match and check the outputs of each name; see `score_folder`. Raises BadInput."""
    if not outputs or not all(map(str.strip, outputs)):
        raise BadInput("expected folders of outputs with a name for each, got none")
    found = read_set(noisy, None if clean is None else Path(clean), protocol)
    _check_clean(found)
    models, warnings, notes = [], {}, []
    for name, folder in outputs.items():
        model, sentences = _model(name, Path(folder), found, pattern, partial, trained_on)
        models.append(model)
        warnings[name] = model.card["outputs"]["warnings"]
        notes += [f"{name}: {sentence}" for sentence in sentences]
    if len({model.label for model in models}) < len(models):
        raise BadInput(f"expected names that differ in letters and digits, got {', '.join(outputs)}")
    manifest, folders = _state(out)
    _check_names(models, manifest)
    chosen = metrics or _metrics_of(manifest, notes)
    measured, not_measured = all_metrics.available(all_metrics.expand(chosen))
    plan = OutputsPlan(
        models=tuple(models),
        noises=found.noises,
        datasets=tuple(replace(data, folder=_folder(data, folders)) for data in found.datasets),
        seeds=found.seeds,
        protocol=found.protocol,
        precision=UNKNOWN_PRECISION,
        tile="whole",
        tilings=(Tiling(1, 0, 0, max_whole_pixels=inf),) * len(models),
        metrics=measured,
        not_measured=not_measured,
        reference=_reference(manifest, found),
        noisy=found,
    )
    notes += [f"{name} is not measured: {why}" for name, why in not_measured.items()]
    if any(not of_model(model.card, model.weights, model.size).known for model in models):
        notes.append(
            f"training noise of {', '.join(outputs)} unknown, so not ranked with models whose training noise is known: "
            "state it with --trained-on 'gaussian(sigma=15)', or --trained-on none for a method without training"
        )
    return Scoring(plan, warnings, tuple(notes))


def score_folder(
    noisy: str | Path,
    outputs: str | Path | Mapping[str, str | Path],
    name: str = "",
    *,
    clean: str | Path | None = None,
    out: str | Path | None = None,
    pattern: str = matching.PLACE,
    partial: bool = False,
    trained_on: str | None = None,
    protocol: str | None = None,
    metrics: str | Iterable[str] | None = None,
    device: str = "auto",
    pictures: int = 3,
    progress: bool = True,
) -> Run:
    """Score outputs of other code, as `bench score`; returns the run, with one row per noisy image and name.

    noisy       folder that `bench noise apply` wrote, or a data set of pairs
    outputs     folder of the outputs, with `name`; or a mapping, name -> folder. PNG, TIFF and other image files, or
                NumPy arrays (H, W, 3) or (H, W), uint8 or floats in [0, 1]
    clean       folder of the clean images, where `noisy` does not say which they are
    out         the run folder; None: a temporary folder, as in `bench.run`
    pattern     names of output files without ending, {} being that of the noisy file: '{}_dncnn'
    partial     score the outputs that exist; the rows of others have no scores but a reason
    trained_on  training noise, 'gaussian(sigma=15)' or 'gaussian(sigma=0-55)'; 'none' for a method without training
    protocol    by default that of the noisy images
    metrics     by default those of the run folder, or psnr, ssim and lpips
    device      of the metrics
    pictures    number of images of each data set whose outputs are kept for the pages

    Rows are keyed by the pixels of outputs: scoring again after a file was changed replaces its row. Raises BadInput.
    """
    if not isinstance(outputs, Mapping):
        outputs = {name: outputs}
    folder = Path(tempfile.mkdtemp(prefix="bench-run-")) if out is None else Path(out)
    found = Run(folder, temporary=out is None)
    scoring = prepare(
        noisy,
        outputs,
        folder,
        clean=clean,
        pattern=pattern,
        partial=partial,
        trained_on=trained_on,
        protocol=protocol,
        metrics=metrics if metrics is None or isinstance(metrics, str) else ",".join(metrics),
    )
    doubts = (f"{name}: {sentence}" for name, sentences in scoring.warnings.items() for sentence in sentences)
    found.notes = (*scoring.notes, *doubts)
    with Store.create(folder) as store, bar_in_sight("rows", scoring.plan.rows, progress) as bar:
        for step in scoring.steps(store, device, pictures, "bench.score_folder"):
            bar.skip(step.skipped)
            bar.advance(len(step.rows))
    return found


def _check_clean(noisy: NoisySet) -> None:
    """Raise BadInput if a clean image cannot be read or has changed."""
    for image in (image for data in noisy.datasets for image in data.images):
        if problem := image.problem():
            raise BadInput(problem)


def _model(
    name: str, folder: Path, noisy: NoisySet, pattern: str, partial: bool, trained_on: str | None
) -> tuple[OutputsModel, list[str]]:
    """The outputs of one name, and sentences on what is not scored. Raises BadInput."""
    matched = matching.match(folder, noisy, pattern)
    checked = checks.check(noisy, matched)
    problems = [_phrase(reason, names, len(noisy.images)) for reason, names in checked.problems.values()]
    extra = [f"{checks.counted(list(matched.extra))} of no noisy image: skipped"] if matched.extra else []
    if problems and not (partial and checked.hashes):
        hint = f"; files are named {matched.hint}: add --name '{matched.hint}'" if matched.hint else ""
        advice = "" if matched.hint or not checked.hashes else "; --partial scores the others"
        raise BadInput(f"{folder}: {'; '.join(problems + extra)}{hint}{advice}")
    model = model_of(name, matched.files, checked.hashes, checked.reasons, checked.warnings, trained_on)
    return model, [*problems, *extra]


def _phrase(reason: str, names: list[str], total: int) -> str:
    """A problem and the noisy images that have it: 'no output file for 2 of 16 noisy images (a, b)'."""
    some = f"{', '.join(names[: checks.MAX_LISTED])}{', ...' if len(names) > checks.MAX_LISTED else ''}"
    return (
        f"{reason}{' for' if reason == checks.NO_OUTPUT else '; so for'} {len(names)} of {total} noisy images ({some})"
    )


def _state(out: Path) -> tuple[list[dict], dict[str, str]]:
    """The manifest of a run folder and the folders of its data sets; empty for a new one."""
    if not (out / ROWS_FILE).is_file():
        return [], {}
    with Store.open(out) as store:
        return store.manifest(), contents.folders(store.connection)


def _check_names(models: list[OutputsModel], manifest: list[dict]) -> None:
    """Raise BadInput if the run has another model of the same label or display name."""
    entries = [entry for entry in manifest if entry["event"] == "started"]
    known = {model["label"]: model for entry in entries for model in entry["models"]}
    given, scored = display_names.given_names(manifest), scored_files.labels(entries)
    for model in models:
        name, other = model.display_name or model.label, known.get(model.label)
        if other and (model.label not in scored or (other.get("display_name") or model.label) != name):
            raise BadInput(
                f"expected a new name, got {name!r}: the run has {other.get('display_name') or model.label}, which is "
                "another model: choose another name with --as"
            )
        if any(held == name and label != model.label for label, held in given.items()):
            raise BadInput(f"expected a new name, got {name!r}, a model of the run: choose another name with --as")


def _metrics_of(manifest: list[dict], notes: list[str]) -> str:
    """The metrics of the last plan of a run, or the default ones; user-defined metrics are noted as skipped."""
    cards = [entry.get("metrics") for entry in manifest if entry.get("metrics")]
    names = [card["name"] for card in cards[-1]] if cards else []
    known = [name for name in names if name in all_metrics.names()]
    if others := [name for name in names if name not in known]:
        notes.append(f"{', '.join(others)} of the run is not measured: name it as file.py:METRIC with --metrics")
    return ",".join(known) or all_metrics.DEFAULT


def _folder(data: Dataset, known: Mapping[str, str]) -> str:
    """The folder to record of a data set: the run's, or where it is on this machine; '' if it is not."""
    base = contents.base_name(data.name)
    if data.folder or base in known:
        return known.get(base, data.folder)
    found = locate(base)
    return "" if found is None else str(found.resolve())


def _reference(manifest: list[dict], noisy: NoisySet) -> Noise | None:
    """The reference noise of the run, or of a new run Gaussian 15 if there are noisy images of it."""
    entries = [entry for entry in manifest if entry["event"] == "started"]
    text = conditions_of(entries, noisy.protocol.name).reference if entries else noises.REFERENCE
    own = {noises.canonical(noise): noise for noise in noisy.noises}
    if text in own or not entries:
        return own.get(text)
    return noises.load_noise(text) if text else None
