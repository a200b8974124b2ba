"""Densities of a layer's features under different noises, and the Wasserstein distance between them.

The features of a pixel are the vector of the layer's channels, projected on the principal components of the reference
noise, each in units of its standard deviation there, so that every direction has equal weight. The distance of two
noises is the mean over the components of the Wasserstein distance (W1, earth mover's) of the two densities.

Densities are histograms whose bins are even in arcsinh: fine near the mean, and wide enough for any outlier. Memory
does not grow with the number of images.

Source: Chen et al., CVPR 2023, figure 15 (densities of deep features); Ramdas, Garcia Trillos & Cuturi, Entropy 2017
(W1 in one dimension is the area between the distribution functions).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from analysis import jackknife
from analysis.estimate import Estimate

BINS = 2048
MAX_ARCSINH = 10.0  # of the outermost edge, which is 11,013 standard deviations
EDGES = np.sinh(np.linspace(-MAX_ARCSINH, MAX_ARCSINH, BINS + 1))
MAX_GROUPS = 16  # groups of photographs whose counts are kept for the jackknife
PLANE_CELLS = 120  # along each axis of the two-dimensional histogram
PLANE_REACH = 6.0  # standard deviations; values further away are counted in the outermost cells
_MIN_SHARE = 1e-6  # of the variance: components below are numerical noise


def channel_vectors(features: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Features (B, D) -> vectors (B T, C), one per pixel or token.

    shape   that of `Capture.shapes`, (n, C, H, W) or (n, T, C): n rows of the layer's output per image

    Raises ValueError for another shape.
    """
    inner = shape[1:]
    if len(inner) == 3:
        return features.reshape(-1, *inner).flatten(2).transpose(1, 2).flatten(0, 1)
    if len(inner) in (1, 2):
        return features.reshape(-1, inner[-1])
    raise ValueError(f"expected a layer output of (channels, height, width) or (tokens, channels), got {inner}")


@dataclass(frozen=True)
class Projection:
    """Vectors (n, C) -> coordinates (n, K) on the principal components, in standard deviations of the reference."""

    mean: Tensor  # (C,)
    directions: Tensor  # (C, K), each divided by its standard deviation
    shares: np.ndarray  # (K,) of the variance, largest first

    def __call__(self, vectors: Tensor) -> Tensor:
        """Vectors (n, C) -> coordinates (n, K) in standard deviations of the reference."""
        return (vectors - self.mean.to(vectors)) @ self.directions.to(vectors)


class Moments:
    """Mean and covariance of vectors, batch by batch in float64 (Chan et al., 1979)."""

    def __init__(self) -> None:
        self.count, self.mean, self.scatter = 0, torch.zeros((), dtype=torch.float64), torch.zeros(())

    def add(self, vectors: Tensor) -> None:
        """Add vectors (n, C)."""
        vectors = vectors.double()
        mean = vectors.mean(0)
        centred = vectors - mean
        shift = mean - self.mean
        total = self.count + len(vectors)
        self.scatter = (
            self.scatter + centred.T @ centred + torch.outer(shift, shift) * self.count * len(vectors) / total
        )
        self.mean = self.mean + shift * len(vectors) / total
        self.count = total

    def projection(self) -> Projection:
        """Projection on all components with variance. Raises ValueError if there is none."""
        values, vectors = torch.linalg.eigh(self.scatter.cpu() / self.count)
        values, vectors = values.flip(0), vectors.flip(1)
        kept = values > _MIN_SHARE * values.clamp(min=0).sum()
        if not kept.any():
            raise ValueError("expected features that vary, got a constant: choose another layer")
        values, vectors = values[kept], vectors[:, kept]
        signs = vectors.gather(0, vectors.abs().argmax(0, keepdim=True)).sign()  # the largest entry is positive
        shares = (values / values.sum()).numpy()
        return Projection(self.mean.cpu().float(), (vectors * signs / values.sqrt()).float(), shares)


class Histograms:
    """Histograms of coordinates under one noise: of each component by photograph, and of the first two jointly.

    counts   (G, K, BINS) by group of photographs and component
    plane    (PLANE_CELLS, PLANE_CELLS) of the first two components
    """

    def __init__(self, components: int):
        self.counts = np.zeros((MAX_GROUPS, components, BINS), dtype=np.int64)
        self.plane = np.zeros((PLANE_CELLS, PLANE_CELLS), dtype=np.int64)

    def add(self, coordinates: Tensor, group: int) -> None:
        """Add coordinates (n, K) of the photograph with index `group`, modulo 16."""
        _, components = coordinates.shape
        index = ((torch.asinh(coordinates) + MAX_ARCSINH) * (BINS / (2 * MAX_ARCSINH))).long().clamp(0, BINS - 1)
        index += torch.arange(components, device=index.device) * BINS
        counts = torch.bincount(index.flatten(), minlength=components * BINS)
        self.counts[group % MAX_GROUPS] += counts.view(components, BINS).cpu().numpy()
        if components > 1:
            cell = (coordinates[:, :2] + PLANE_REACH) * (PLANE_CELLS / (2 * PLANE_REACH))
            cell = cell.long().clamp(0, PLANE_CELLS - 1)
            cells = torch.bincount(cell[:, 0] * PLANE_CELLS + cell[:, 1], minlength=PLANE_CELLS**2)
            self.plane += cells.view(PLANE_CELLS, PLANE_CELLS).cpu().numpy()

    def density(self) -> np.ndarray:
        """Density of the coordinates of all components together, (BINS,), per standard deviation."""
        counts = self.counts.sum((0, 1))
        return counts / counts.sum() / np.diff(EDGES)


def wasserstein(counts: np.ndarray, others: np.ndarray) -> np.ndarray:
    """W1 distance (...) of two histograms (..., BINS) on `EDGES`, in standard deviations: the area between the CDFs."""
    first, second = (np.cumsum(one, -1) / one.sum(-1, keepdims=True) for one in (counts, others))
    return (np.abs(first - second) * np.diff(EDGES)).sum(-1)


def distance(reference: Histograms, test: Histograms) -> Estimate:
    """Mean W1 distance over the components, in standard deviations of the reference, at least 0.

    Interval: jackknife over photographs (in at most 16 groups) with a fixed projection; NaN for fewer than 3.
    """
    used = reference.counts.sum((1, 2)) > 0
    counts, others = reference.counts[used], test.counts[used]
    return jackknife.interval(
        lambda *totals: wasserstein(*totals).mean(), counts, others, size=counts.sum((1, 2)), low=0
    )
