"""What a run ran on: for manifests and cards. And the choice of a device."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

PACKAGES = ("maskbench", "torch", "numpy", "scipy", "scikit-image", "scikit-learn", "matplotlib", "pandas", "pillow",
            "PyWavelets", "bm3d", "bm4d")  # fmt: skip
OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")  # in what torch raises on processors


def device_of(name: str):
    """'auto' (a GPU where there is one), 'cpu', 'cuda', 'cuda:1', ... -> torch.device."""
    import torch

    from bench.errors import BadInput

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise BadInput(f"unknown device {name!r}: wanted auto, cpu, cuda or cuda:N") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise BadInput(f"device {name!r} was asked for, and torch finds no GPU here: use --device cpu")
    return device


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def is_out_of_memory(error: BaseException) -> bool:
    """Whether it says that memory, of the machine or of a GPU, does not suffice."""
    import torch

    words = str(error).lower()
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and any(part in words for part in OUT_OF_MEMORY)
    )


def describe_machine() -> dict[str, str]:
    """Processor, cores, memory, system."""
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
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Versions of the packages that determine numbers; those not installed are left out."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
