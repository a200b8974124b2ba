"""The hardware and software of a run, for manifests and cards; and the choice of a device."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

from bench.core.errors import described

PACKAGES = ("maskbench", "torch", "numpy", "scipy", "scikit-image", "scikit-learn", "matplotlib", "pandas", "pillow",
            "PyWavelets", "bm3d", "bm4d")  # fmt: skip
OUT_OF_MEMORY_MESSAGES = ("out of memory", "can't allocate memory", "not enough memory")  # of torch's CPU errors


def device_of(name: str) -> torch.device:
    """'auto' (a GPU if there is one), 'cpu', 'cuda', 'cuda:1', ... -> torch.device. Raises BadInput."""
    import torch

    from bench.core.errors import BadInput

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise BadInput(f"expected device auto, cpu, cuda or cuda:N, got {name!r}") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise BadInput(f"device {name!r} needs a GPU, and torch finds none: use --device cpu")
    return device


def cores() -> int:
    """The number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that the memory of the machine or of a GPU is exhausted."""
    import torch

    message = described(error).lower()
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and any(part in message for part in OUT_OF_MEMORY_MESSAGES)
    )


def describe_machine() -> dict[str, str]:
    """Processor, cores, threads, system, Python, and the GPU if there is one."""
    import torch

    facts = {
        "processor": _processor(),
        "cores": str(cores()),
        "threads of torch": str(torch.get_num_threads()),
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
    }
    if torch.cuda.is_available():
        facts["GPU"] = torch.cuda.get_device_name()
    return facts


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Package -> version of the installed packages that results depend on."""
    installed = {}
    for package in PACKAGES:
        try:
            installed[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return installed
