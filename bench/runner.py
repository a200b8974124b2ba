"""The runner: evaluate every model on the same noisy pixels of every image and commit one row for each."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
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
from bench.core.progress import bar_in_sight
from bench.datasets.arrays import GivenDatasets
from bench.engines import Engine
from bench.engines.in_process import InProcess
from bench.evaluation.pending import PendingJobs
from bench.evaluation.task import FinishedRow
from bench.metrics import DEFAULT
from bench.models import object_models
from bench.models.model_specs import GivenModels, Model
from bench.noise import noises
from bench.noise.noises import REFERENCE
from bench.results import Run
from bench.runs import contents, selection
from bench.runs.plan import Plan, make_plan
from bench.runs.store import Store
from noise_zoo.noise import Noise


def run(
    models: GivenModels = "all",
    noises: str | Noise | Iterable[str | Noise] = "mixture",
    datasets: GivenDatasets | None = None,
    *,
    name: str = "",
    data: str | Path | Iterable[str | Path] = (),
    size: str = "small",
    limit: int | None = None,
    seeds: int | Iterable[int] = (0,),
    protocol: str = "stored",
    precision: str = "float32",
    tile: str | int = "auto",
    metrics: Iterable[str] | str = DEFAULT,
    reference: str | Noise | None = REFERENCE,
    device: str = "auto",
    workers: int | str | None = None,
    dask: str | None = None,
    timeout: float | None = None,
    pictures: int = 3,
    progress: bool = True,
    out: str | Path | None = None,
) -> Run:
    """Evaluate models under noises on data sets; returns the run, whose `rows` are a pandas frame, one row per image.

    The parameters are the options of `bench run`:
    models     specs, as a list or as text with commas; networks (torch.nn.Module) and functions (B, 3, H, W) ->
               (B, 3, H, W) in [0, 1]; a mapping, name -> spec, network or function
    noises     specs or noises
    datasets   specs, paths of folders, arrays (H, W, 3) or (H, W), uint8 or floats in [0, 1], which are rounded to 8
               bits; a mapping, name -> arrays; 'builtin' if neither this nor `data` is given
    name       name of the only model
    data       folders of images
    size       of models whose spec does not say it: 'small' or 'full'
    limit      the first N images of each data set
    protocol, precision, tile, metrics  as `bench run --help` lists them
    reference  the noise that PSNR drops are counted from, evaluated in addition to `noises`; None for none
    device     'auto', 'cpu', 'cuda' or 'cuda:N'
    workers    number of processes, or 'gpus' for one on each GPU
    dask       a Dask cluster: 'local:4', or the address of a scheduler
    timeout    seconds that a network may take for an image
    pictures   number of images of each data set whose outputs are kept for the pages
    progress   show a progress bar in a terminal or notebook
    out        the run folder. Rows that are in it already are not computed again; those of a network given as an object
               only if its code, its tensors and all it holds are the same. None: a temporary folder, which is removed
               with the returned object, or when Python ends

    Raises BadInput.
    """
    plan = make_plan(
        models,
        noises,
        datasets,
        data,
        size=size,
        limit=limit,
        seeds=(seeds,) if isinstance(seeds, int) else tuple(seeds),
        protocol=protocol,
        precision=precision,
        tile=tile,
        reference=reference,
        object_name=name,
        metric_list=metrics if isinstance(metrics, str) else ",".join(metrics),
    )
    notes = (*plan.notes, *(() if out is None else object_models.notes(plan.models)))
    folder = Path(tempfile.mkdtemp(prefix="bench-run-")) if out is None else Path(out)
    found = Run(folder, notes, temporary=out is None)
    with Store.create(folder) as store, bar_in_sight("rows", plan.rows, progress) as bar:
        engine = engines.start(plan, device, workers, dask, timeout)
        for step in Execution(plan, store, engine, pictures, {"command": "bench.run"}).steps():
            bar.skip(step.skipped)
            bar.advance(len(step.rows))
    return found


def execute(plan: Plan, store: Store, device: str = "auto", pictures: int = 2, command: str = "") -> Iterator[Step]:
    """Compute the missing rows in this process. Rows are kept if the iterator is left early.

    `pictures`: the number of images of each data set whose clean, noisy and denoised pictures are saved, at the first
    seed.
    """
    return Execution(plan, store, InProcess(plan, device), pictures, {"command": command}).steps()


@dataclass(frozen=True)
class Step:
    """The rows of one commit, and how many rows were skipped because the store has them."""

    rows: list[Mapping[str, Any]]
    skipped: int = 0


class Execution:
    """One execution of a plan: an engine computes the missing rows, which are written to the store.

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
        self.store.record(
            {
                "event": "started",
                **self.about,
                "plan": self.number,
                **describe(self.plan),
                **self.engine.describe(),
                "pictures": self.pictures,
                "rows_before": self.store.count(),
                "versions": versions(),
                "machine": describe_machine(),
            }
        )
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
        "datasets": [
            {
                "name": d.name,
                "images": len(d.images),
                "title": d.title,
                "licence": d.licence,
                "note": d.described,
                "noises": [plan.noise_columns[index]["noise"] for index in plan.noises_on(d)],
            }
            for d in plan.datasets
        ],
        "seeds": list(plan.seeds),
        "protocol": plan.protocol.name,
        "precision": plan.precision,
        "tile": plan.tile,
        "metrics": [metric.card() for metric in plan.metrics],
        "not_measured": plan.not_measured,
        "left_out": list(plan.skipped),
    }


def _about(model: Model) -> dict[str, Any]:
    return {
        "label": model.label,
        "name": model.name,
        "size": model.size,
        "weights": model.weights,
        "weights_hash": model.weights_hash,
        "title": model.title,
        "paper": model.paper,
        "licence": model.licence,
        "card": model.card,
        **({"display_name": model.display_name} if model.display_name else {}),
        **({"spec": model.request[0]} if _shows_more(model) else {}),
    }


def _shows_more(model: Model) -> bool:
    """Whether the spec as it was written names the same model and, unlike its label, the file that it is in."""
    text, size = model.request
    return text not in ("", model.label) and (model.user_defined or size == "small")
