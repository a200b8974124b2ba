"""How far a run folder is: what its last command planned, against the rows that are there. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from bench import lock
from bench.errors import BadInput
from bench.runs.store import Store


@dataclass(frozen=True)
class Status:
    """What the last command planned and what of it is there.

    cells     a line for each model x data set x noise x seed: rows planned, done, failed, missing
    reasons   of the failed rows, with their numbers
    finished  whether the command ended by itself
    writer    who writes now, None where nobody does
    rate      rows a second since the command began, None where that cannot be told
    """

    command: str
    cells: pd.DataFrame
    reasons: dict[str, int]
    finished: bool
    writer: dict[str, Any] | None
    rate: float | None

    @property
    def missing(self) -> int:
        return int(self.cells["missing"].sum())


def of(folder: Path) -> Status:
    """Raises BadInput where the folder is no run."""
    with Store.open(folder) as store:
        rows, manifest = store.rows(), store.manifest()
    started = [place for place, entry in enumerate(manifest) if entry["event"] == "started"]
    if not started:
        raise BadInput(f"{folder} has no manifest.json that says what was planned: bench run --out {folder} writes it")
    plan, writer, there = manifest[started[-1]], lock.writer(folder), len(rows)
    rows = _of_plan(rows, plan)
    failed = rows.loc[rows["status"] != "ok", "reason"].value_counts()
    return Status(
        command=plan["command"],
        cells=_cells(rows, plan),
        reasons={str(reason): int(count) for reason, count in failed.items()},
        finished=any(entry["event"] == "finished" for entry in manifest[started[-1] :]),
        writer=writer,
        rate=_rate(there, plan) if writer else None,
    )


def _of_plan(rows: pd.DataFrame, plan: dict[str, Any]) -> pd.DataFrame:
    """The rows under the plan's protocol, precision and weights; of an image that was changed, the last."""
    hashes = {model["label"]: model["weights_hash"] for model in plan["models"]}
    mine = rows[
        (rows["protocol"] == plan["protocol"])
        & (rows["precision"] == plan["precision"])
        & (rows["weights_hash"] == rows["model"].map(hashes))
        & (rows["noise_version"] == rows["noise"].map(plan["noise_versions"]))
    ]
    return mine.sort_values("status").drop_duplicates(["model", "dataset", "noise", "seed", "image"], keep="last")


def _cells(rows: pd.DataFrame, plan: dict[str, Any]) -> pd.DataFrame:
    counts = rows.groupby(["model", "dataset", "noise", "seed"])["status"].agg(
        done=lambda status: int((status == "ok").sum()), failed=lambda status: int((status != "ok").sum())
    )
    lines = []
    for model in plan["models"]:
        for dataset in plan["datasets"]:
            for noise in dataset.get("noises", plan["noises"]):
                for seed in plan["seeds"]:
                    cell = (model["label"], dataset["name"], noise, seed)
                    done, failed = map(int, counts.loc[cell]) if cell in counts.index else (0, 0)
                    missing = max(0, dataset["images"] - done - failed)
                    lines.append((*cell, dataset["images"], done, failed, missing))
    return pd.DataFrame(lines, columns=["model", "data set", "noise", "seed", "rows", "done", "failed", "missing"])


def _rate(there: int, plan: dict[str, Any]) -> float | None:
    seconds = (datetime.now(UTC) - datetime.fromisoformat(plan["at"])).total_seconds()
    made = there - plan.get("rows_before", there)
    return made / seconds if made > 0 and seconds > 0 else None
