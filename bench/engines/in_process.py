"""The default engine: this process."""

from __future__ import annotations

from typing import Any

from bench.core.environment import device_of
from bench.evaluation.denoise import Networks
from bench.evaluation.pipeline import Pipeline
from bench.runs.plan import Plan


class InProcess(Pipeline):
    """The pipeline in this process with its networks on one device."""

    def __init__(self, plan: Plan, device: str = "auto"):
        super().__init__(plan, Networks.of(plan, device_of(device)))

    def describe(self) -> dict[str, Any]:
        """The device, for the manifest."""
        return {"engine": "this process", "device": str(self.networks.device)}
