"""Base class of wrappers: networks around another network that fit something to each whole image first."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn


class Wrapper(nn.Module, ABC):
    """Runs a network, (B, C, H, W) -> (B, C, H, W) in [0, 1], with what was fitted to the whole image.

    A caller that passes on parts of an image, such as tiles or masked pixels, calls `fit` with the whole image first,
    and gives the result to `forward` with every part.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    @property
    def takes_keys(self) -> bool:
        """Whether an output in evaluation depends on the images' keys."""
        return getattr(self.network, "takes_keys", False)

    @abstractmethod
    def fit(self, x: Tensor, keys: Sequence[int] | None = None) -> Any:
        """What `forward` needs to know of whole images (B, C, H, W); `keys`: one integer per image."""

    @abstractmethod
    def forward(self, x: Tensor, *inputs: Tensor, fitted: Any = None, **options: Any) -> Tensor:
        """Denoise (B, C, H, W); `fitted`: the result of `fit`, None: of x itself. The rest is for the network."""
