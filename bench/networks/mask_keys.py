"""The keys of images, from which a network that draws in evaluation makes its masks."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn


def keyed(network: nn.Module, keys: Sequence[int]) -> dict[str, list[int]]:
    """The keys as an option of the network's forward, if it takes them."""
    return {"keys": list(keys)} if getattr(network, "takes_keys", False) else {}
