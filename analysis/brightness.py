"""Brightness: which levels outputs have, and how far their mean is from that of the clean images, by channel.

A network that is trained with masks and tested without them sees other statistics than in training, and its outputs
come out too bright or too dark. Source: Chen et al., CVPR 2023, figure 5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from analysis import jackknife

LEVELS = 256
GROUPS = 16  # at most so many groups of photographs are kept apart


@dataclass(frozen=True)
class Shift:
    """Mean output minus mean clean level of each channel and of all, in levels of 255, with 95% bounds, each (C + 1,).

    Bounds are NaN for fewer than 3 photographs.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


class Brightness:
    """Adds up images of `channels` channels, 3 or 1; memory does not grow with their number."""

    def __init__(self, channels: int = 3):
        self.counts = np.zeros((channels, LEVELS), dtype=np.int64)
        self._difference = np.zeros((GROUPS, channels))
        self._pixels = np.zeros(GROUPS)

    def add(self, output: Tensor, clean: Tensor, photograph: int) -> None:
        """Levels uint8 (B, C, H, W) of outputs and of clean images that were cut from one photograph."""
        for channel in range(len(self.counts)):
            self.counts[channel] += torch.bincount(output[:, channel].flatten().long(), minlength=LEVELS).numpy()
        group = photograph % GROUPS
        self._difference[group] += (output.double() - clean.double()).sum((0, 2, 3)).numpy()
        self._pixels[group] += output[:, 0].numel()

    def density(self) -> np.ndarray:
        """Share of the pixels at each level, (C, 256)."""
        return self.counts / self.counts.sum(1, keepdims=True)

    def shift(self) -> Shift:
        """Bounds: jackknife over groups of photographs."""
        used = self._pixels > 0
        sums, pixels = self._difference[used], self._pixels[used]
        sums = np.c_[sums, sums.mean(1)]  # (G, C + 1)
        value = sums.sum(0) / pixels.sum()
        if used.sum() < 3:
            return Shift(value, np.full_like(value, np.nan), np.full_like(value, np.nan))
        without = (sums.sum(0) - sums) / (pixels.sum() - pixels)[:, None]
        half = jackknife.half_width(value, without, pixels)
        return Shift(value, value - half, value + half)
