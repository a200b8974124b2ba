"""How far a run folder is: what its last command planned, against the rows that are there. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from bench import lock
from bench.errors import BadInput
from bench.runs import selection
from bench.runs.store import Store


@dataclass(frozen=True)
class Status:
    """What the last command planned and what of it is there.

    cells     a line for each model x data set x noise x seed: rows planned, done, failed, missing
    reasons   of the failed rows, with their numbers
    finished  whether the command ended by itself
    writer    who writes now, None where nobody does
    rate      rows a second since the command began, None where that cannot be told
    skipped  rows that do not count under its protocol, and why
    """

    command: str
    cells: pd.DataFrame
    reasons: dict[str, int]
    finished: bool
    writer: dict[str, Any] | None
    rate: float | None
    skipped: tuple[selection.SkippedRows, ...] = ()

    @property
    def missing(self) -> int:
        return int(self.cells["missing"].sum())


def of(folder: Path) -> Status:
    """Raises BadInput where the folder is no run."""
    with Store.open(folder) as store:
        manifest, there = store.manifest(), store.count()
        started = [place for place, entry in enumerate(manifest) if entry["event"] == "started"]
        if not started:
            raise BadInput(
                f"{folder} has no manifest.json that says what was planned: bench run --out {folder} writes it"
            )
        plan = manifest[started[-1]]
        found = selection.of_store(store, plan["protocol"], hidden=True)
        done = store.done(selection.metric_versions([plan]))
        images = store.contents().groupby("dataset")["image"].nunique().to_dict()
    rows, writer = found.of_plan(plan), lock.writer(folder)
    failed = rows.loc[rows["status"] != "ok", "reason"].value_counts()
    return Status(
        command=plan["command"],
        cells=_cells(rows, plan, done, images),
        reasons={str(reason): int(count) for reason, count in failed.items()},
        finished=any(entry["event"] == "finished" for entry in manifest[started[-1] :]),
        writer=writer,
        rate=_rate(there, plan) if writer else None,
        skipped=found.skipped,
    )


def _cells(rows: pd.DataFrame, plan: dict[str, Any], done: set[str], images: dict[str, int]) -> pd.DataFrame:
    """A line for each cell of a plan; `done` are the keys that are not done again, `images` how many a data set has."""
    asked = rows["asked"].where(rows["asked"].notna(), rows["key"])
    counted = rows.assign(done=asked.isin(done), failed=rows["status"] != "ok")
    counts = counted.groupby(selection.CELL_COLUMNS)[["done", "failed"]].sum()
    planned = {dataset["name"]: images.get(dataset["name"], dataset["images"]) for dataset in plan["datasets"]}
    lines = []
    for cell in selection.cells(plan):
        done_here, failed = map(int, counts.loc[cell]) if cell in counts.index else (0, 0)
        count = planned[cell[1]]
        lines.append((*cell, count, done_here, failed, max(0, count - done_here - failed)))
    return pd.DataFrame(lines, columns=["model", "data set", "noise", "seed", "rows", "done", "failed", "missing"])


def _rate(there: int, plan: dict[str, Any]) -> float | None:
    seconds = (datetime.now(UTC) - datetime.fromisoformat(plan["at"])).total_seconds()
    made = there - plan.get("rows_before", there)
    return made / seconds if made > 0 and seconds > 0 else None
