"""Scores of outputs and of the noisy input, in 8 bits, under the plan's protocol; and the pictures that are kept."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import torch

from bench import metrics
from bench.datasets.channels import picture_of
from bench.evaluation.prepare import Prepared
from bench.evaluation.task import Task
from bench.metrics import psnr
from bench.runs.plan import Plan
from bench.runs.store import picture_name, row_key


class Scorer:
    """The plan's metrics against the clean image of a task, on a device; the columns of the noisy input's scores.

    Raises ValueError where the image is too small for a metric.
    """

    def __init__(self, plan: Plan, prepared: Prepared, device: torch.device):
        self._score = metrics.against(plan.metrics, prepared.clean_bytes, plan.protocol, device)
        self.noisy = {f"{name}_noisy": value for name, value in self._score(prepared.noisy_bytes).items()}

    def columns(self, output: np.ndarray) -> dict[str, Any]:
        """The columns of an output's scores; it is uint8 (H, W, 3)."""
        scores = self._score(output)
        return {**scores, "psnr_capped": int(scores.get("psnr") == psnr.CAP)}


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
    """Lossless WebP, which has no greyscale: there three equal channels."""
    content = BytesIO()
    picture_of(pixels).save(content, "webp", lossless=True, quality=50, method=2)
    return content.getvalue()
