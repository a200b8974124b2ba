"""The processes that train one network together: `torchrun` or `accelerate launch` starts them, Accelerate joins them.

Each has a copy of the network, its own share of the batch and its own random stream; gradients are averaged, so that
the copies stay equal. A single process is the same thing with nobody to talk to.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Processes:
    """`accelerator` is Accelerate's; None for one process alone."""

    accelerator: Any = None

    @property
    def count(self) -> int:
        return self.accelerator.num_processes if self.accelerator else 1

    @property
    def rank(self) -> int:
        """Place of this process, from 0. The first one writes and speaks."""
        return self.accelerator.process_index if self.accelerator else 0

    def replica(self, network: nn.Module, some_idle: bool = False) -> nn.Module:
        """The network as this process trains it: its backward pass averages gradients over all of them.

        `some_idle`: not every parameter need have a gradient in every step, which costs time.
        """
        if self.accelerator is None:
            return network
        if some_idle:
            from accelerate import DistributedDataParallelKwargs

            self.accelerator.ddp_handler = DistributedDataParallelKwargs(find_unused_parameters=True)
        return self.accelerator.prepare_model(network)

    def gather(self, values: Tensor) -> Tensor:
        """A tensor of each process, one row a process, on the CPU. All have to call it."""
        if self.accelerator is None:
            return values[None].cpu()
        gathered = self.accelerator.gather(values[None].to(self.accelerator.device))
        return gathered.view(self.count, *values.shape).cpu()

    def wait(self) -> None:
        """Until all of them have come here."""
        if self.accelerator:
            self.accelerator.wait_for_everyone()

    def seed(self, seed: int) -> int:
        """The seed of this process's stream: the first has the training's own."""
        if self.rank == 0:
            return seed
        return int.from_bytes(hashlib.sha256(f"{seed} of process {self.rank}".encode()).digest()[:7])

    def share(self, batch: int) -> int:
        """Crops of this process in an iteration. Raises ValueError where they cannot be dealt out evenly."""
        if batch % self.count:
            raise ValueError(f"a batch of {batch} cannot be shared by {self.count} processes: wanted a multiple")
        return batch // self.count


ALONE = Processes()


def started() -> int:
    """How many processes a launcher started for this training."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def join(device: str) -> tuple[Processes, torch.device]:
    """(the processes that were started together with this one, this one's device); `device`: 'auto', 'cpu' or 'cuda'.

    Raises ValueError where the package is missing that joins them.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device is {device!r}, wanted auto, cpu or cuda: each of several processes has its own GPU")
    try:
        from accelerate import Accelerator
    except ImportError:
        raise ValueError(
            f"training by {started()} processes needs accelerate: pip install 'maskbench[train]'"
        ) from None
    accelerator = Accelerator(cpu=device == "cpu" or not torch.cuda.is_available())
    on_cpu = accelerator.device.type == "cpu"  # which Accelerate numbers, and torch.load does not know by number
    return Processes(accelerator), torch.device("cpu") if on_cpu else accelerator.device
