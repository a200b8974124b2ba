"""Rows before they have scores: the columns that the plan determines, which the key is computed from."""

from __future__ import annotations

from bench import spec
from bench.datasets import channels
from bench.evaluation.task import Cell, Job
from bench.models.model import Model
from bench.runs.plan import Plan
from bench.runs.schema import Row
from bench.runs.store import row_key


def row_without_scores(
    plan: Plan,
    model_index: int,
    noise: int,
    seed: int,
    dataset: str,
    image: str,
    image_hash: str,
    tile: int,
    photograph: str = "",
    device: object = "",
) -> Row:
    """The row of a model on an image under a noise, both by index, without scores and with status `ok`."""
    model, of_noise = plan.models[model_index], plan.noise_columns[noise]
    return {
        "model": model.label,
        "size": model.size,
        "weights": model.weights,
        "weights_hash": model.hash_on(dataset, image, plan.noise_columns[noise]["noise"], seed),
        "dataset": dataset,
        "image": image,
        "image_hash": image_hash,
        "photograph": photograph,
        "noise": of_noise["noise"],
        "noise_name": of_noise["noise_name"],
        "noise_version": of_noise["noise_version"],
        "level": of_noise["level"],
        "seed": seed,
        "protocol": plan.protocol.name,
        "precision": plan.precision,
        "tile": tile,
        "input": "",
        "device": str(device),
        "status": "ok",
        "reason": "",
    }


def planned_row(plan: Plan, job: Job, cell: Cell, device: object = "") -> Row:
    """The row of a cell of a job, without scores, with the planned tile."""
    noise, seed, model = cell
    tile = plan.tilings[model].tile(*job.clean.shape[:2])
    row = row_without_scores(
        plan, model, noise, seed, job.dataset, job.image, job.hash_under(noise), tile, job.photograph, device
    )
    return {**row, "input": input_description(plan.models[model], job.kind)}


def input_description(model: Model, kind: str) -> str:
    """How a model gets an image of a kind (`channels.kind`), and a non-blind one the noise level, as text."""
    of_grey, of_colour = ("replicated", 3), ("each channel by itself", 1)
    how, takes = of_grey if kind == channels.GREY else of_colour
    level = [] if model.level is None else [f"noise level {spec.format_value(model.level).strip(chr(39))}"]
    return ", ".join([kind, *level, *([how] if model.channels == takes else [])])


def failed(row: Row, reason: str) -> Row:
    """The row with status `failed` and a reason instead of scores."""
    return {**row, "status": "failed", "reason": reason}


def with_smaller_tile(row: Row, tile: int) -> Row:
    """The row with a smaller tile than planned, because memory was exhausted; it counts as the planned row."""
    if tile == row["tile"]:
        return row
    before = f"in tiles of {row['tile']}" if row["tile"] else "whole"
    return {**row, "asked": row_key(row), "tile": tile, "reason": f"out of memory {before}: run in tiles of {tile}"}
