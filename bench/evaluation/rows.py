"""Rows before they have scores: the columns that a plan determines, and from them the key."""

from __future__ import annotations

from typing import Any

from bench.datasets import channels
from bench.evaluation.task import Cell, Job
from bench.networks.model import Model
from bench.runs.plan import Plan
from bench.runs.store import row_key


def row_without_scores(
    plan: Plan,
    place: int,
    noise: int,
    seed: int,
    dataset: str,
    image: str,
    image_hash: str,
    tile: int,
    device: object = "",
) -> dict[str, Any]:
    """The row of the model at `place` on an image under the noise at `noise`, without scores and in good order."""
    model = plan.models[place]
    return {
        "model": model.label,
        "size": model.size,
        "weights": model.weights,
        "weights_hash": model.weights_hash,
        "dataset": dataset,
        "image": image,
        "image_hash": image_hash,
        **plan.noise_columns[noise],
        "seed": seed,
        "protocol": plan.protocol.name,
        "precision": plan.precision,
        "tile": tile,
        "input": "",
        "device": str(device),
        "status": "ok",
        "reason": "",
    }


def planned_row(plan: Plan, job: Job, cell: Cell, device: object = "") -> dict[str, Any]:
    """The row of a cell of a job, without scores, in the tile that is planned."""
    noise, seed, model = cell
    tile = plan.tilings[model].tile(*job.clean.shape[:2])
    row = row_without_scores(plan, model, noise, seed, job.dataset, job.image, job.hash_under(noise), tile, device)
    return {**row, "photograph": job.photograph, "input": input_description(plan.models[model], job.kind)}


def input_description(model: Model, kind: str) -> str:
    """How a model is given an image of a kind (`channels.kind`), in words."""
    if kind == channels.GREY:
        return f"{kind}, replicated" if model.channels == 3 else kind
    return f"{kind}, each channel by itself" if model.channels == 1 else kind


def failed(row: dict[str, Any], reason: str) -> dict[str, Any]:
    """The row with a reason in the place of its scores."""
    return {**row, "status": "failed", "reason": reason}


def with_smaller_tile(row: dict[str, Any], tile: int) -> dict[str, Any]:
    """The row with another tile than planned, since memory did not suffice; it counts as the one that was asked for."""
    if tile == row["tile"]:
        return row
    before = f"in tiles of {row['tile']}" if row["tile"] else "whole"
    return {**row, "asked": row_key(row), "tile": tile, "reason": f"out of memory {before}: run in tiles of {tile}"}
