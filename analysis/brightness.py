"""Histograms of output levels, and the shift of the mean level from that of the clean images, by channel.

A network that is trained with masks and tested without them sees other statistics than in training, and its outputs
become too bright or too dark. Source: Chen et al., CVPR 2023, figure 5.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from analysis import jackknife
from analysis.estimate import Estimate

LEVELS = 256
MAX_GROUPS = 16  # groups of photographs whose sums are kept for the jackknife


class Brightness:
    """Sums over images of 3 channels or 1, batch by batch; memory does not grow with their number."""

    counts: np.ndarray  # (C, 256): pixels of the outputs at each level

    def __init__(self, channels: int = 3):
        self.counts = np.zeros((channels, LEVELS), dtype=np.int64)
        self._difference = np.zeros((MAX_GROUPS, channels))
        self._pixels = np.zeros(MAX_GROUPS)

    def add(self, output: Tensor, clean: Tensor, photograph: int) -> None:
        """Add outputs and clean images cut from one photograph, uint8 (B, C, H, W); `photograph` is its index."""
        for channel in range(len(self.counts)):
            self.counts[channel] += torch.bincount(output[:, channel].flatten().long(), minlength=LEVELS).numpy()
        group = photograph % MAX_GROUPS
        self._difference[group] += (output.double() - clean.double()).sum((0, 2, 3)).numpy()
        self._pixels[group] += output[:, 0].numel()

    def density(self) -> np.ndarray:
        """Share of the pixels at each 8-bit level, (C, 256)."""
        return self.counts / self.counts.sum(1, keepdims=True)

    def shift(self) -> Estimate:
        """Mean output level minus mean clean level of each channel and of all, (C + 1,), in 8-bit levels.

        Intervals: jackknife over photographs (in at most 16 groups); NaN for fewer than 3 photographs.
        """
        used = self._pixels > 0
        sums, pixels = self._difference[used], self._pixels[used]
        sums = np.c_[sums, sums.mean(1)]  # (G, C + 1)
        return jackknife.interval(lambda total, count: total / count, sums, pixels, size=pixels)
