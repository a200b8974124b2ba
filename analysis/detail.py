"""Fine detail that outputs keep, and power of their error, by spatial frequency.

Frequency is the distance from the origin of the two-dimensional spectrum in cycles per pixel, from 0 to 0.5; the
corners beyond are not used. Patches are multiplied with a Hann window, scaled so that white noise of variance v has
power v at every frequency.

Source: Welch, IEEE Transactions on Audio and Electroacoustics 1967 (windowed periodograms).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from analysis import jackknife
from analysis.estimate import Estimate

BANDS = 24
EDGES = np.linspace(0, 0.5, BANDS + 1)
MAX_GROUPS = 16  # groups of photographs whose sums are kept for the jackknife
RANGES = {"coarse": (0.0, 0.125), "middle": (0.125, 0.25), "fine": (0.25, 0.5)}  # cycles per pixel; edges of bands


class Spectrum:
    """Power and cross power of images and their clean targets by frequency band; memory does not grow with them.

    clean, error, common   power of the clean images, of the error, and cross power, (G, BANDS) by group of photographs
    count                  frequencies summed in each, (G, BANDS)
    """

    def __init__(self) -> None:
        self.clean, self.error, self.common = (np.zeros((MAX_GROUPS, BANDS)) for _ in range(3))
        self.count = np.zeros((MAX_GROUPS, BANDS))

    def add(self, images: Tensor, clean: Tensor, photograph: int) -> None:
        """Add outputs (or noisy inputs) and clean images cut from one photograph, (B, C, S, S) in [0, 1]."""
        side = images.shape[-1]
        window = torch.hann_window(side, dtype=torch.float64)
        window = torch.outer(window, window)
        window = window / window.square().sum().sqrt()
        x, e = (torch.fft.fft2(part.double() * window) for part in (clean, images - clean))
        band = torch.from_numpy(_band_of(side)).flatten()
        group = photograph % MAX_GROUPS
        for sums, power in (
            (self.clean, x.abs() ** 2),
            (self.error, e.abs() ** 2),
            (self.common, (x.conj() * (x + e)).real),
        ):
            total = power.flatten(0, 1).sum(0).flatten()
            sums[group] += torch.zeros(BANDS + 1, dtype=torch.float64).index_add(0, band, total)[:BANDS].numpy()
        self.count[group] += torch.bincount(band, minlength=BANDS + 1)[:BANDS].numpy() * images.shape[:2].numel()

    def kept(self) -> np.ndarray:
        """Share of the clean image kept in the output, (BANDS,): 1 is all, 0 nothing; NaN without clean power."""
        clean = self.clean.sum(0)
        return np.divide(self.common.sum(0), clean, out=np.full(BANDS, np.nan), where=clean > 0)

    def power(self, of: np.ndarray) -> np.ndarray:
        """Mean power of `clean` or `error` per frequency, (BANDS,), for values in [0, 1]; NaN for an empty band."""
        count = self.count.sum(0)
        return np.divide(of.sum(0), count, out=np.full(BANDS, np.nan), where=count > 0)

    def kept_in(self, name: str) -> Estimate:
        """Share of the clean image kept in the output, in a range of `RANGES`: 1 is all, with a jackknife interval."""
        return _ratio(self.common[:, _range(name)].sum(1), self.clean[:, _range(name)].sum(1), lambda ratio: ratio)

    def error_in(self, name: str, noisy: Spectrum) -> Estimate:
        """Power of the error over that of the noisy input, in dB, in a range of `RANGES`, with a jackknife interval.

        Above 0 the output is worse than the input.
        """
        error, before = (one.error[:, _range(name)].sum(1) for one in (self, noisy))
        return _ratio(error, before, lambda ratio: 10 * np.log10(ratio))


def _range(name: str) -> slice:
    low, high = (round(edge * BANDS / 0.5) for edge in RANGES[name])
    return slice(low, high)


def _band_of(side: int) -> np.ndarray:
    """Band of each frequency of an S x S spectrum, (S, S); `BANDS` for the corners."""
    frequency = np.fft.fftfreq(side)
    distance = np.hypot(frequency[:, None], frequency)
    return np.where(distance > 0.5, BANDS, np.minimum((distance * BANDS / 0.5).astype(int), BANDS - 1))


def _ratio(above: np.ndarray, below: np.ndarray, scale: Callable[[Any], Any]) -> Estimate:
    """A scaled ratio of sums over groups of photographs, (G,) each, with its jackknife interval."""
    used = below > 0
    return jackknife.interval(lambda a, b: scale(a / b), above[used], below[used], size=np.ones(used.sum()))
