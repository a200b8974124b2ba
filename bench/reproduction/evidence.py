"""The scores, measurements and cards of one reproduction, by role of its experiment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from bench.analyses.core import measurements
from bench.core.errors import BadInput
from bench.noise import noises
from bench.reproduction import record
from bench.reproduction.record import Reproduction
from bench.runs import selection
from bench.runs.store import Store
from bench.statistics.scores import NOISY, ImageScores, by_dataset, with_noisy

MIN_POINTS = 3  # of a test curve, so that it has a best point before the last


class NotTested(Exception):
    """Scores or measurements are missing; the message says which and why."""


@dataclass(frozen=True)
class Evidence:
    """What a run folder has of a reproduction.

    rows      those that count, under the protocol of the experiment
    measured  measurements of analyses
    cards     cards of the weights, by label
    """

    reproduction: Reproduction
    rows: pd.DataFrame
    measured: pd.DataFrame
    cards: Mapping[str, Mapping[str, Any]]

    def labels(self, role: str) -> list[str]:
        """The labels of a role's models; 'noisy' is the noisy input. Raises NotTested."""
        if role == NOISY:
            return [NOISY]
        if labels := self.reproduction.roles.get(role):
            return list(labels)
        reasons = [one for one in self.reproduction.problems if one.startswith(f"{role}: ")]
        raise NotTested(reasons[0] if reasons else f"{role}: not among the models of this run")

    def dataset(self, name: str) -> str:
        """The name in rows of a data set of the paper. Raises NotTested."""
        if name in self.reproduction.datasets:
            return self.reproduction.datasets[name]
        reasons = [one for one in self.reproduction.problems if one.startswith(f"{name}: ")]
        raise NotTested(reasons[0] if reasons else f"{name}: not among the data sets of this run")

    def scores(self, role: str, metric: str, noise: str, dataset: str) -> list[pd.Series]:
        """Scores by image of each training of a role: means over the settings that a list of specs means.

        Raises NotTested if a setting has no score for any image.
        """
        labels, settings = self.labels(role), settings_of(noise)
        table, found = self._scores_on(self.dataset(dataset)), []
        for label in labels:
            own = table.of(metric, label, settings)
            if lacking := [setting for setting in settings if own[setting].notna().sum() == 0]:
                raise NotTested(f"{role}: no {metric} under {lacking[0]} on {table.dataset}")
            found.append(own.mean(axis=1, skipna=False))
        return found

    def photographs(self, dataset: str) -> pd.Series:
        """The photograph of each image of a data set."""
        return self._scores_on(self.dataset(dataset)).photographs

    def _scores_on(self, dataset: str) -> ImageScores:
        if dataset not in self._scores:
            raise NotTested(f"no scores on {dataset} under the protocol {self.reproduction.protocol}")
        return self._scores[dataset]

    @cached_property
    def _scores(self) -> dict[str, ImageScores]:
        return {one.dataset: one for one in by_dataset(with_noisy(self.rows))} if len(self.rows) else {}

    def measurement(self, measure: str, role: str, dataset: str, **where: str) -> pd.DataFrame:
        """The measurements of the first training of a role on a data set, with these columns. Raises NotTested."""
        label = self.labels(role)[0]
        found = self.measured[(self.measured["measure"] == measure) & (self.measured["model"] == label)]
        found = found[found["weights_hash"] == self.reproduction.hashes.get(label)]
        for column, value in {"dataset": self.dataset(dataset), **where}.items():
            found = found[found[column] == value]
        found = found[found["protocol"] == self.reproduction.protocol]
        if found.empty:
            what = ", ".join(where.values())
            raise NotTested(f"{role}: {measure} was not measured on {self.dataset(dataset)}{what and f' ({what})'}")
        return found

    def completion(self, role: str, dataset: str, ratio: int) -> pd.Series:
        """PSNR in dB by (image, settings) of the first training of a role for images with a share of the pixels masked.

        Raises NotTested.
        """
        label = self.labels(role)[0]
        images = self._scores_on(self.dataset(dataset)).table.index
        names = {f"{Path(str(image)).stem}.png": str(image) for image in images}
        rows = self.measured[(self.measured["measure"] == "completion_psnr") & (self.measured["model"] == label)]
        rows = rows[rows["weights_hash"] == self.reproduction.hashes.get(label)]
        rows = rows[rows["dataset"].isin(list(names)) & (rows["protocol"] == self.reproduction.protocol)]
        rows = rows[rows["settings"].str.contains(f'"ratio": {ratio}[,}}]', regex=True)]
        if rows.empty:
            raise NotTested(f"{role}: completion of {ratio}% was not measured on {self.dataset(dataset)}")
        return rows.assign(image=rows["dataset"].map(names)).groupby(["image", "settings"])["value"].last()

    def curves(self, role: str) -> pd.DataFrame:
        """Test curves of a role, mean over its trainings: iterations x noises, PSNR in dB. Raises NotTested."""
        curves = [self.cards.get(label, {}).get("curve", []) for label in self.labels(role)]
        frames = [
            pd.DataFrame({point["iteration"]: point["psnr"] for point in points}).T
            for points in curves
            if len(points) >= MIN_POINTS
        ]
        if not frames:
            why = f"no test curve of {MIN_POINTS} or more points in the card of its weights: bench train writes one"
            raise NotTested(f"{role}: {why}")
        return sum(frames[1:], frames[0]) / len(frames)

    def networks(self, roles: Sequence[str]) -> str:
        """'111,075 parameters, 8,000 iterations' of the models of roles; ranges where they differ."""
        labels = [label for role in roles for label in self.reproduction.roles.get(role, ())]
        known = [self.cards.get(label, {}) for label in labels]
        parameters = [card["parameters"] for card in known if "parameters" in card]
        iterations = [card["recipe"]["iterations"] for card in known if "recipe" in card]
        counted = (("parameters", parameters), ("iterations", iterations))
        return ", ".join(f"{_range(values)} {what}" for what, values in counted if values)


def _range(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def settings_of(noise: str) -> list[str]:
    """A list of specs -> canonical specs of its settings; a name means all its levels."""
    return [noises.canonical(one) for one in noises.expand(noise)]


def of_run(folder: Path) -> list[Evidence]:
    """The evidence of each reproduction of a run folder. Raises BadInput without one."""
    with Store.open(folder) as store:
        found = list(of_store(store))
    if not found:
        raise BadInput(f"expected a run of bench reproduce, got {folder}: start bench reproduce all --out {folder}")
    return found


def of_store(store: Store) -> Iterator[Evidence]:
    """The evidence of each reproduction of a store."""
    manifest = store.manifest()
    about = {m["label"]: m["card"] for entry in manifest if entry["event"] == "started" for m in entry["models"]}
    chosen: dict[str, pd.DataFrame] = {}
    for one in record.reproductions(manifest):
        if one.protocol not in chosen:
            chosen[one.protocol] = selection.of_store(store, one.protocol).rows
        rows = chosen[one.protocol]
        hashes = rows["model"].map(one.hashes)
        own = rows[rows["dataset"].isin(list(one.datasets.values())) & (rows["weights_hash"] == hashes)]
        yield Evidence(one, own, measurements.read(store), about)
