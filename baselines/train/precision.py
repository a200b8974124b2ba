"""Choose the precision that trains a network fastest on a device."""

from __future__ import annotations

import torch
from torch import nn


def fastest(network: nn.Module, device: torch.device) -> str:
    """'bfloat16' (autocast) if that trains faster than float32 on the device, else 'float32'.

    GPUs from compute capability 8.0 and processors with AMX multiply bfloat16 many times as fast. A processor with
    AVX512-BF16 alone gains a third in matrix products, 1x1 convolutions among them, and loses nearly half in larger
    convolutions: there bfloat16 is chosen for networks that declare `mostly_matrix_products`.
    """
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.get_device_capability(device) >= (8, 0) else "float32"
    if device.type != "cpu":
        return "float32"
    multiplies = getattr(network, "mostly_matrix_products", False)
    return "bfloat16" if _cpu_has("amx_tile") or (multiplies and _cpu_has("avx512_bf16")) else "float32"


def _cpu_has(instructions: str) -> bool:
    """Whether torch detects an instruction set on this processor (it has no public function for this)."""
    return getattr(torch.cpu, f"_is_{instructions}_supported", lambda: False)()
