"""Linear CKA: similarity of the features of two networks, or of one network under two noises, layer by layer.

Linear CKA from minibatches: the mean over batches of the unbiased HSIC_1(K, L), divided by the root of the product of
the means of HSIC_1(K, K) and HSIC_1(L, L). A ratio of means, between -1 and 1, and negative where two unrelated
layers happen to disagree.

HSIC_1 is the inner product of two Gram matrices without their row means, column means and diagonal ("U-centred").
Hence each layer needs one Gram matrix per batch, and all pairs of layers one small matrix product more.

Source: Song et al., JMLR 2012 (HSIC_1); Nguyen, Raghu & Kornblith, ICLR 2021 (minibatches); Szekely & Rizzo, Annals of
Statistics 2014 (U-centring).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from analysis import jackknife
from analysis.estimate import Estimate

MIN_BATCH = 4  # images: HSIC_1 divides by n (n - 3)
MAX_GROUPS = 64  # groups of batches kept for the jackknife; an even number
_CHUNK = 4096  # features in double precision at a time: a batch of 16 stays in the cache


def centred_gram(features: Tensor) -> np.ndarray:
    """Features (n, D) -> U-centred Gram matrix (n, n), float64, computed in float64 by chunks of features."""
    gram = torch.zeros(len(features), len(features), dtype=torch.float64, device=features.device)
    for chunk in torch.split(features, _CHUNK, 1):
        chunk = chunk.to(torch.float64, copy=True)  # (n, d)
        chunk -= chunk.mean(0)  # changes no HSIC_1, and keeps a large mean from drowning the differences
        gram.addmm_(chunk, chunk.T)
    return u_centred(gram.cpu().numpy())


def centred_grams(features: Mapping[str, Tensor], layers: Sequence[str]) -> np.ndarray:
    """Features (n, D) by layer -> U-centred Gram matrices of the layers, (A, n n): all that CKA needs of a batch."""
    return np.stack([centred_gram(features[name]).ravel() for name in layers])


def u_centred(gram: np.ndarray) -> np.ndarray:
    """Symmetric (n, n) -> the same without row and column means (unbiased), with a zero diagonal.

    Raises ValueError for n < 4.
    """
    count = len(gram)
    if count < MIN_BATCH:
        raise ValueError(f"expected a batch of {MIN_BATCH} images or more for unbiased HSIC, got {count}")
    gram = gram - np.diag(gram.diagonal())
    rows = gram.sum(0) / (count - 2)
    centred = gram - rows[:, None] - rows[None, :] + gram.sum() / ((count - 1) * (count - 2))
    np.fill_diagonal(centred, 0)
    return centred


def hsic(first: np.ndarray, second: np.ndarray) -> float:
    """HSIC_1 of two U-centred Gram matrices (n, n)."""
    count = len(first)
    return float((first * second).sum() / (count * (count - 3)))


class Cka:
    """Sums over batches of images; memory grows with the number of layers, not of images.

    first, second   names of the A layers of one network and of the B layers of the other
    """

    def __init__(self, first: Sequence[str], second: Sequence[str]):
        self.first, self.second = tuple(first), tuple(second)
        shape = (MAX_GROUPS, len(self.first), len(self.second))
        self._cross = np.zeros(shape)  # sums of HSIC_1(K, L) over a group's batches
        self._own = np.zeros(shape[:2]), np.zeros((MAX_GROUPS, shape[2]))  # of HSIC_1(K, K), and of HSIC_1(L, L)
        self._size = np.zeros(MAX_GROUPS, dtype=int)  # batches in each group
        self._full = 1  # batches that fill a group
        self.batches = 0

    def add(self, first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> None:
        """Add a batch: features (n, D) by layer, of the same n >= 4 images for both networks."""
        left = centred_grams(first, self.first)
        same = first is second and self.first == self.second
        self.add_grams(left, left if same else centred_grams(second, self.second))

    def add_grams(self, left: np.ndarray, right: np.ndarray) -> None:
        """Add a batch by the `centred_grams` of both networks, (A, n n) and (B, n n)."""
        if left.shape[1] != right.shape[1]:
            raise ValueError(f"expected equal numbers of images, got Gram matrices {left.shape} and {right.shape}")
        count = round(left.shape[1] ** 0.5)
        scale = count * (count - 3)
        group = self._group()
        self._cross[group] += left @ right.T / scale
        for own, side in zip(self._own, (left, right), strict=True):
            own[group] += (side * side).sum(1) / scale
        self._size[group] += 1
        self.batches += 1

    def _group(self) -> int:
        """The group of the next batch. When all groups are full, neighbours are merged."""
        if (self._size == self._full).all():
            for sums in (self._cross, *self._own, self._size):
                sums[: MAX_GROUPS // 2] = sums[0::2] + sums[1::2]
                sums[MAX_GROUPS // 2 :] = 0
            self._full *= 2
        return int(np.argmax(self._size < self._full))

    def result(self) -> Estimate:
        """CKA of every layer of the first network with every layer of the second, (A, B) in [-1, 1].

        NaN for a layer with the same output for every image. Intervals: jackknife over batches, NaN for fewer than 3.
        Raises ValueError before the first batch.
        """
        if not self.batches:
            raise ValueError(f"expected {MIN_BATCH} images or more, got none")
        used = self._size > 0
        cross, left, right, size = self._cross[used], self._own[0][used], self._own[1][used], self._size[used]
        return jackknife.interval(_ratio, cross, left, right, size=size, low=-1, high=1)


def _ratio(cross: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Cross terms (A, B) and own terms (A,) and (B,) -> CKA (A, B); NaN where a layer does not vary."""
    scale = np.sqrt(np.maximum(np.multiply.outer(left, right), 0))
    return np.divide(cross, scale, out=np.full_like(cross, np.nan), where=scale > 0)
