"""The plan of a run: which models, noises, data sets and seeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from bench import datasets, metrics, protocols, spec
from bench.errors import BadInput
from bench.networks import models, precisions, tiling
from bench.noise import noises
from bench.noise.compatibility import fits, matched, reference_noise
from bench.noise.level_check import UNITS, weak_noise_warnings
from bench.noise.training_noise import of_model
from bench.statistics.ood import Conditions


@dataclass(frozen=True)
class Plan:
    """Everything that a run does, made from text before anything is computed."""

    models: tuple[models.Model, ...]
    noises: tuple[Any, ...]
    datasets: tuple[datasets.Dataset, ...]
    seeds: tuple[int, ...]
    protocol: protocols.Protocol
    precision: str
    tile: str | int
    tilings: tuple[tiling.Tiling, ...]  # of each model
    metrics: tuple[metrics.Metric, ...]
    not_measured: dict[str, str]  # metrics that cannot be had here, and why
    left_out: tuple[str, ...] = ()
    reference: Any = None  # the noise from which PSNR drops are counted, if any

    @property
    def images(self) -> int:
        return sum(len(dataset.images) for dataset in self.datasets)

    @property
    def rows(self) -> int:
        cells = sum(len(self.noises_on(dataset)) * len(dataset.images) for dataset in self.datasets)
        return len(self.models) * cells * len(self.seeds)

    @property
    def notes(self) -> list[str]:
        """Sentences on what is done otherwise than asked for."""
        own = {model.label: tiling.own(model) for model in self.models}
        kept = [f"{label} is run in tiles of {one.side}, which are a part of it, whatever the tile of the others is"
                for label, one in own.items() if one and self.tile not in ("auto", one.side)]  # fmt: skip
        doubts = [f"{model.label}: {doubt}" for model in self.models if (doubt := model.doubt)]
        unmeasured = [f"{name} is not measured: {why}" for name, why in self.not_measured.items()]
        coarse = [precisions.CAUTION] if self.precision != "float32" else []
        found = [f"{dataset.name}: {remark}" for dataset in self.datasets for remark in dataset.remarks]
        return [
            *self.left_out,
            *found,
            *kept,
            *doubts,
            *weak_noise_warnings(self.noises),
            *self._units,
            *coarse,
            *unmeasured,
            *self._trained,
        ]

    @property
    def _units(self) -> Iterator[str]:
        """Of methods that assume a noise level below one 8-bit level, which is probably one of pictures in [0, 1]."""
        for model in self.models:
            sigma = model.parameters.get("sigma")
            if "libraries" in model.card and isinstance(sigma, int | float) and 0 < sigma < 1:
                yield (f"{model.label} assumes nearly no noise: {UNITS['sigma']}; did you mean "
                       f"sigma={spec.format_value(round(255 * sigma, 6))}?")  # fmt: skip

    @property
    def _trained(self) -> Iterator[str]:
        """Who is not ranked with the models that were trained on the reference noise."""
        known = {model.label: self.conditions.of(model.label) for model in self.models}
        unknown = [label for label, noise in known.items() if not noise.known]
        if unknown and len(known) > 1:
            yield (f"{', '.join(unknown)}: training noise unknown, so not ranked with models whose training noise is "
                   "known; bench models import --trained-on states it, or trained_on in the class of your own "
                   "network")  # fmt: skip
        reference = self.conditions.reference
        for label, noise in known.items():
            if reference and noise.known and noise.trained and noise.text != reference:
                single = len(noise.ranges) == 1 and noise.ranges[0][0] == noise.ranges[0][1]
                other = f"; --reference {noise.text!r} makes that the reference noise" if single else ""
                yield (f"{label} was trained on {noise.text}, not on the reference noise: it is not ranked with models "
                       f"that were{other}")  # fmt: skip

    @property
    def measured(self) -> dict[str, str]:
        """Metric -> its version, with the source of a user-defined one."""
        return {metric.name: metric.identity for metric in self.metrics}

    def noises_on(self, dataset: datasets.Dataset) -> list[int]:
        """Indices of the noises that a data set is run under: for pairs its own and the reference."""
        return [place for place, noise in enumerate(self.noises) if fits(noise, dataset, self.reference)]

    def seeds_and_noises(self, dataset: datasets.Dataset) -> list[tuple[int, int]]:
        """What is done with each image of a data set: pairs of a seed and the index of a noise."""
        return [(seed, noise) for seed in self.seeds for noise in self.noises_on(dataset)]

    @cached_property
    def conditions(self) -> Conditions:
        """The reference noise, and what the models were trained on."""
        reference = "" if self.reference is None else noises.canonical(self.reference)
        return Conditions(reference, {m.label: of_model(m.card, m.weights, m.size) for m in self.models})

    @cached_property
    def noise_columns(self) -> tuple[dict[str, Any], ...]:
        """What each noise is called in rows."""
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
        places = {name: place for place, name in enumerate(names)}
        return rows.sort_values(["dataset", "model"], key=lambda column: column.map(places), kind="stable")


def make_plan(
    model_list: str = "all",
    noise_list: str = "mixture",
    dataset_list: str | None = None,
    data: tuple[Path, ...] = (),
    *,
    size: str = "small",
    limit: int | None = None,
    seeds: tuple[int, ...] = (0,),
    protocol: str = "stored",
    precision: str = "float32",
    tile: str | int = "auto",
    metric_list: str = metrics.DEFAULT,
    reference: str = noises.REFERENCE,
) -> Plan:
    """Plan from lists of specs, as on the command line. The `reference` noise is added to the noises; 'none' adds none.

    Data sets are those named, and the folders `data`; `builtin` where neither was given. Raises BadInput.
    """
    chosen_models, left_out = models.expand(model_list, size)
    chosen_noises = noises.expand(noise_list)
    counted_from = reference_noise(reference)
    if counted_from not in (None, *chosen_noises) and not counted_from.recorded:
        chosen_noises.insert(0, counted_from)
    names = spec.split(dataset_list or "")
    sources = [*names, *data] or (["builtin"] if dataset_list is None else [])
    if not sources:
        raise BadInput("no data set was named: write --datasets builtin, say, or --data with a folder of images")
    chosen_datasets = [datasets.limited(datasets.load_dataset(source), limit) for source in sources]
    duplicates = {d.name for d in chosen_datasets if [o.name for o in chosen_datasets].count(d.name) > 1}
    if duplicates:
        raise BadInput(f"two data sets are called {sorted(duplicates)[0]!r}: rename one of the folders")
    chosen_noises, chosen_datasets, without = matched(chosen_noises, chosen_datasets, counted_from)
    if counted_from not in (None, *chosen_noises):
        raise BadInput(f"no data set has the reference noise {reference}: name another with --reference, or none")
    if not seeds:
        raise BadInput("no seed was given: write --seeds 0 or --seeds 0,1")
    choice, named = tiling.parse(tile), metrics.expand(metric_list)
    chosen_protocol, chosen_precision = protocols.load_protocol(protocol), precisions.parse(precision)
    tilings = tuple(tiling.of(model, choice) for model in chosen_models)
    measured, not_measured = metrics.at_hand(named)  # last: it may fetch weights
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
        left_out=(*left_out, *without),
        reference=counted_from,
    )
