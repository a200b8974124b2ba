"""The runner: evaluate every model on the same noisy pixels of every image and commit one row for each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench import engines
from bench.core import isolation
from bench.core.environment import describe_machine, versions
from bench.core.errors import BadInput
from bench.core.files import write_whole
from bench.engines import Engine
from bench.engines.in_process import InProcess
from bench.evaluation.pending import PendingJobs
from bench.evaluation.task import FinishedRow
from bench.metrics import DEFAULT
from bench.models.model_specs import Model
from bench.noise import noises
from bench.noise.noises import REFERENCE
from bench.runs import contents, selection
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
    """Evaluate models under noises on data sets into the run folder `out`; returns all its rows that count.

    Rows that are in the folder already are not computed again. The parameters are the options of `bench run`:
    models, noises, datasets  specs, as a list or as text with commas
    data       folders of images
    size       of models whose spec does not say it: 'small' or 'full'
    limit      the first N images of each data set
    protocol, precision, tile, metrics  as `bench run --help` lists them
    reference  the noise that PSNR drops are counted from, evaluated in addition to `noises`; 'none' for none
    device     'auto', 'cpu', 'cuda' or 'cuda:N'
    workers    number of processes, or 'gpus' for one on each GPU
    dask       a Dask cluster: 'local:4', or the address of a scheduler
    timeout    seconds that a network may take for an image

    Raises BadInput.
    """

    def text(value):
        return value if isinstance(value, str) or value is None else ",".join(value)

    plan = make_plan(text(models), text(noises), text(datasets), data, size=size, limit=limit, seeds=seeds,
                     protocol=protocol, precision=precision, tile=tile, metric_list=text(metrics),
                     reference=reference)  # fmt: skip
    with Store.create(Path(out)) as store:
        for _ in Run(plan, store, engines.start(plan, device, workers, dask, timeout)).steps():
            pass
        return selection.all_of_store(store)


def execute(plan: Plan, store: Store, device: str = "auto", pictures: int = 2, command: str = "") -> Iterator[Step]:
    """Compute the missing rows in this process. Rows are kept if the iterator is left early.

    `pictures`: the number of images of each data set whose clean, noisy and denoised pictures are saved, at the first
    seed.
    """
    return Run(plan, store, InProcess(plan, device), pictures, {"command": command}).steps()


@dataclass(frozen=True)
class Step:
    """The rows of one commit, and how many rows were skipped because the store has them."""

    rows: list[dict[str, Any]]
    skipped: int = 0


class Run:
    """One run of a plan: an engine computes the missing rows, which are written to the store.

    The engine is closed at the end.

    about  where the plan comes from, for the manifest: the command, the run file
    """

    def __init__(
        self, plan: Plan, store: Store, engine: Engine, pictures: int = 2, about: dict[str, str] | None = None
    ):
        self.plan, self.store, self.engine = plan, store, engine
        self.about = {"command": "", **(about or {})}
        try:
            contents.check_same_pictures(store.connection, plan.datasets, store.folder)
        except BadInput:
            engine.close()
            raise
        store.add_metrics(plan.measured)
        self.pending = PendingJobs(plan, store.done(plan.measured), pictures, self._record_image)
        self.pictures = pictures
        self.number = 1 + max([store.last_plan(), *(entry.get("plan", 0) for entry in store.manifest())])

    def steps(self) -> Iterator[Step]:
        """Compute the missing rows and commit them one by one."""
        with self.store.writing() as connection:
            contents.record_images(connection, self.plan.datasets)
        self.store.record({"event": "started", **self.about, "plan": self.number, **describe(self.plan),
                           **self.engine.describe(), "pictures": self.pictures, "rows_before": self.store.count(),
                           "versions": versions(),
                           "machine": describe_machine()})  # fmt: skip
        with closing(self.engine):
            try:
                skipped = 0
                for finished in self.engine.results(self.pending.jobs()):
                    yield self._commit(finished, self.pending.skipped - skipped)
                    skipped = self.pending.skipped
                yield self._commit(None, self.pending.skipped - skipped)
            finally:
                for finished in self.engine.remaining_results():
                    self._commit(finished)
        self.store.record({"event": "finished", "command": self.about["command"]})

    def rows(self) -> pd.DataFrame:
        """The rows of the plan that count, with models and data sets in the order of the plan."""
        selected = selection.of_store(self.store, self.plan.protocol.name)
        return self.plan.in_order(selected.of_plan(describe(self.plan)))

    def _record_image(self, dataset: str, image: str, hashes: Mapping[str, str], keys: list[str]) -> None:
        """Store the pixel hashes of an image, and that this plan needs its rows."""
        with self.store.writing() as connection:
            contents.record_pixels(connection, dataset, image, hashes)
            self.store.claim(self.number, keys)

    def _commit(self, finished: FinishedRow | None, skipped: int = 0) -> Step:
        rows, self.pending.unreadable = self.pending.unreadable, []
        with isolation.our_code():  # a user-defined noise or metric may be running in another thread
            if finished is not None:
                rows = [*rows, finished.row]
                for name, content in finished.pictures.items():
                    if not (path := self.store.pictures / name).exists():
                        write_whole(path, content)
            self.store.write([{**row, "plan": self.number, "scored": self._scored(row)} for row in rows])
        return Step(rows, skipped)

    def _scored(self, row: Mapping[str, Any]) -> str:
        """The versions of the metrics that a row has scores of, as JSON: metric -> version."""
        return json.dumps({name: version for name, version in self.plan.measured.items() if row.get(name) is not None})


def describe(plan: Plan) -> dict[str, Any]:
    """The plan as an entry of the manifest."""
    return {
        "models": [_about(model) for model in plan.models],
        "noises": [noises.canonical(noise) for noise in plan.noises],
        "reference": plan.conditions.reference or None,
        "noise_versions": {noises.canonical(noise): noises.version(noise) for noise in plan.noises},
        "noise_cards": {noises.noise_name(noise): noises.card(noise) for noise in plan.noises},
        "datasets": [{"name": d.name, "images": len(d.images), "title": d.title, "licence": d.licence,
                      "note": d.described,
                      "noises": [plan.noise_columns[index]["noise"] for index in plan.noises_on(d)]}
                     for d in plan.datasets],
        "seeds": list(plan.seeds),
        "protocol": plan.protocol.name,
        "precision": plan.precision,
        "tile": plan.tile,
        "metrics": [metric.card() for metric in plan.metrics],
        "not_measured": plan.not_measured,
        "left_out": list(plan.skipped),
    }  # fmt: skip


def _about(model: Model) -> dict[str, Any]:
    return {"label": model.label, "name": model.name, "size": model.size, "weights": model.weights,
            "weights_hash": model.weights_hash, "title": model.title, "paper": model.paper, "licence": model.licence,
            "card": model.card, **({"display_name": model.display_name} if model.display_name else {})}  # fmt: skip
