"""Fine detail: how much of the clean image an output keeps, and how large its error is, by spatial frequency.

Frequencies are distances from the origin of the two-dimensional spectrum in cycles per pixel, from 0 to 0.5; what lies
in the corners beyond is left out. Patches are multiplied with a Hann window, scaled so that white noise of variance v
has power v at every frequency.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from analysis import jackknife

BANDS = 24
EDGES = np.linspace(0, 0.5, BANDS + 1)
GROUPS = 16  # at most so many groups of photographs are kept apart
RANGES = {"coarse": (0.0, 0.125), "middle": (0.125, 0.25), "fine": (0.25, 0.5)}  # edges of bands


@dataclass(frozen=True)
class Bounded:
    """A value with its 95% bounds, NaN for fewer than 3 photographs."""

    value: float
    low: float
    high: float


class Spectrum:
    """Adds up what some images have in common with the clean ones; memory does not grow with their number."""

    def __init__(self):
        self.clean, self.error, self.common = (np.zeros((GROUPS, BANDS)) for _ in range(3))
        self.count = np.zeros((GROUPS, BANDS))

    def add(self, images: Tensor, clean: Tensor, photograph: int) -> None:
        """(B, C, S, S) of outputs (or noisy inputs) and clean images that were cut from one photograph, in [0, 1]."""
        side = images.shape[-1]
        window = torch.hann_window(side, dtype=torch.float64)
        window = torch.outer(window, window)
        window = window / window.square().sum().sqrt()
        x, e = (torch.fft.fft2(part.double() * window) for part in (clean, images - clean))
        band = torch.from_numpy(_band_of(side)).flatten()
        group = photograph % GROUPS
        for sums, power in (
            (self.clean, x.abs() ** 2),
            (self.error, e.abs() ** 2),
            (self.common, (x.conj() * (x + e)).real),
        ):
            total = power.flatten(0, 1).sum(0).flatten()
            sums[group] += torch.zeros(BANDS + 1, dtype=torch.float64).index_add(0, band, total)[:BANDS].numpy()
        self.count[group] += torch.bincount(band, minlength=BANDS + 1)[:BANDS].numpy() * images.shape[:2].numel()

    def kept(self) -> np.ndarray:
        """(BANDS,): the share of the clean image that is in the output; 1 is all of it, 0 nothing; NaN of nothing."""
        clean = self.clean.sum(0)
        return np.divide(self.common.sum(0), clean, out=np.full(BANDS, np.nan), where=clean > 0)

    def power(self, of: np.ndarray) -> np.ndarray:
        """(BANDS,): mean power at a frequency of `clean` or `error`, in the square of [0, 1]; NaN for an empty band."""
        count = self.count.sum(0)
        return np.divide(of.sum(0), count, out=np.full(BANDS, np.nan), where=count > 0)

    def kept_in(self, name: str) -> Bounded:
        """The share of the clean image that is in the output, in a range of `RANGES`."""
        return _bounded(self.common[:, _range(name)].sum(1), self.clean[:, _range(name)].sum(1), lambda ratio: ratio)

    def error_in(self, name: str, noisy: Spectrum) -> Bounded:
        """The error in a range of `RANGES` over that of the noisy input, in dB; above 0 the output is worse."""
        error, before = (one.error[:, _range(name)].sum(1) for one in (self, noisy))
        return _bounded(error, before, lambda ratio: 10 * np.log10(ratio))


def _range(name: str) -> slice:
    low, high = (round(edge * BANDS / 0.5) for edge in RANGES[name])
    return slice(low, high)


def _band_of(side: int) -> np.ndarray:
    """(S, S): the band of each place of a spectrum; `BANDS` for the corners."""
    frequency = np.fft.fftfreq(side)
    distance = np.hypot(frequency[:, None], frequency)
    return np.where(distance > 0.5, BANDS, np.minimum((distance * BANDS / 0.5).astype(int), BANDS - 1))


def _bounded(above: np.ndarray, below: np.ndarray, scale) -> Bounded:
    """A scaled ratio of sums over groups (G,), with jackknife bounds; groups in which nothing is are left out."""
    used = below > 0
    above, below = above[used], below[used]
    value = float(scale(above.sum() / below.sum()))
    if used.sum() < 3:
        return Bounded(value, np.nan, np.nan)
    without = scale((above.sum() - above) / (below.sum() - below))
    half = float(jackknife.half_width(value, without, np.ones(len(above))))
    return Bounded(value, value - half, value + half)
