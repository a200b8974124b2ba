"""The pictures of one image, noise and seed: those that the run saved, else computed again exactly as by the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, UnidentifiedImageError

from bench import datasets, metrics, protocols, spec
from bench.core.errors import BadInput
from bench.datasets import output_files
from bench.datasets.channels import in_colour
from bench.engines.in_process import InProcess
from bench.evaluation.pending import PendingJobs
from bench.evaluation.rows import planned_row
from bench.models import model_specs, tiling
from bench.noise import noises
from bench.noise.picture import noisy_version, recorded_version
from bench.runs import contents, scored_files
from bench.runs.plan import Plan
from bench.runs.run_specs import RunModels
from bench.runs.schema import IDENTITY_COLUMNS
from bench.runs.store import Store, picture_name, row_key
from noise_zoo.noise import Noise

SCENE_COLUMNS = ("image_hash", "noise", "noise_version", "seed", "protocol")
SIZES = ("small", "full")
TOLERANCE = 0.005  # dB between the PSNR of a picture and that of its row: what rounding to two digits hides
CHANGED = {  # column of a row -> what has changed if an image that is computed again has another value
    "weights_hash": "the weights or the source of {model}",
    "weights": "the weights of {model}",
    "image_hash": "the pixels of {image}",
    "noise_version": "the noise {noise}",
}


@dataclass(frozen=True)
class FigureScene:
    """The pictures of one image, noise and seed, uint8 (H, W, 3).

    rows      the row of each model, by label, in the order of the figure
    outputs   by label
    computed  labels of the models whose outputs were computed again, not those that were read from their files
    """

    rows: pd.DataFrame
    noisy: np.ndarray
    clean: np.ndarray
    outputs: Mapping[str, np.ndarray]
    computed: tuple[str, ...] = ()


def scene_of(
    store: Store, rows: pd.DataFrame, known: RunModels, given: Mapping[str, str], noise: str | None, device: str
) -> FigureScene:
    """The scene of the rows of one image, noise and seed, one row per model.

    given   label -> spec of the model as the user gave it
    noise   spec of the noise as the user gave it
    device  of the models whose outputs the run did not save

    Raises BadInput if pixels, weights, sources or the noise have changed since the run, or scores differ from the rows.
    """
    records = {row["model"]: row for row in rows.to_dict("records")}
    first = next(iter(records.values()))
    shared = [first[column] for column in SCENE_COLUMNS]
    names = {label: picture_name(row_key(row)) for label, row in records.items()}
    others = [picture_name(kind, *shared) for kind in ("noisy", "clean")]
    found = {
        name: read_picture(store.pictures / name)
        for name in (*others, *names.values())
        if (store.pictures / name).is_file()
    }
    missing = [label for label, name in names.items() if name not in found]
    again = missing or ([first["model"]] if not found.keys() >= set(others) else [])
    from_files = [label for label in again if records[label]["weights"] == scored_files.ORIGIN]
    for label in again:
        row = records[label]
        if label in from_files:
            found |= read_from_file(store, row, noise)
        else:
            found |= computed_again(store, row, spec_of(label, given, known), noise, device)
    computed = tuple(label for label in missing if label not in from_files)
    scene = FigureScene(
        rows, found[others[0]], found[others[1]], {label: found[name] for label, name in names.items()}, computed
    )
    check_scores(scene)
    return scene


def read_picture(path: Path) -> np.ndarray:
    """A saved picture, uint8 (H, W, 3). Raises BadInput if it cannot be read."""
    try:
        return decoded(path.read_bytes())
    except (OSError, UnidentifiedImageError) as error:
        raise BadInput(f"{path} cannot be read: delete it, and the picture is computed again") from error


def decoded(content: bytes) -> np.ndarray:
    """The content of a picture's file -> uint8 (H, W, 3)."""
    with Image.open(BytesIO(content)) as picture:
        return np.asarray(picture.convert("RGB"))


def spec_of(label: str, given: Mapping[str, str], known: RunModels) -> str:
    """The spec that a model of a run is made of again: as the user gave it, else by the manifest."""
    text = given.get(label, label)
    if ":" in text.partition("(")[0] or ":" not in known.sources.get(label, ""):
        return label if text == known.name(label) else text
    return spec.format_value(replace(spec.parse(label), name=known.sources[label]))


def computed_again(
    store: Store, row: Mapping[str, Any], model: str, noise: str | None, device: str
) -> dict[str, np.ndarray]:
    """The pictures of a row, computed again: file name -> uint8 (H, W, 3). Raises BadInput."""
    dataset = dataset_of(store, row)
    plan = plan_of(row, model, noise_of(row, dataset, noise), dataset)
    pending = PendingJobs(plan, (), pictures=1)
    jobs = list(pending.jobs())
    if not jobs:
        raise BadInput(f"{row['image']} of {row['dataset']} cannot be read: {pending.unreadable[0]['reason']}")
    check_same(row, planned_row(plan, jobs[0], (0, row["seed"], 0)))
    with closing(InProcess(plan, device)) as engine:
        (finished,) = engine.results(jobs)
    if finished.row["status"] != "ok":
        raise BadInput(f"model {row['model']} failed: {finished.row['reason']}")
    check_same(row, finished.row)
    return {name: decoded(content) for name, content in finished.pictures.items()}


def read_from_file(store: Store, row: Mapping[str, Any], noise: str | None) -> dict[str, np.ndarray]:
    """The pictures of a row of other code's output, from its file, as `computed_again`. Raises BadInput."""
    path, again = scored_files.file_of(store.connection, row_key(row)), "score it again with bench score"
    if path is None or not path.is_file():
        raise BadInput(f"{row['model']}: expected its output {path or row['image']}, got no such file: {again}")
    dataset = dataset_of(store, row)
    drawn, (image,) = noise_of(row, dataset, noise), dataset.images
    try:
        if drawn.recorded:
            version = recorded_version(image, drawn, row["protocol"])
        else:
            version = noisy_version(image.pixels, drawn, row["seed"], row["protocol"])
        output = output_files.read_scored(path, version.target.shape[-1], protocols.load_protocol(row["protocol"]))
    except ValueError as error:
        raise BadInput(str(error)) from error
    if noises.pixel_hash(output.in_floats) != row["weights_hash"]:
        raise BadInput(f"{row['model']}: expected the output that was scored, got another one in {path}: {again}")
    shared = [row[column] for column in SCENE_COLUMNS]
    images = {("noisy", *shared): version.stored, ("clean", *shared): version.target, (row_key(row),): output.in_8_bits}
    return {picture_name(*parts): in_colour(pixels) for parts, pixels in images.items()}


def dataset_of(store: Store, row: Mapping[str, Any]) -> datasets.Dataset:
    """The data set of a row, with the image of the row alone. Raises BadInput if it is no longer there."""
    name = row["dataset"]
    base = contents.base_name(name)
    folder = contents.folders(store.connection).get(base, "")
    found = datasets.load_dataset(Path(f"{folder}{name[len(base) :]}") if folder else name)
    images = tuple(image for image in found.images if image.name == row["image"])
    if not images:
        raise BadInput(f"expected the image {row['image']} in {name}, got none: it was removed since the run")
    return replace(found, name=name, images=images)


def noise_of(row: Mapping[str, Any], dataset: datasets.Dataset, given: str | None) -> Noise:
    """The noise of a row: recorded with its image, else from its spec. Raises BadInput."""
    recorded = [noise for noise, _ in dataset.images[0].recorded]
    alternatives = noises.expand(given) if given is not None and ":" in given else []
    for noise in (*recorded, *alternatives):
        if noises.canonical(noise) == row["noise"]:
            return noise
    return noises.load_noise(row["noise"])


def plan_of(row: Mapping[str, Any], model: str, noise: Noise, dataset: datasets.Dataset) -> Plan:
    """The plan of a single row."""
    size = row["size"] if row["size"] in SIZES else SIZES[0]
    try:
        resolved = replace(model_specs.resolve(model, size), label=row["model"])
    except BadInput as error:
        raise BadInput(f"{row['model']} cannot be computed again: {error}, or give its spec with --models") from error
    tile = tiling.parse(row["tile"] or "whole")
    return Plan(
        models=(resolved,),
        noises=(noise,),
        datasets=(dataset,),
        seeds=(row["seed"],),
        protocol=protocols.load_protocol(row["protocol"]),
        precision=row["precision"],
        tile=tile,
        tilings=(tiling.of(resolved, tile),),
        metrics=tuple(metrics.expand("psnr")),
        not_measured={},
    )


def check_same(row: Mapping[str, Any], again: Mapping[str, Any]) -> None:
    """Raise BadInput if what identifies a row that is computed again differs from the stored one."""
    for column in sorted(IDENTITY_COLUMNS, key=lambda name: name not in CHANGED):
        if row[column] != again[column]:
            what = CHANGED.get(column, f"{column} of {{model}} ({row[column]} in the run, {again[column]} now)")
            raise BadInput(
                f"expected what the run was computed with, got changes in {what.format(**row)}: run it again with "
                "bench run, with --pictures to keep the outputs"
            )


def check_scores(scene: FigureScene) -> None:
    """Raise BadInput if the PSNR of a picture is not that of its row."""
    protocol = protocols.load_protocol(scene.rows["protocol"].iloc[0])
    score = metrics.against(metrics.expand("psnr"), scene.clean, protocol)
    for name, pixels, expected in _with_psnr(scene):
        if pixels.shape != scene.clean.shape:
            raise BadInput(f"expected a picture of {name} of the size of the clean image, got another size")
        found = score(pixels).values["psnr"]
        if np.isfinite(expected) and abs(found - expected) > TOLERANCE:
            raise BadInput(
                f"expected the PSNR of the row, {expected:.2f} dB, got {found:.2f} dB for {name}: the picture is not "
                "that of the run; use the machine and the versions of the run, or run it again"
            )


def _with_psnr(scene: FigureScene) -> Iterator[tuple[str, np.ndarray, float]]:
    yield "the noisy image", scene.noisy, float(scene.rows["psnr_noisy"].iloc[0])
    for label, pixels in scene.outputs.items():
        yield label, pixels, float(scene.rows.at[label, "psnr"])
