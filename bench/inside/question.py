"""Which noises are compared with the reference noise, by which measure: what a score and its floor are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bench.inside import findings
from bench.inside.probe import Probe
from bench.inside.setting import Setting
from bench.noise import noises


@dataclass(frozen=True)
class Question:
    """A measure of the deepest features under some noises against a reference; `how` determines it besides these."""

    measure: str
    noises: tuple[Any, ...]
    reference: Any
    setting: Setting
    how: dict[str, Any]

    @property
    def floor(self) -> str:
        """The measure's name where the test noise is the reference noise with another seed."""
        return f"{self.measure}_floor"

    @property
    def pairs(self) -> list[tuple[str, Any, int]]:
        """(measure, noise, seed) of each score: the floor first, the reference itself left out."""
        seed = self.setting.seed
        tested = [(self.measure, noise, seed) for noise in self.noises if noise != self.reference]
        return [(self.floor, self.reference, seed + 1), *tested]

    def finding(self, probe: Probe, measure: str, noise: Any, seed: int) -> dict[str, Any]:
        """A score's row, without the score."""
        layer = probe.layers[-1]
        return {
            "measure": measure,
            **findings.about(probe.model, layer, noise, seed),
            **findings.about(probe.model, layer, self.reference, self.setting.seed, other=True),
            **self.setting.how(**self.how),
        }

    def described(self, probes: Sequence[Probe]) -> dict[str, Any]:
        """Every setting, for the JSON beside the numbers."""
        return {
            **self.setting.described(),
            **self.how,
            "reference": noises.canonical(self.reference),
            "floor_seed": self.setting.seed + 1,
            "noises": [noises.canonical(noise) for noise in self.noises],
            "models": [probe.model.label for probe in probes],
            "weights_sha256": [probe.model.weights_hash for probe in probes],
            "layers": [probe.layers[-1] for probe in probes],
            "device": str(self.setting.device),
        }

    def answers(self, probes: Sequence[Probe], rows: pd.DataFrame) -> pd.DataFrame:
        """From findings by key, a row a model and noise: the value with bounds, and the model's floor with bounds."""
        found = []
        for probe in probes:
            floor, *tested = (rows.loc[findings.key(self.finding(probe, *pair))] for pair in self.pairs)
            for row in tested:
                found.append({
                    **{name: row[name] for name in ("model", "layer", "noise", "noise_name", "level")},
                    self.measure: row["value"], "low": row["low"], "high": row["high"],
                    "floor": floor["value"], "floor_low": floor["low"], "floor_high": floor["high"],
                })  # fmt: skip
        columns = ["model", "layer", "noise", "noise_name", "level", self.measure, "low", "high", "floor", "floor_low",
                   "floor_high"]  # fmt: skip
        return pd.DataFrame(found, columns=columns)


def above_floor(row: dict[str, float], measure: str) -> bool:
    """Whether a score's interval, or the score where it has none, is above that of its floor."""
    low = row[measure] if np.isnan(row["low"]) else row["low"]
    high = row["floor"] if np.isnan(row["floor_high"]) else row["floor_high"]
    return low > high


def table(frame: pd.DataFrame, probes: Sequence[Probe], measure: str, title: str, digits: int = 2):
    """A row a noise, a column a model, the floors first; a star where the interval reaches down to the floor."""
    from rich.table import Table

    from bench.runs.table import cell_text

    made = Table("noise", title=f"{title} [95%]; * not above the noise floor", title_justify="left")
    for probe in probes:
        made.add_column(f"{probe.model.label}\n{probe.layers[-1]}", justify="right")
    rows = {(row["noise"], row["model"]): row for row in frame.to_dict("records")}
    names = [probe.model.label for probe in probes]
    for place, noise in enumerate(dict.fromkeys(frame["noise"])):
        cells = [rows[noise, name] for name in names]
        if place == 0:
            floors = (cell_text(row["floor"], row["floor_low"], row["floor_high"], digits) for row in cells)
            made.add_row("noise floor", *floors)
        made.add_row(noise, *(cell_text(row[measure], row["low"], row["high"], digits)
                              + ("" if above_floor(row, measure) else " *") for row in cells))  # fmt: skip
    return made
