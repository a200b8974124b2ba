"""A run as everything reads it that shows or compares one: its rows, names, reference noise and training noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from bench import metrics
from bench.core.errors import BadInput
from bench.runs import selection
from bench.runs.conditions import conditions_of
from bench.runs.filters import EVERYTHING, Filters
from bench.runs.run_specs import NOTHING_KNOWN, RunModels
from bench.runs.selection import Manifest, Selection
from bench.runs.store import Store
from bench.statistics import measured
from bench.statistics.ood import Conditions
from reports.measures import Measure


@dataclass(frozen=True)
class RunData:
    """The rows of a run that count under a protocol, and what its manifest says about them.

    selection   all rows that count, and those that do not
    rows        those that count and are selected
    known       the names and sources of models
    conditions  the reference noise, and the training noise of models
    manifest    its plans, oldest first; empty for a frame of rows
    """

    selection: Selection
    rows: pd.DataFrame
    known: RunModels = NOTHING_KNOWN
    conditions: Conditions = field(default_factory=Conditions)
    manifest: Manifest = field(default_factory=list)

    @classmethod
    def of(cls, store: Store, protocol: str | None = None, filters: Filters = EVERYTHING) -> RunData:
        """Of an open run folder; by default under the protocol of its last plan. Raises BadInput without rows."""
        found, manifest = selection.required_of_store(store, protocol), selection.start_entries(store)
        known, conditions = RunModels.of_manifest(store.manifest()), conditions_of(manifest, found.protocol)
        return cls(found, filters.apply(found.rows, known, conditions.reference), known, conditions, manifest)

    @classmethod
    def read(
        cls, run: str | PathLike[str] | pd.DataFrame, protocol: str | None = None, filters: Filters = EVERYTHING
    ) -> RunData:
        """Of a run folder, or of a frame of rows, of which nothing else is known. Raises BadInput without rows."""
        if not isinstance(run, pd.DataFrame):
            with Store.open(Path(run)) as store:
                return cls.of(store, protocol, filters)
        protocols = sorted(set(run["protocol"]))
        if protocol is None and len(protocols) > 1:
            raise BadInput(f"expected rows of one protocol, got {', '.join(protocols)}: choose one with protocol=")
        rows = run if protocol is None else run[run["protocol"] == protocol]
        if rows.empty:
            raise BadInput(f"expected rows of the protocol {protocol!r}, got {', '.join(protocols) or 'no rows'}")
        found = Selection(protocol or protocols[0], rows, metrics=run.attrs.get("metric_versions", {}))
        return cls(found, filters.apply(rows))

    @property
    def protocol(self) -> str:
        """The protocol of its rows."""
        return self.selection.protocol

    @cached_property
    def metric_cards(self) -> dict[str, dict[str, Any]]:
        """Metric -> its card (title, unit, digits, higher_is_better) in the manifest, else of this installation."""
        declared = {card["name"]: card for entry in self.manifest for card in entry.get("metrics", [])}
        built_in = ("psnr", "ssim", "lpips")  # of which older runs have no cards
        return {**{name: metrics.load_metric(name).card() for name in built_in}, **declared}

    def measures(self) -> Iterator[Measure]:
        """The metrics of the rows as pages show them."""
        for name in measured(self.rows):
            card = self.metric_cards.get(name) or metrics.load_metric(name).card()
            yield Measure(
                name,
                card["title"],
                card["unit"],
                card["digits"],
                card["higher_is_better"],
                card["meaning"],
                f"{card['words']} ({card['source']})",
            )
