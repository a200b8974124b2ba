"""A subset of the rows of a run: some models, noises, data sets, metrics and seeds, as commands take them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import pandas as pd

from bench import spec
from bench.core.errors import BadInput, unknown
from bench.models import groups
from bench.runs.run_specs import NOTHING_KNOWN, RunModels, datasets_in_run, label_in_run, noises_in_run
from bench.statistics import measured


@dataclass(frozen=True)
class Filters:
    """What a command selects; None selects everything.

    models    specs, display names or groups
    noises    specs or groups; a name without parameters means all its levels
    datasets  specs; a name without parameters means all its crops and limits
    metrics   names, separated by commas
    seeds     seeds of the noise
    """

    models: str | None = None
    noises: str | None = None
    datasets: str | None = None
    metrics: str | None = None
    seeds: Collection[int] | None = None

    def options(self) -> dict[str, str | None]:
        """The options of commands that select the same."""
        seeds = None if self.seeds is None else ",".join(map(str, self.seeds))
        chosen = (self.models, self.noises, self.datasets, self.metrics, seeds)
        return dict(zip(("--models", "--noise", "--datasets", "--metrics", "--seeds"), chosen, strict=True))

    def apply(self, rows: pd.DataFrame, known: RunModels = NOTHING_KNOWN, reference: str = "") -> pd.DataFrame:
        """The selected rows, and columns of metrics; rows of the `reference` noise stay. Raises BadInput for none."""
        if self.models is not None:
            rows = rows[rows["model"].isin(self._labels(rows, known))]
        if self.noises is not None:
            rows = rows[rows["noise"].isin(_chosen(self.noises, rows, "noise", noises_in_run) | {reference})]
        if self.datasets is not None:
            rows = rows[rows["dataset"].isin(_chosen(self.datasets, rows, "dataset", datasets_in_run))]
        if self.seeds is not None:
            rows = self._of_seeds(rows)
        if self.metrics is not None:
            dropped = [name for name in self._dropped(rows) if name != "psnr"]  # all statistics need it
            rows = rows.drop(columns=[column for name in dropped for column in (name, f"{name}_noisy")])
        if rows.empty:
            raise BadInput("expected rows of the chosen models, noises and data sets, got none: choose others")
        return rows

    def only_metrics(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A table of scores or means without the columns of PSNR, unless it is chosen."""
        if self.metrics is None or "psnr" in spec.split(self.metrics):
            return frame
        own = ("psnr", "psnr_noisy", "psnr_capped", "psnr_low", "psnr_high", "psnr_images")
        return frame.drop(columns=[column for column in own if column in frame])

    def _labels(self, rows: pd.DataFrame, known: RunModels) -> set[str]:
        labels, chosen = list(dict.fromkeys(rows["model"])), set()
        for part in known.split(self.models or ""):
            if part == "all":
                return set(labels)
            if part in groups.GROUPS:
                chosen |= set(groups.specs(part)) & set(labels)
            else:
                chosen.add(label_in_run(part, rows, known, []))
        return chosen

    def _of_seeds(self, rows: pd.DataFrame) -> pd.DataFrame:
        chosen = tuple(self.seeds or ())
        absent = [seed for seed in chosen if seed not in set(rows["seed"])]
        if absent:
            had = ", ".join(map(str, sorted(set(rows["seed"]))))
            raise BadInput(f"--seeds: expected seeds of the run ({had}), got {absent[0]}")
        return rows[rows["seed"].isin(chosen)]

    def _dropped(self, rows: pd.DataFrame) -> list[str]:
        """The metrics of the rows that are not chosen."""
        known, chosen = measured(rows), spec.split(self.metrics or "")
        for name in chosen:
            if name not in known:
                raise unknown("metric", name, known, " in the run")
        return [name for name in known if name not in chosen]


def _chosen(text: str, rows: pd.DataFrame, column: str, in_run: Callable[[str, pd.DataFrame], list[str]]) -> set[str]:
    """The values of a column that the specs of a list name; 'all' names every one."""
    every = set(rows[column])
    return {value for part in spec.split(text) for value in (every if part == "all" else in_run(part, rows))}


EVERYTHING = Filters()
