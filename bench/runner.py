"""The runner: every model on the same noisy pixels of every image, a row each, committed as it is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench import engines, isolation
from bench.engines import Engine
from bench.engines.here import Here
from bench.evaluation.missing import Missing
from bench.evaluation.task import Finished
from bench.files import write_whole
from bench.machine import machine, versions
from bench.metrics import DEFAULT
from bench.networks.models import Model
from bench.noise import noises
from bench.noise.noises import REFERENCE
from bench.runs.plan import Plan, make_plan
from bench.runs.store import Store


def run(
    models: list[str] | str = "all",
    noises: list[str] | str = "mixture",
    datasets: list[str] | str | None = None,
    *,
    data: tuple[Path, ...] = (),
    size: str = "small",
    limit: int | None = None,
    seeds: tuple[int, ...] = (0,),
    protocol: str = "stored",
    precision: str = "float32",
    tile: str | int = "auto",
    metrics: list[str] | str = DEFAULT,
    reference: str = REFERENCE,
    device: str = "auto",
    workers: int | str | None = None,
    dask: str | None = None,
    timeout: float | None = None,
    out: str | Path,
) -> pd.DataFrame:
    """Run models on noises and data sets into the folder `out`; returns all rows of that folder, a row per image.

    `reference` is the noise from which PSNR drops are counted, which is run besides; 'none' for none.
    `workers`: so many processes, or 'gpus'; `dask`: a cluster, 'local:4' or a scheduler's address; `timeout`: seconds
    for an image. Raises BadInput.
    """

    def text(value):
        return value if isinstance(value, str) or value is None else ",".join(value)

    plan = make_plan(text(models), text(noises), text(datasets), data, size=size, limit=limit, seeds=seeds,
                     protocol=protocol, precision=precision, tile=tile, metric_list=text(metrics),
                     reference=reference)  # fmt: skip
    with Store.create(Path(out)) as store:
        for _ in Run(plan, store, engines.start(plan, device, workers, dask, timeout)).steps():
            pass
        return store.rows()


def execute(plan: Plan, store: Store, device: str = "auto", pictures: int = 2, command: str = "") -> Iterator[Step]:
    """Do what is missing in this process. Leaving the iterator early keeps what was done.

    `pictures`: clean, noisy and denoised pictures are kept of so many images of each data set, at the first seed.
    """
    return Run(plan, store, Here(plan, device), pictures, {"command": command}).steps()


@dataclass(frozen=True)
class Step:
    """What was committed, and how many rows were found to be there already."""

    rows: list[dict[str, Any]]
    skipped: int = 0


class Run:
    """A plan on its way into a store, through an engine, which is closed at the end.

    about  what the manifest says of where the plan comes from: the command, the run file
    """

    def __init__(
        self, plan: Plan, store: Store, engine: Engine, pictures: int = 2, about: dict[str, str] | None = None
    ):
        self.plan, self.store, self.engine = plan, store, engine
        self.about = {"command": "", **(about or {})}
        store.add_metrics(list(plan.measured))
        self.missing = Missing(plan, store.done(plan.measured), pictures)
        self.pictures = pictures

    def steps(self) -> Iterator[Step]:
        """Do what is missing, a step a row or so."""
        self.store.record({"event": "started", **self.about, **describe(self.plan),
                           **self.engine.describe(), "pictures": self.pictures, "rows_before": self.store.count(),
                           "versions": versions(),
                           "machine": machine()})  # fmt: skip
        with closing(self.engine):
            try:
                skipped = 0
                for finished in self.engine.results(self.missing.jobs()):
                    yield self._commit(finished, self.missing.skipped - skipped)
                    skipped = self.missing.skipped
                yield self._commit(None, self.missing.skipped - skipped)
            finally:
                for finished in self.engine.leftover():
                    self._commit(finished)
        self.store.record({"event": "finished", "command": self.about["command"]})

    def rows(self) -> pd.DataFrame:
        """The rows of the plan's images as they are now, models and data sets in its order."""
        return self.plan.in_order(self.store.rows(self.missing.keys))

    def _commit(self, finished: Finished | None, skipped: int = 0) -> Step:
        rows, self.missing.unreadable = self.missing.unreadable, []
        with isolation.our_code():  # a user's noise or metric may work in another thread
            if finished is not None:
                rows = [*rows, finished.row]
                for name, content in finished.pictures.items():
                    if not (path := self.store.pictures / name).exists():
                        write_whole(path, content)
            self.store.write(rows)
        return Step(rows, skipped)


def describe(plan: Plan) -> dict[str, Any]:
    """The plan for the manifest."""
    return {
        "models": [_about(model) for model in plan.models],
        "noises": [noises.canonical(noise) for noise in plan.noises],
        "reference": plan.conditions.reference or None,
        "noise_versions": {noises.canonical(noise): noises.version(noise) for noise in plan.noises},
        "noise_cards": {noises.noise_name(noise): noises.card(noise) for noise in plan.noises},
        "datasets": [{"name": d.name, "images": len(d.images), "title": d.title, "licence": d.licence,
                      "note": d.described,
                      "noises": [plan.noise_columns[place]["noise"] for place in plan.noises_on(d)]}
                     for d in plan.datasets],
        "seeds": list(plan.seeds),
        "protocol": plan.protocol.name,
        "precision": plan.precision,
        "tile": plan.tile,
        "metrics": [metric.card() for metric in plan.metrics],
        "not_measured": plan.not_measured,
        "left_out": list(plan.left_out),
    }  # fmt: skip


def _about(model: Model) -> dict[str, Any]:
    return {"label": model.label, "name": model.name, "size": model.size, "weights": model.weights,
            "weights_hash": model.weights_hash, "title": model.title, "paper": model.paper, "licence": model.licence,
            "card": model.card}  # fmt: skip
