"""Scores of outputs and of the noisy input, in 8 bits, under the plan's protocol; and the pictures that are kept."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from bench.evaluation.prepare import Prepared
from bench.evaluation.task import Task
from bench.metrics import crop_border, psnr, ssim
from bench.plan import Plan
from bench.store import picture_name, row_key

METRICS = {"psnr": psnr.score, "ssim": ssim.score}


def score(image: np.ndarray, prepared: Prepared, border: int) -> dict[str, float]:
    """Each metric of an image, uint8 (H, W, 3), against the clean one. Raises ValueError where one cannot be had."""
    cropped, clean = (crop_border(pixels, border) for pixels in (image, prepared.clean_bytes))
    return {name: metric(cropped, clean) for name, metric in METRICS.items()}


def score_noisy(prepared: Prepared, border: int) -> dict[str, float]:
    """The columns of the noisy input's scores."""
    return {f"{name}_noisy": value for name, value in score(prepared.noisy_bytes, prepared, border).items()}


def score_output(output: np.ndarray, prepared: Prepared, border: int) -> dict[str, Any]:
    """The columns of an output's scores."""
    scores = score(output, prepared, border)
    return {**scores, "psnr_capped": int(scores["psnr"] == psnr.CAP)}


def pictures(plan: Plan, task: Task, row: dict[str, Any], output: np.ndarray | None, prepared: Prepared):
    """File name -> lossless picture: the output, and with the first model of a task the noisy and the clean image."""
    shared = [row[column] for column in ("image_hash", "noise", "noise_version", "seed", "protocol")]
    shown = {}
    if row["model"] == plan.models[task.models[0]].label:
        shown[picture_name("clean", *shared)] = prepared.clean_bytes
        shown[picture_name("noisy", *shared)] = prepared.noisy_bytes
    if output is not None:
        shown[picture_name(row_key(row))] = output
    return {name: _encoded(pixels) for name, pixels in shown.items()}


def _encoded(pixels: np.ndarray) -> bytes:
    content = BytesIO()
    Image.fromarray(pixels).save(content, "webp", lossless=True, quality=50, method=2)
    return content.getvalue()
