"""Scores of outputs and of the noisy input, as 8-bit images under the plan's protocol; and the saved pictures."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import numpy as np
import torch

from bench import metrics
from bench.datasets.channels import to_pillow
from bench.evaluation.prepare import PreparedImage
from bench.evaluation.task import Task
from bench.metrics import psnr
from bench.runs.plan import Plan
from bench.runs.schema import Row
from bench.runs.store import picture_name, row_key


class Scorer:
    """The plan's metrics against the clean image of a task, on a device."""

    def __init__(self, plan: Plan, prepared: PreparedImage, device: torch.device):
        self._versions = plan.measured
        self._score = metrics.against(plan.metrics, prepared.clean_bytes, plan.protocol, device)
        self._noisy = self._score(prepared.noisy_bytes)

    @property
    def noisy(self) -> dict[str, Any]:
        """The columns of the noisy input's scores."""
        values = {f"{name}_noisy": value for name, value in self._noisy.values.items()}
        return {**values, "no_value": self._no_value({})}

    def columns(self, output: np.ndarray) -> dict[str, Any]:
        """The columns of an output's scores; the output is uint8, of the shape of the clean image."""
        scores = self._score(output)
        capped = int(scores.values.get("psnr") == psnr.MAX_PSNR)
        return {**scores.values, "psnr_capped": capped, "no_value": self._no_value(scores.missing)}

    def _no_value(self, missing: dict[str, str]) -> str | None:
        """JSON for the store: column -> [reason why it is empty, version of the metric]."""
        of_noisy = {f"{name}_noisy": [why, self._versions[name]] for name, why in self._noisy.missing.items()}
        of_output = {name: [why, self._versions[name]] for name, why in missing.items()}
        return json.dumps({**of_output, **of_noisy}) if of_output or of_noisy else None


def pictures(plan: Plan, task: Task, row: Row, output: np.ndarray | None, prepared: PreparedImage) -> dict[str, bytes]:
    """File name -> lossless picture: the output, and for the first model of a task the noisy and the clean image."""
    shared = [row[column] for column in ("image_hash", "noise", "noise_version", "seed", "protocol")]
    shown = {}
    if row["model"] == plan.models[task.models[0]].label:
        shown[picture_name("clean", *shared)] = prepared.clean_bytes
        shown[picture_name("noisy", *shared)] = prepared.noisy_bytes
    if output is not None:
        shown[picture_name(row_key(row))] = output
    return {name: _encoded(pixels) for name, pixels in shown.items()}


def _encoded(pixels: np.ndarray) -> bytes:
    """Lossless WebP; a greyscale image is stored as three equal channels, since WebP has no greyscale."""
    content = BytesIO()
    to_pillow(pixels).save(content, "webp", lossless=True, quality=50, method=2)
    return content.getvalue()
