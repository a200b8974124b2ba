"""The progress of a run folder: the rows that its last command planned, and those that are done. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from bench.core import lock
from bench.core.errors import BadInput, unknown
from bench.runs import scored_files, selection
from bench.runs.store import Store


@dataclass(frozen=True)
class Status:
    """The plan of the last command, and how much of it is done.

    cells     one line per model, data set, noise and seed: rows planned, done, failed, missing
    reasons   reason -> number of failed rows
    finished  whether the command completed
    writer    the process that is writing now; None if there is none
    rate      rows per second since the command began; None if unknown
    skipped   rows that do not count under the protocol, with the reason
    files     labels of models whose outputs were scored from files
    """

    command: str
    cells: pd.DataFrame
    reasons: dict[str, int]
    finished: bool
    writer: dict[str, Any] | None
    rate: float | None
    skipped: tuple[selection.SkippedRows, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def missing(self) -> int:
        """The number of planned rows that are neither done nor failed."""
        return int(self.cells["missing"].sum())


def of(folder: Path, protocol: str | None = None) -> Status:
    """The status of the last command in a run folder, or of the last one under a protocol. Raises BadInput for none."""
    with Store.open(folder) as store:
        manifest, count = store.manifest(), store.count()
        started = [index for index, entry in enumerate(manifest) if entry["event"] == "started"]
        if not started:
            raise BadInput(f"expected a plan in {folder}/manifest.json, got none: start bench run --out {folder} again")
        known = list(dict.fromkeys(manifest[index]["protocol"] for index in started))
        if protocol is not None and protocol not in known:
            raise unknown("protocol", protocol, known, f" in {folder}")
        started = [index for index in started if protocol in (None, manifest[index]["protocol"])]
        plan = manifest[started[-1]]
        selected = selection.of_store(store, plan["protocol"], hidden=True)
        done = store.done(selection.metric_versions([plan]))
        images = store.contents().groupby("dataset")["image"].nunique().to_dict()
    rows, writer = selected.of_plan(plan), lock.writer(folder)
    failed = rows.loc[rows["status"] != "ok", "reason"].value_counts()
    return Status(
        command=plan["command"],
        cells=_cells(rows, plan, done, images),
        reasons={str(reason): int(count) for reason, count in failed.items()},
        finished=_finished(manifest[started[-1] + 1 :]),
        writer=writer,
        rate=_rate(count, plan) if writer else None,
        skipped=selected.skipped,
        files=tuple(sorted(scored_files.labels(manifest))),
    )


def _finished(later: list[dict[str, Any]]) -> bool:
    """Whether a command completed, from the entries after its start."""
    return next((entry["event"] for entry in later if entry["event"] in ("started", "finished")), "") == "finished"


def _cells(rows: pd.DataFrame, plan: dict[str, Any], done: set[str], images: dict[str, int]) -> pd.DataFrame:
    """One line per cell of a plan. `done`: keys of the rows that are complete; `images`: number of each data set."""
    keys = rows["asked"].where(rows["asked"].notna(), rows["key"])
    counted = rows.assign(done=keys.isin(done), failed=rows["status"] != "ok")
    counts = counted.groupby(selection.CELL_COLUMNS)[["done", "failed"]].sum()
    planned = {dataset["name"]: images.get(dataset["name"], dataset["images"]) for dataset in plan["datasets"]}
    lines = []
    for cell in selection.cells(plan):
        complete, failed = map(int, counts.loc[cell]) if cell in counts.index else (0, 0)
        count = planned[cell[1]]
        lines.append((*cell, count, complete, failed, max(0, count - complete - failed)))
    return pd.DataFrame(lines, columns=["model", "dataset", "noise", "seed", "rows", "done", "failed", "missing"])


def _rate(count: int, plan: dict[str, Any]) -> float | None:
    seconds = (datetime.now(UTC) - datetime.fromisoformat(plan["at"])).total_seconds()
    made = count - plan.get("rows_before", count)
    return made / seconds if made > 0 and seconds > 0 else None
