"""Scores of outputs and of the noisy input, in 8 bits, under the plan's protocol; and the pictures that are kept."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import numpy as np
import torch

from bench import metrics
from bench.datasets.channels import to_pillow
from bench.evaluation.prepare import Prepared
from bench.evaluation.task import Task
from bench.metrics import psnr
from bench.runs.plan import Plan
from bench.runs.store import picture_name, row_key


class Scorer:
    """The plan's metrics against the clean image of a task, on a device; the columns of the noisy input's scores."""

    def __init__(self, plan: Plan, prepared: Prepared, device: torch.device):
        self._versions = plan.measured
        self._score = metrics.against(plan.metrics, prepared.clean_bytes, plan.protocol, device)
        self._noisy = self._score(prepared.noisy_bytes)

    @property
    def noisy(self) -> dict[str, Any]:
        """The columns of the noisy input's scores."""
        values = {f"{name}_noisy": value for name, value in self._noisy.values.items()}
        return {**values, "no_value": self._no_value({})}

    def columns(self, output: np.ndarray) -> dict[str, Any]:
        """The columns of an output's scores; it is uint8, of the shape of the clean image."""
        scores = self._score(output)
        capped = int(scores.values.get("psnr") == psnr.CAP)
        return {**scores.values, "psnr_capped": capped, "no_value": self._no_value(scores.missing)}

    def _no_value(self, missing: dict[str, str]) -> str | None:
        """JSON for the store: column -> why it is empty, and the version of the metric."""
        of_noisy = {f"{name}_noisy": [why, self._versions[name]] for name, why in self._noisy.missing.items()}
        found = {name: [why, self._versions[name]] for name, why in missing.items()}
        return json.dumps({**found, **of_noisy}) if found or of_noisy else None


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
    to_pillow(pixels).save(content, "webp", lossless=True, quality=50, method=2)
    return content.getvalue()
