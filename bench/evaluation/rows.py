"""Rows before they have scores: the columns that a plan determines, and from them the key."""

from __future__ import annotations

from typing import Any

from bench.plan import Plan


def unscored(
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
        "device": str(device),
        "status": "ok",
        "reason": "",
    }


def failed(row: dict[str, Any], reason: str) -> dict[str, Any]:
    """The row with a reason in the place of its scores."""
    return {**row, "status": "failed", "reason": reason}
