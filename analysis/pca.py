"""Principal component scores of few, very long rows: features of N patches, (N, D) with D up to millions.

Exact PCA from the Gram matrix of the centred rows: its eigenvectors times the roots of its eigenvalues are the scores.
The rows are read in blocks of columns, in double precision, so that next to the features themselves only a block and an
N x N matrix are in memory.

Signs are those of scikit-learn: each component's largest loading is positive. SRGA depends on them a little.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

BLOCK = 8192  # columns at a time


def centred_gram(features: np.ndarray) -> np.ndarray:
    """(N, D) -> inner products of the rows without their mean, (N, N) float64."""
    gram = np.zeros((len(features), len(features)))
    for block in _blocks(features):
        block = block.astype(np.float64)
        block -= block.mean(0)
        gram += block @ block.T
    return gram


def recentred(gram: np.ndarray) -> np.ndarray:
    """The Gram matrix of some rows, taken from one of more rows, (n, n) -> the same about their own mean."""
    rows = gram.mean(0)
    return gram - rows[:, None] - rows[None, :] + rows.mean()


def scores_of_gram(gram: np.ndarray, components: int) -> np.ndarray:
    """Centred Gram matrix (N, N) -> scores (N, k) of the first components; each one's largest score is positive."""
    values, vectors = np.linalg.eigh(gram)  # ascending
    first = slice(None, -components - 1, -1)
    vectors = vectors[:, first]
    largest = np.abs(vectors).argmax(0)
    signs = np.where(vectors[largest, np.arange(components)] < 0, -1.0, 1.0)
    return vectors * (signs * np.sqrt(np.maximum(values[first], 0)))


def exact_scores(features: np.ndarray, components: int, gram: np.ndarray | None = None) -> np.ndarray:
    """Scores (N, k) float64 of (N, D), with scikit-learn's signs; `gram` is theirs, if it is known already."""
    if not 1 <= components <= min(features.shape):
        raise ValueError(f"{components} components came, wanted from 1 to {min(features.shape)} for {features.shape}")
    scores = scores_of_gram(centred_gram(features) if gram is None else gram, components)
    return scores * _signs_of_loadings(features, scores)


def _signs_of_loadings(features: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """(k,) of 1 and -1: the sign of each component's largest loading. In the features' own precision."""
    length = np.linalg.norm(scores, axis=0)
    directions = (scores / np.where(length > 0, length, 1)).T.astype(features.dtype)  # (k, N)
    largest = np.zeros(len(directions))
    for block in _blocks(features):
        loadings = directions @ block  # (k, d); the rows' mean adds nothing, since scores are centred
        place = np.abs(loadings).argmax(1)
        found = loadings[np.arange(len(loadings)), place]
        largest = np.where(np.abs(found) > np.abs(largest), found, largest)
    return np.where(largest < 0, -1.0, 1.0)


def official_scores(features: np.ndarray, components: int, seed: int = 0) -> np.ndarray:
    """Scores (N, k) as the published SRGA takes them: scikit-learn's PCA with its automatic choice of solver.

    At real sizes that is the randomized one, which is repeatable with a seed and not exact (Halko et al., SIAM 2011).
    """
    from sklearn.decomposition import PCA

    return PCA(components, random_state=seed).fit_transform(features)


def _blocks(features: np.ndarray) -> Iterator[np.ndarray]:
    for first in range(0, features.shape[1], BLOCK):
        yield features[:, first : first + BLOCK]
