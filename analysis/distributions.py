"""Distributions of a layer's features under different noises, on common axes, and how far apart they are.

The features of a pixel are a vector of the layer's channels. They are projected on the principal components of the
reference noise, each in units of its deviation there, so that every direction counts alike. Per component, the distance
of two noises is Wasserstein's (W1, the earth mover's) of the two densities; over the components, the mean.

All is kept in histograms whose bins grow with the distance from the mean (even in arcsinh), fine at the middle and
wide enough for any outlier; memory does not grow with the number of images.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from analysis import jackknife

BINS = 2048
REACH = 10.0  # arcsinh of the outermost edge, which is 11,013 deviations
EDGES = np.sinh(np.linspace(-REACH, REACH, BINS + 1))
GROUPS = 16  # at most so many groups of photographs are kept apart
PLANE = 120  # cells of the two-dimensional view along each axis
PLANE_REACH = 6.0  # deviations; what is further away is counted in the outermost cells
_TINY = 1e-6  # share of the variance below which a direction is none


def channel_vectors(features: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Features (B, D) of a layer whose output for an image is (1, C, H, W), or (1, T, C) -> vectors (B T, C).

    `shape` is that of `Capture.shapes`; more rows an image than one are taken as so many images.
    """
    inner = shape[1:]
    if len(inner) == 3:
        return features.reshape(-1, *inner).flatten(2).transpose(1, 2).flatten(0, 1)
    if len(inner) in (1, 2):
        return features.reshape(-1, inner[-1])
    raise ValueError(f"an output of {inner} an image came, wanted (channels, height, width) or (places, channels)")


@dataclass(frozen=True)
class Projection:
    """Vectors (n, C) -> coordinates (n, K) on the components, largest first, in deviations of the reference."""

    mean: Tensor  # (C,)
    directions: Tensor  # (C, K), each divided by its deviation
    shares: np.ndarray  # (K,) of the variance

    def __call__(self, vectors: Tensor) -> Tensor:
        return (vectors - self.mean.to(vectors)) @ self.directions.to(vectors)


class Moments:
    """Mean and covariance of vectors that come in batches, in float64 (Chan et al., 1979)."""

    def __init__(self):
        self.count, self.mean, self.scatter = 0, 0.0, 0.0

    def add(self, vectors: Tensor) -> None:
        """(n, C)"""
        vectors = vectors.double()
        mean = vectors.mean(0)
        centred = vectors - mean
        apart = mean - self.mean
        total = self.count + len(vectors)
        self.scatter = (
            self.scatter + centred.T @ centred + torch.outer(apart, apart) * self.count * len(vectors) / total
        )
        self.mean = self.mean + apart * len(vectors) / total
        self.count = total

    def projection(self) -> Projection:
        """On all components that are there. Raises ValueError where nothing varies."""
        values, vectors = torch.linalg.eigh(self.scatter.cpu() / self.count)
        values, vectors = values.flip(0), vectors.flip(1)
        kept = values > _TINY * values.clamp(min=0).sum()
        if not kept.any():
            raise ValueError("the features are the same everywhere: nothing to compare")
        values, vectors = values[kept], vectors[:, kept]
        signs = vectors.gather(0, vectors.abs().argmax(0, keepdim=True)).sign()  # the largest entry is positive
        shares = (values / values.sum()).numpy()
        return Projection(self.mean.cpu().float(), (vectors * signs / values.sqrt()).float(), shares)


class Histograms:
    """Counts of coordinates under one noise, apart for each group of photographs, and of the first two together."""

    def __init__(self, components: int):
        self.counts = np.zeros((GROUPS, components, BINS), dtype=np.int64)
        self.plane = np.zeros((PLANE, PLANE), dtype=np.int64)

    def add(self, coordinates: Tensor, group: int) -> None:
        """(n, K) of one photograph; photographs share a group where there are more than `GROUPS`."""
        _, components = coordinates.shape
        place = ((torch.asinh(coordinates) + REACH) * (BINS / (2 * REACH))).long().clamp(0, BINS - 1)
        place += torch.arange(components, device=place.device) * BINS
        counts = torch.bincount(place.flatten(), minlength=components * BINS)
        self.counts[group % GROUPS] += counts.view(components, BINS).cpu().numpy()
        if components > 1:
            cell = ((coordinates[:, :2] + PLANE_REACH) * (PLANE / (2 * PLANE_REACH))).long().clamp(0, PLANE - 1)
            cells = torch.bincount(cell[:, 0] * PLANE + cell[:, 1], minlength=PLANE**2)
            self.plane += cells.view(PLANE, PLANE).cpu().numpy()

    def density(self) -> np.ndarray:
        """(BINS,): how often a coordinate, of any component, is in a bin, per unit of it."""
        counts = self.counts.sum((0, 1))
        return counts / counts.sum() / np.diff(EDGES)


def wasserstein(counts: np.ndarray, others: np.ndarray) -> np.ndarray:
    """W1 of the distributions counted in (..., BINS) on `EDGES`, in their units: the area between their CDFs."""
    first, second = (np.cumsum(one, -1) / one.sum(-1, keepdims=True) for one in (counts, others))
    return (np.abs(first - second) * np.diff(EDGES)).sum(-1)


@dataclass(frozen=True)
class Distance:
    """Mean W1 over the components with 95% bounds (NaN for fewer than 3 groups), and each component's, (K,)."""

    value: float
    low: float
    high: float
    components: np.ndarray


def distance(reference: Histograms, test: Histograms) -> Distance:
    """How far the features moved. Bounds: jackknife over groups of photographs, the projection left as it is."""
    used = reference.counts.sum((1, 2)) > 0
    counts, others = reference.counts[used], test.counts[used]
    each = wasserstein(counts.sum(0), others.sum(0))
    value = float(each.mean())
    if used.sum() < 3:
        return Distance(value, np.nan, np.nan, each)
    without = np.array([wasserstein(counts.sum(0) - one, others.sum(0) - other).mean()
                        for one, other in zip(counts, others, strict=True)])  # fmt: skip
    half = float(jackknife.half_width(value, without, counts.sum((1, 2))))
    return Distance(value, max(0.0, value - half), value + half, each)
