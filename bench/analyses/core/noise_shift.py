"""Noise shift: a measure of the deepest features under some noises against the reference noise, with its noise floor.

The noise floor is the value for the reference noise with another seed: what the measure gives without any shift.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.jackknife import IntervalEstimate
from bench.analyses.core import measurements
from bench.analyses.core.config import Config
from bench.analyses.core.feature_extractor import FeatureExtractor
from bench.analyses.core.result import Result, TextTable
from bench.noise import noises
from bench.runs.table import cell_text
from noise_zoo.noise import Noise


@dataclass(frozen=True)
class NoiseShift:
    """Which noises are compared with the reference noise, by which measure, on which patches.

    settings   further settings that determine the values
    """

    measure: str
    noises: tuple[Noise, ...]
    reference: Noise
    config: Config
    settings: dict[str, Any]

    @property
    def tested(self) -> list[Noise]:
        """The noises besides the reference noise."""
        return [noise for noise in self.noises if noise != self.reference]

    @property
    def pairs(self) -> list[tuple[str, Noise, int]]:
        """(measure, noise, seed) of each value; the first is the noise floor, and the reference is skipped."""
        seed = self.config.seed
        tested = ((self.measure, noise, seed) for noise in self.tested)
        return [(f"{self.measure}_floor", self.reference, seed + 1), *tested]

    def measurement(
        self,
        extractor: FeatureExtractor,
        measure: str,
        noise: Noise,
        seed: int,
        estimate: IntervalEstimate | None = None,
    ) -> dict[str, Any]:
        """The row of an estimate; without one, the columns that determine it."""
        model, layer = extractor.model, extractor.layers[-1]
        return measurements.row(
            measure,
            measurements.subject(model, layer, noise, seed),
            measurements.other_subject(model, layer, self.reference, self.config.seed),
            self.config.columns(**self.settings),
            estimate=(estimate.value, estimate.low, estimate.high) if estimate else (),
        )

    @property
    def question(self) -> dict[str, Any]:
        """Settings for saved results, besides those of the models."""
        return {
            **self.config.settings,
            **self.settings,
            "reference": noises.canonical(self.reference),
            "floor_seed": self.config.seed + 1,
            "noises": [noises.canonical(noise) for noise in self.noises],
            "noise_versions": [noises.version(noise) for noise in (self.reference, *self.noises)],
        }

    def frame(self, extractors: Sequence[FeatureExtractor], rows: pd.DataFrame) -> pd.DataFrame:
        """Measurements by key -> one row per model and noise: the value and the model's noise floor, with intervals."""
        columns = ["model", "layer", "noise", "noise_name", "level", self.measure, "low", "high", "floor", "floor_low",
                   "floor_high"]  # fmt: skip
        lines = []
        for extractor in extractors:
            floor, *tested = (rows.loc[measurements.key(self.measurement(extractor, *pair))] for pair in self.pairs)
            of_floor = {"floor": floor["value"], "floor_low": floor["low"], "floor_high": floor["high"]}
            lines += [{**row.to_dict(), self.measure: row["value"], **of_floor} for row in tested]
        return pd.DataFrame(lines, columns=columns)


def above_floor(row: dict[str, float], measure: str) -> bool:
    """Whether the interval of a value, or the value without one, is above that of its noise floor."""
    low = row[measure] if np.isnan(row["low"]) else row["low"]
    high = row["floor"] if np.isnan(row["floor_high"]) else row["floor_high"]
    return low > high


def summary(measure: str, title: str, digits: int, result: Result) -> TextTable:
    """One row per noise and one column per model, the noise floors first; a star marks values within their floor."""
    frame = result.tables[""]
    by_model = {model: part.to_dict("records") for model, part in frame.groupby("model", sort=False)}
    first = [rows[0] for rows in by_model.values()]
    headings = ["noise", *(f"{result.name(row['model'])}\n{row['layer']}" for row in first)]
    floors = [cell_text(row["floor"], row["floor_low"], row["floor_high"], digits) for row in first]
    lines = [["noise floor", *floors]] if first else []
    for rows in zip(*by_model.values(), strict=True):
        texts = (cell_text(row[measure], row["low"], row["high"], digits) for row in rows)
        stars = ("" if above_floor(row, measure) else " *" for row in rows)
        lines.append([rows[0]["noise"], *map("".join, zip(texts, stars, strict=True))])
    return TextTable(f"{title} [95%]; * not above the noise floor", headings, lines)
