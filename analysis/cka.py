"""CKA: how alike the features of two networks, or of one network on two noises, are; layer by layer.

Linear CKA from minibatches: the mean over batches of the unbiased HSIC_1(K, L), divided by the root of the product of
the means of HSIC_1(K, K) and HSIC_1(L, L). A ratio of means, between -1 and 1, and negative where two unrelated
layers happen to disagree.

HSIC_1 is the inner product of two Gram matrices from which rows, columns and diagonal have been taken out
("U-centred"). So a layer has to be multiplied out once a batch, and all pairs of layers are one small product more.

Source: Song et al., JMLR 2012 (HSIC_1); Nguyen, Raghu & Kornblith, ICLR 2021 (minibatches); Szekely & Rizzo, Annals of
Statistics 2014 (U-centring).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from analysis import jackknife

SMALLEST_BATCH = 4  # HSIC_1 divides by n (n - 3)
GROUPS = 64  # at most so many groups of batches are kept for the jackknife; an even number
_CHUNK = 4096  # features that are in double precision at a time: a batch of 16 stays in the cache


def centred_gram(features: Tensor) -> np.ndarray:
    """Features (n, D) -> U-centred Gram matrix (n, n), float64. Centred and multiplied in float64, chunk by chunk."""
    gram = torch.zeros(len(features), len(features), dtype=torch.float64, device=features.device)
    for chunk in features.split(_CHUNK, 1):
        chunk = chunk.to(torch.float64, copy=True)  # (n, d)
        chunk -= chunk.mean(0)  # changes no HSIC_1, and keeps a large mean from drowning the differences
        gram.addmm_(chunk, chunk.T)
    return u_centred(gram.cpu().numpy())


def centred_grams(features: Mapping[str, Tensor], layers: Sequence[str]) -> np.ndarray:
    """Layer -> features (n, D) -> U-centred Gram matrices (A, n n) of the layers: all that CKA needs of a batch."""
    return np.stack([centred_gram(features[name]).ravel() for name in layers])


def u_centred(gram: np.ndarray) -> np.ndarray:
    """A symmetric (n, n) without what its rows and columns have in common; the diagonal is zero."""
    count = len(gram)
    if count < SMALLEST_BATCH:
        raise ValueError(f"a batch of {count} came: HSIC without bias needs {SMALLEST_BATCH} images or more")
    gram = gram - np.diag(gram.diagonal())
    rows = gram.sum(0) / (count - 2)
    centred = gram - rows[:, None] - rows[None, :] + gram.sum() / ((count - 1) * (count - 2))
    np.fill_diagonal(centred, 0)
    return centred


def hsic(first: np.ndarray, second: np.ndarray) -> float:
    """HSIC_1 of two U-centred Gram matrices (n, n)."""
    count = len(first)
    return float((first * second).sum() / (count * (count - 3)))


@dataclass(frozen=True)
class Similarity:
    """CKA of every layer of one side (rows) with every layer of the other, with 95% bounds, each (A, B).

    NaN where a layer gives every image the same. Bounds are NaN for fewer than 3 batches.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    batches: int


class Cka:
    """Adds up batches; memory grows with the layers, not with the images."""

    def __init__(self, first: Sequence[str], second: Sequence[str]):
        self.first, self.second = tuple(first), tuple(second)
        shape = (GROUPS, len(self.first), len(self.second))
        self._cross = np.zeros(shape)  # sums of HSIC_1(K, L) over a group's batches
        self._own = np.zeros(shape[:2]), np.zeros((GROUPS, shape[2]))  # of HSIC_1(K, K), and of HSIC_1(L, L)
        self._size = np.zeros(GROUPS, dtype=int)  # batches in each group
        self._full = 1  # batches that fill a group
        self.batches = 0

    def add(self, first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> None:
        """One batch: layer -> features (n, D), of the same n >= 4 images on both sides."""
        left = centred_grams(first, self.first)
        same = first is second and self.first == self.second
        self.add_grams(left, left if same else centred_grams(second, self.second))

    def add_grams(self, left: np.ndarray, right: np.ndarray) -> None:
        """One batch by the `centred_grams` of both sides, (A, n n) and (B, n n)."""
        if left.shape[1] != right.shape[1]:
            raise ValueError("the two sides of a batch have different numbers of images")
        count = round(left.shape[1] ** 0.5)
        scale = count * (count - 3)
        group = self._group()
        self._cross[group] += left @ right.T / scale
        for own, side in zip(self._own, (left, right), strict=True):
            own[group] += (side * side).sum(1) / scale
        self._size[group] += 1
        self.batches += 1

    def _group(self) -> int:
        """The group of the next batch. When all are full, neighbours are joined, so that there is room again."""
        if (self._size == self._full).all():
            for sums in (self._cross, *self._own, self._size):
                sums[: GROUPS // 2] = sums[0::2] + sums[1::2]
                sums[GROUPS // 2 :] = 0
            self._full *= 2
        return int(np.argmax(self._size < self._full))

    def result(self) -> Similarity:
        """CKA so far. Raises ValueError before the first batch."""
        if not self.batches:
            raise ValueError(f"no batch came: CKA needs {SMALLEST_BATCH} images or more")
        used = self._size > 0
        cross, left, right, size = self._cross[used], self._own[0][used], self._own[1][used], self._size[used]
        value = _ratio(cross.sum(0), left.sum(0), right.sum(0))
        without = np.stack(
            [_ratio(*(sums.sum(0) - sums[group] for sums in (cross, left, right))) for group in range(len(size))]
        )
        half = jackknife.half_width(value, without, size) if self.batches >= 3 else np.full_like(value, np.nan)
        return Similarity(value, np.maximum(value - half, -1), np.minimum(value + half, 1), self.batches)


def _ratio(cross: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(A, B), (A,), (B,) -> CKA (A, B); NaN where a layer does not vary."""
    scale = np.sqrt(np.maximum(np.multiply.outer(left, right), 0))
    return np.divide(cross, scale, out=np.full_like(cross, np.nan), where=scale > 0)
