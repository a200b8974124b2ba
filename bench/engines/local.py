"""The engine of several processes on this machine; on a machine with GPUs each process has its own.

Some kernels round differently with another number of threads: between one and two threads, 3 of 196,608 values of an
output of Restormer and 2 of RIDNet changed by one 8-bit level, none of DnCNN and SwinIR. With equal threads rows are
equal.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch

from bench.core.environment import cores, device_of
from bench.core.errors import BadInput
from bench.engines.plan_transfer import pack_plan
from bench.engines.pool import Pool
from bench.engines.worker import Workers
from bench.runs.plan import Plan


class Local(Pool):
    """`count` processes that share the cores equally; 'gpus' for one process on each GPU."""

    def __init__(self, plan: Plan, count: int | str, device: str = "auto", timeout: float | None = None):
        devices = devices_of(device)
        if count == "gpus":
            if not devices[0].startswith("cuda"):
                raise BadInput("--workers gpus needs a GPU, and torch finds none: write --workers 2, for example")
            count = len(devices)
        self.count, self.devices, self.threads = count, devices, max(1, cores() // count)
        self.workers = Workers(pack_plan(plan, with_content=False), devices, self.threads, timeout)
        super().__init__(plan, ThreadPoolExecutor(count, "worker"), self.workers.work, lambda: count)

    def describe(self) -> dict[str, Any]:
        """Processes, threads and devices, for the manifest."""
        used = self.devices[: self.count]
        return {"engine": f"{self.count} processes of {self.threads} threads", "device": ", ".join(used)}

    def close(self) -> None:
        """Cancel waiting jobs and end the processes."""
        for future in self._waiting:
            future.cancel()
        self.workers.close()  # first, since threads of the executor wait for their processes
        self.executor.shutdown(cancel_futures=True)


def devices_of(name: str) -> tuple[str, ...]:
    """'auto' or 'cuda' -> all GPUs if there are any; else the device itself."""
    device = device_of(name)
    if device.type == "cuda" and device.index is None:
        return tuple(f"cuda:{index}" for index in range(torch.cuda.device_count()))
    return (str(device),)
