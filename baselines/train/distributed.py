"""Distributed training: `torchrun` or `accelerate launch` starts the processes, Accelerate connects them.

Each process has a copy of the network, its share of the batch and its own random stream; gradients are averaged, so
that the copies stay equal. A single process uses the same interface without communication.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class ProcessGroup:
    """The processes that train one network; `accelerator` is Accelerate's, None for a single process."""

    accelerator: Any = None

    @property
    def size(self) -> int:
        """Number of processes."""
        return self.accelerator.num_processes if self.accelerator else 1

    @property
    def rank(self) -> int:
        """Index of this process, from 0. Rank 0 writes files and prints."""
        return self.accelerator.process_index if self.accelerator else 0

    def wrap(self, network: nn.Module, find_unused_parameters: bool = False) -> nn.Module:
        """The network with gradients averaged over all processes in its backward pass.

        `find_unused_parameters`: some parameters may have no gradient in a step (slower).
        """
        if self.accelerator is None:
            return network
        if find_unused_parameters:
            from accelerate import DistributedDataParallelKwargs

            self.accelerator.ddp_handler = DistributedDataParallelKwargs(find_unused_parameters=True)
        return self.accelerator.prepare_model(network)

    def gather(self, values: Tensor) -> Tensor:
        """Stack a tensor of each process, (size, *shape), on the CPU. Every process must call it."""
        if self.accelerator is None:
            return values[None].cpu()
        gathered = self.accelerator.gather(values[None].to(self.accelerator.device))
        return gathered.view(self.size, *values.shape).cpu()

    def barrier(self) -> None:
        """Wait until every process has called it."""
        if self.accelerator:
            self.accelerator.wait_for_everyone()

    def seed(self, seed: int) -> int:
        """The seed of this process's random stream; rank 0 uses `seed` itself."""
        if self.rank == 0:
            return seed
        return int.from_bytes(hashlib.sha256(f"{seed} of process {self.rank}".encode()).digest()[:7])

    def local_batch(self, batch: int) -> int:
        """Crops of this process per iteration. Raises ValueError if `batch` is not a multiple of the group's size."""
        if batch % self.size:
            raise ValueError(f"batch: expected a multiple of the {self.size} processes, got {batch}")
        return batch // self.size


SINGLE_PROCESS = ProcessGroup()


def world_size() -> int:
    """Number of processes that the launcher started."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def join(device: str) -> tuple[ProcessGroup, torch.device]:
    """Join the processes that the launcher started: (group, this process's device).

    `device` is 'auto', 'cpu' or 'cuda'. Raises ValueError for another device, or if Accelerate is not installed.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device: expected auto, cpu or cuda (each process gets its own GPU), got {device!r}")
    try:
        from accelerate import Accelerator
    except ImportError:
        raise ValueError(
            f"training with {world_size()} processes needs accelerate: pip install 'maskbench[train]'"
        ) from None
    accelerator = Accelerator(cpu=device == "cpu" or not torch.cuda.is_available())
    on_cpu = accelerator.device.type == "cpu"  # Accelerate numbers it, and torch.load rejects 'cpu:0'
    return ProcessGroup(accelerator), torch.device("cpu") if on_cpu else accelerator.device
