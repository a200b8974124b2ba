"""WNE, wrapped normalization equivariance: normalize each image by its mean and deviation (Saied & Fleuret, ICML 2026).

The network gets (x - m) / s, and its output is multiplied by s and increased by m, so that the wrapped network follows
any change of an image's brightness and contrast. A network that predicts the noise f, x - f(x), becomes x - s f((x - m)
/ s), which is the same formula. Networks have to be trained in the wrapper: it has no tensors, and other weights expect
other values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from baselines.layers.non_blind import LEVEL_ARGUMENTS
from baselines.layers.wrapper import Wrapper

TITLE = "WNE"
PAPER = "Saied & Fleuret, Normalization Equivariance for Arbitrary Backbones, ICML 2026"
LICENCE = "written here (MIT); official code MIT"
TRAINED_INSIDE = True  # the network is trained in the wrapper
MIN_DEVIATION = 1e-6  # of an image, so that a constant one stays finite


class WNE(Wrapper):
    """network((x - m) / s) s + m, with the mean m and the standard deviation s of each image over C, H, W."""

    def fit(self, x: Tensor, keys: Sequence[int] | None = None) -> tuple[Tensor, Tensor]:
        """(mean, unbiased standard deviation) of each image of (B, C, H, W), both (B, 1, 1, 1)."""
        over = (1, 2, 3)
        return x.mean(over, keepdim=True), x.std(over, keepdim=True).clamp(min=MIN_DEVIATION)

    def forward(
        self, x: Tensor, *inputs: Tensor, fitted: tuple[Tensor, Tensor] | None = None, **options: Any
    ) -> Tensor:
        """Denoise (B, C, H, W) in [0, 1]; the noise level of a non-blind network, in the units of x, is scaled too."""
        mean, deviation = self.fit(x) if fitted is None else fitted
        scaled = {name: value / deviation if name in LEVEL_ARGUMENTS else value for name, value in options.items()}
        return self.network((x - mean) / deviation, *inputs, **scaled) * deviation + mean


wrapper = WNE
