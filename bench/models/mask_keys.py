"""Keys of images, from which a network that draws random masks in evaluation seeds them."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn


def keyed(network: nn.Module, keys: Sequence[int]) -> dict[str, list[int]]:
    """The keys as a keyword argument of the network's forward, {} if it declares no `takes_keys`."""
    return {"keys": list(keys)} if getattr(network, "takes_keys", False) else {}
