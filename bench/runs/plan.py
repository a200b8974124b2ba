"""The plan of a run: its models, noises, data sets, seeds and settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from baselines.layers.non_blind import TRUE
from bench import datasets, metrics, protocols, spec
from bench.core.errors import BadInput
from bench.datasets import arrays
from bench.datasets.image import Dataset
from bench.models import model_specs, precisions, tiling
from bench.models.model import Model
from bench.noise import noises
from bench.noise.compatibility import fits, matched, reference_noise
from bench.noise.level_check import UNITS, weak_noise_warnings
from bench.noise.training_noise import of_model
from bench.runs.schema import NoiseColumns
from bench.statistics.ood import Conditions
from noise_zoo.noise import Noise


@dataclass(frozen=True)
class Plan:
    """Everything that a run evaluates, resolved from text before anything is computed.

    tilings       one per model
    metrics       those that can be computed on this machine
    not_measured  metric -> why it cannot be computed on this machine
    skipped       sentences on models, noises and data sets that are not evaluated, with reasons
    reference     the noise that PSNR drops are counted from, or None
    """

    models: tuple[Model, ...]
    noises: tuple[Noise, ...]
    datasets: tuple[Dataset, ...]
    seeds: tuple[int, ...]
    protocol: protocols.Protocol
    precision: str
    tile: str | int
    tilings: tuple[tiling.Tiling, ...]
    metrics: tuple[metrics.Metric, ...]
    not_measured: dict[str, str]
    skipped: tuple[str, ...] = ()
    reference: Noise | None = None

    @property
    def images(self) -> int:
        """The number of images of all data sets."""
        return sum(len(dataset.images) for dataset in self.datasets)

    @property
    def rows(self) -> int:
        """The number of rows of the plan."""
        cells = sum(len(self.noises_on(dataset)) * len(dataset.images) for dataset in self.datasets)
        return len(self.models) * cells * len(self.seeds)

    @property
    def notes(self) -> list[str]:
        """Sentences on what is skipped, or done differently than requested, and on doubtful inputs."""
        own = {model.label: tiling.own(model) for model in self.models}
        kept = [
            f"{label} is always run in tiles of {one.side} pixels, which are part of the network: --tile is ignored"
            for label, one in own.items()
            if one and self.tile not in ("auto", one.side)
        ]
        doubts = [f"{model.label}: {doubt}" for model in self.models if (doubt := model.caveat)]
        unmeasured = [f"{name} is not measured: {why}" for name, why in self.not_measured.items()]
        coarse = [precisions.CAUTION] if self.precision != "float32" else []
        remarks = [f"{dataset.name}: {remark}" for dataset in self.datasets for remark in dataset.remarks]
        return [
            *self.skipped,
            *remarks,
            *kept,
            *doubts,
            *weak_noise_warnings(self.noises),
            *self._suspicious_units,
            *self._as_constructed,
            *self._not_blind,
            *coarse,
            *unmeasured,
            *self._ranked_separately,
        ]

    @property
    def _suspicious_units(self) -> Iterator[str]:
        """Sentences on methods with a level below one 8-bit level, which was probably meant for images in [0, 1]."""
        for model in self.models:
            name = "sigma" if "libraries" in model.card else "level"
            level = model.parameters.get("sigma") if name == "sigma" else model.level
            if isinstance(level, int | float) and 0 < level < 1:
                meaning = UNITS["sigma"].replace("sigma", name, 1)
                yield (
                    f"{model.label} assumes nearly no noise: {meaning}; did you mean "
                    f"{name}={spec.format_value(round(255 * level, 6))}?"
                )

    @property
    def _as_constructed(self) -> Iterator[str]:
        """Sentences on user-defined networks without weights, which may have been forgotten."""
        for model in self.models:
            if model.constructed:
                yield (
                    f"{model.label}: weights as constructed, none were given; to load some, write "
                    f"{model.source}(weights='file.pth')"
                )

    @property
    def _not_blind(self) -> Iterator[str]:
        """Sentences on models that are given the true noise level, and on noises that have none."""
        given = [model.label for model in self.models if model.level == TRUE]
        if given:
            yield f"{', '.join(given)}: not blind, given the true standard deviation of the noise in each pixel"
        without = [noises.canonical(noise) for noise in self.noises if not noise.has_standard_deviation]
        if given and without:
            yield (
                f"{', '.join(given)}: no scores under {', '.join(without)}, whose standard deviation is not known: "
                "write level='estimated' or a number"
            )

    @property
    def _ranked_separately(self) -> Iterator[str]:
        """Sentences on models that are not ranked with those trained on the reference noise."""
        known = {model.label: self.conditions.of(model.label) for model in self.models}
        unknown = [label for label, noise in known.items() if not noise.known]
        if unknown and len(known) > 1:
            yield (
                f"{', '.join(unknown)}: training noise unknown, so not ranked with models whose training noise is "
                "known: state it with bench models import --replace --trained-on, or for a network of a file by "
                "trained_on = 'gaussian(sigma=15)' in its class"
            )
        reference = self.conditions.reference
        for label, noise in known.items():
            if reference and noise.known and noise.trained and noise.text != reference:
                single = len(noise.ranges) == 1 and noise.ranges[0][0] == noise.ranges[0][1]
                other = f" (use --reference {noise.text!r} to make it the reference noise)" if single else ""
                yield (
                    f"{label} was trained on {noise.text}, not on the reference noise{other}: it is not ranked with "
                    "models that were"
                )

    @property
    def measured(self) -> dict[str, str]:
        """Metric -> its version; of a user-defined metric with the hash of its source."""
        return {metric.name: metric.identity for metric in self.metrics}

    def noises_on(self, dataset: Dataset) -> list[int]:
        """Indices of the noises that a data set is evaluated under: for pairs their own noise and the reference."""
        return [index for index, noise in enumerate(self.noises) if fits(noise, dataset, self.reference)]

    def seeds_and_noises(self, dataset: Dataset) -> list[tuple[int, int]]:
        """(seed, index of the noise) of each evaluation of an image of a data set."""
        return [(seed, noise) for seed in self.seeds for noise in self.noises_on(dataset)]

    @cached_property
    def conditions(self) -> Conditions:
        """The reference noise, and the training noise of the models."""
        reference = "" if self.reference is None else noises.canonical(self.reference)
        return Conditions(reference, {m.label: of_model(m.card, m.weights, m.size) for m in self.models})

    @cached_property
    def noise_columns(self) -> tuple[NoiseColumns, ...]:
        """The columns of rows that identify each noise."""
        return tuple(
            {
                "noise": noises.canonical(noise),
                "noise_name": noises.noise_name(noise),
                "noise_version": noises.version(noise),
                "level": noises.level(noise),
            }
            for noise in self.noises
        )

    def in_order(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows with models and data sets in the order of the plan."""
        names = [*(model.label for model in self.models), *(dataset.name for dataset in self.datasets)]
        positions = {name: index for index, name in enumerate(names)}
        return rows.sort_values(["dataset", "model"], key=lambda column: column.map(positions), kind="stable")


def make_plan(
    model_list: model_specs.GivenModels = "all",
    noise_list: noises.GivenNoises = "mixture",
    dataset_list: arrays.GivenDatasets | None = None,
    data: Iterable[str | Path] = (),
    *,
    size: str = "small",
    limit: int | None = None,
    seeds: tuple[int, ...] = (0,),
    protocol: str = "stored",
    precision: str = "float32",
    tile: str | int = "auto",
    metric_list: str = metrics.DEFAULT,
    reference: str | Noise | None = noises.REFERENCE,
    object_name: str = "",
) -> Plan:
    """The plan of lists of specs, as on the command line; the `reference` noise is added to the noises unless 'none'.

    From Python the lists may have objects among their specs (`bench.run`); `object_name` names the only model. The
    data sets are those of `dataset_list` and the folders `data`; `builtin` if neither is given. Raises BadInput.
    """
    chosen_models, skipped_models = model_specs.expand(model_list, size, object_name)
    chosen_noises = noises.expand(noise_list)
    chosen_reference = reference_noise(reference)
    if chosen_reference is not None and chosen_reference not in chosen_noises and not chosen_reference.recorded:
        chosen_noises.insert(0, chosen_reference)
    folders = list(map(Path, [data] if isinstance(data, str | Path) else data))
    given = ("" if folders else "builtin") if dataset_list is None else dataset_list
    found = [*arrays.expand(given), *map(datasets.load_dataset, folders)]
    if not found:
        raise BadInput("expected a data set, got none: write --datasets builtin, or --data with a folder of images")
    chosen_datasets = [datasets.limited(dataset, limit) for dataset in found]
    duplicates = {d.name for d in chosen_datasets if [o.name for o in chosen_datasets].count(d.name) > 1}
    if duplicates:
        raise BadInput(
            f"expected data sets of different names, got {sorted(duplicates)[0]!r} twice: rename one of the folders"
        )
    chosen_noises, chosen_datasets, without = matched(chosen_noises, chosen_datasets, chosen_reference)
    if chosen_reference is not None and noises.canonical(chosen_reference) not in map(noises.canonical, chosen_noises):
        raise BadInput(
            f"no data set has the reference noise {reference}: choose another with --reference, or --reference none"
        )
    if not seeds:
        raise BadInput("expected a seed, got none: write --seeds 0 or --seeds 0,1")
    choice, named = tiling.parse(tile), metrics.expand(metric_list)
    chosen_protocol, chosen_precision = protocols.load_protocol(protocol), precisions.parse(precision)
    tilings = tuple(tiling.of(model, choice) for model in chosen_models)
    measured, not_measured = metrics.available(named)  # last, since it may download weights
    return Plan(
        models=tuple(chosen_models),
        noises=tuple(chosen_noises),
        datasets=tuple(chosen_datasets),
        seeds=tuple(dict.fromkeys(seeds)),
        protocol=chosen_protocol,
        precision=chosen_precision,
        tile=choice,
        tilings=tilings,
        metrics=measured,
        not_measured=not_measured,
        skipped=(*skipped_models, *without),
        reference=chosen_reference,
    )
