"""The runner: every model on the same noisy pixels of every image, a row each, committed image by image.

While a network works, the next noisy image is made and the last outputs are scored in other threads.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image

from baselines.checkpoints import first_line
from bench import contract, datasets, noises, precisions
from bench.machine import device_of, machine, versions
from bench.metrics import crop_border, psnr, ssim
from bench.models import Model
from bench.plan import Plan, make_plan
from bench.protocols import to_bytes
from bench.store import Store, row_key, write_whole
from bench.tiles import Tiled
from bench.tiling import Tiling
from noise_zoo.legacy import LegacyGenerator

METRICS = {"psnr": psnr.score, "ssim": ssim.score}


@dataclass(frozen=True)
class Task:
    """One noisy image that some models still have to denoise."""

    dataset: datasets.Dataset
    image: datasets.CleanImage
    noise: Any
    seed: int
    pictured: bool


@dataclass(frozen=True)
class Evaluated:
    """A model on its device, in its precision, and how it takes large images."""

    model: Model
    network: torch.nn.Module
    tiling: Tiling


@dataclass(frozen=True)
class Prepared:
    """A task's pixels: `noisy` as the network gets it, the noisy input and the clean target in 8 bits."""

    image_hash: str
    noisy: np.ndarray  # (H, W, C) float32
    noisy_bytes: np.ndarray  # (H, W, C) uint8
    clean_bytes: np.ndarray  # (H, W, C) uint8
    mask_key: int


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
    device: str = "auto",
    out: str | Path,
) -> pd.DataFrame:
    """Run models on noises and data sets into the folder `out`; returns all rows of that folder, a row per image."""

    def text(value):
        return value if isinstance(value, str) or value is None else ",".join(value)

    plan = make_plan(text(models), text(noises), text(datasets), data, size=size, limit=limit, seeds=seeds,
                     protocol=protocol, precision=precision, tile=tile)  # fmt: skip
    with Store.create(Path(out)) as store:
        for _ in execute(plan, store, device):
            pass
        return store.rows()


@dataclass(frozen=True)
class Step:
    """What one noisy image brought: new rows, or how many rows were there already."""

    rows: list[dict[str, Any]]
    skipped: int = 0


def execute(plan: Plan, store: Store, device: str = "auto", pictures: int = 2, command: str = "") -> Iterator[Step]:
    """Do what is missing, a step a noisy image. Leaving the iterator early keeps what was done.

    `pictures`: clean, noisy and denoised pictures are kept of so many images of each data set, at the first seed.
    """
    target = device_of(device)
    networks = [Evaluated(model, _load(model, target, plan.precision), tiling)
                for model, tiling in zip(plan.models, plan.tilings, strict=True)]  # fmt: skip
    store.record({"event": "started", "command": command, **_describe(plan), "device": str(target),
                  "pictures": pictures, "versions": versions(), "machine": machine()})  # fmt: skip
    done = store.done()
    scoring: Future | None = None
    with ThreadPoolExecutor(1) as makers, ThreadPoolExecutor(1) as scorers:
        try:
            for task, prepared in _prepare_ahead(makers, _tasks(plan, pictures), plan, done):
                if prepared is None:
                    yield Step([], len(networks))
                elif isinstance(prepared, str):
                    rows = [_row(model, 0, task, "", plan, target, "failed", prepared) for model in plan.models]
                    store.write(rows)
                    yield Step(rows)
                else:
                    outputs = _denoise(networks, task, prepared, plan, target, done)
                    previous, scoring = scoring, scorers.submit(_score, outputs, task, prepared, plan, store)
                    if previous is not None:
                        yield _commit(store, previous)
                    if len(outputs) < len(networks):
                        yield Step([], len(networks) - len(outputs))
            if scoring is not None:
                last, scoring = scoring, None
                yield _commit(store, last)
        finally:
            if scoring is not None:  # interrupted: keep what the networks have done
                store.write(scoring.result())
    store.record({"event": "finished", "command": command})


def _load(model: Model, device: torch.device, precision: str) -> torch.nn.Module:
    """The network on the device, in a precision; one from outside is tried first. Raises BadInput."""
    network = model.load(device)
    if model.outside:
        contract.check(network, model.label, device)
    return precisions.cast(network, precision)


def _describe(plan: Plan) -> dict[str, Any]:
    """The plan for the manifest."""
    return {
        "models": [_about(model) for model in plan.models],
        "noises": [noises.canonical(noise) for noise in plan.noises],
        "noise_versions": {noises.canonical(noise): noises.version(noise) for noise in plan.noises},
        "noise_cards": {noises.noise_name(noise): noises.card(noise) for noise in plan.noises},
        "datasets": [{"name": d.name, "images": len(d.images), "title": d.title, "licence": d.licence, "note": d.note}
                     for d in plan.datasets],
        "seeds": list(plan.seeds),
        "protocol": plan.protocol.name,
        "precision": plan.precision,
        "tile": plan.tile,
        "left_out": list(plan.left_out),
    }  # fmt: skip


def _about(model: Model) -> dict[str, Any]:
    return {"label": model.label, "name": model.name, "size": model.size, "weights": model.weights,
            "weights_hash": model.weights_hash, "title": model.title, "paper": model.paper, "licence": model.licence,
            "card": model.card}  # fmt: skip


def _tasks(plan: Plan, pictures: int) -> Iterator[Task]:
    for dataset in plan.datasets:
        for place, image in enumerate(dataset.images):
            for seed in plan.seeds:
                for noise in plan.noises:
                    yield Task(dataset, image, noise, seed, place < pictures and seed == plan.seeds[0])


def _prepare_ahead(
    pool: ThreadPoolExecutor, tasks: Iterator[Task], plan: Plan, done: set[str]
) -> Iterator[tuple[Task, Prepared | str | None]]:
    """Each task with its pixels, or why it has none, or None where all its rows are done; made one ahead of use."""
    clean: dict[str, Any] = {}  # the clean image at hand: one at a time, since tasks come image by image

    def make(task: Task) -> Prepared | str | None:
        try:
            if clean.get("of") is not task.image:
                pixels = task.image.read()
                clean.update(of=task.image, pixels=pixels, hash=noises.pixel_hash(pixels))
            tiles = (tiling.tile(*clean["pixels"].shape[:2]) for tiling in plan.tilings)
            rows = (
                _row(model, tile, task, clean["hash"], plan) for model, tile in zip(plan.models, tiles, strict=True)
            )
            if all(row_key(row) in done for row in rows):
                return None
            return _make_noisy(clean["pixels"], clean["hash"], task, plan)
        except (ValueError, OSError) as error:
            return first_line(error)

    waiting: tuple[Task, Future] | None = None
    for task in tasks:
        upcoming = (task, pool.submit(make, task))
        if waiting is not None:
            yield waiting[0], waiting[1].result()
        waiting = upcoming
    if waiting is not None:
        yield waiting[0], waiting[1].result()


def _make_noisy(clean: np.ndarray, image_hash: str, task: Task, plan: Plan) -> Prepared:
    legacy = plan.protocol.legacy_seed
    if legacy is None:
        random = noises.generator(image_hash, task.noise, task.seed)
    else:
        random = LegacyGenerator(legacy + task.seed)
    noisy, target = noises.apply(task.noise, clean, random)
    given = np.ascontiguousarray(plan.protocol.noisy_input(noisy), dtype=np.float32)
    key = noises.mask_key(image_hash, task.noise, task.seed)
    return Prepared(image_hash, given, to_bytes(given), to_bytes(target), key)


def _denoise(networks, task, prepared, plan, device, done) -> list[tuple[dict, np.ndarray | None]]:
    """(unscored row, 8-bit output or None where the network failed) for each model whose row is missing."""
    outputs = []
    x = torch.from_numpy(prepared.noisy).permute(2, 0, 1)[None].contiguous()  # (1, C, H, W)
    for one in networks:
        tile = one.tiling.tile(*prepared.noisy.shape[:2])
        row = _row(one.model, tile, task, prepared.image_hash, plan, device)
        if row_key(row) in done:
            continue
        network = Tiled(one.network, one.tiling) if tile else one.network
        keys = {"keys": [prepared.mask_key]} if getattr(network, "takes_keys", False) else {}
        began = time.perf_counter()
        try:
            with torch.inference_mode():
                y = network(x.to(device, copy=True), **keys)[0].float().cpu()
            row["seconds"] = time.perf_counter() - began
            if tuple(y.shape) != tuple(x.shape[1:]):
                raise ValueError(f"the output has shape {tuple(y.shape)}, wanted {tuple(x.shape[1:])}")
            if not torch.isfinite(y).all():
                raise ValueError("the output has values that are not finite")
            outputs.append((row, to_bytes(y.permute(1, 2, 0).numpy())))
        except (Exception, SystemExit) as error:  # a network, perhaps a user's, may raise anything: the row says what
            outputs.append(({**row, "status": "failed", "reason": first_line(error)}, None))
    return outputs


def _score(outputs, task: Task, prepared: Prepared, plan: Plan, store: Store) -> list[dict]:
    """Fill in the scores of one noisy image's rows, and keep its pictures."""
    border = plan.protocol.border
    clean = crop_border(prepared.clean_bytes, border)
    rows = []
    try:
        noisy = {name: metric(crop_border(prepared.noisy_bytes, border), clean) for name, metric in METRICS.items()}
    except ValueError as error:
        return [{**row, "status": "failed", "reason": str(error)} for row, _ in outputs]
    for row, output in outputs:
        row.update({f"{name}_noisy": value for name, value in noisy.items()})
        if output is not None:
            row.update({name: metric(crop_border(output, border), clean) for name, metric in METRICS.items()})
            row["psnr_capped"] = int(row["psnr"] == psnr.CAP)
        rows.append(row)
    if task.pictured:
        _keep_pictures(outputs, task, prepared, plan.protocol.name, store)
    return rows


def _keep_pictures(outputs, task: Task, prepared: Prepared, protocol: str, store: Store) -> None:
    common = (prepared.image_hash, noises.canonical(task.noise), noises.version(task.noise), task.seed, protocol)
    shown = [(store.picture_path("clean", *common), prepared.clean_bytes)]
    shown += [(store.picture_path("noisy", *common), prepared.noisy_bytes)]
    shown += [(store.picture_path(row_key(row)), output) for row, output in outputs if output is not None]
    for path, pixels in shown:
        if not path.exists():
            encoded = BytesIO()
            Image.fromarray(pixels).save(encoded, "webp", lossless=True, quality=50, method=2)
            write_whole(path, encoded.getvalue())


def _commit(store: Store, scoring: Future) -> Step:
    rows = scoring.result()
    store.write(rows)
    return Step(rows)


def _row(
    model: Model, tile: int, task: Task, image_hash: str, plan: Plan, device="", status="ok", reason=""
) -> dict[str, Any]:
    """A row without scores."""
    return {
        "model": model.label,
        "size": model.size,
        "weights": model.weights,
        "weights_hash": model.weights_hash,
        "dataset": task.dataset.name,
        "image": task.image.name,
        "image_hash": image_hash,
        "noise": noises.canonical(task.noise),
        "noise_name": noises.noise_name(task.noise),
        "noise_version": noises.version(task.noise),
        "level": noises.level(task.noise),
        "seed": task.seed,
        "protocol": plan.protocol.name,
        "precision": plan.precision,
        "tile": tile,
        "device": str(device),
        "status": status,
        "reason": reason,
    }
