"""Principal component scores of features (N, D) with few rows and D up to millions.

Exact PCA from the Gram matrix of the centred rows: the scores are its eigenvectors times the roots of its eigenvalues.
The features are read in blocks of columns, in double precision, so that only a block and an N x N matrix are held in
memory besides the features.

Signs are those of scikit-learn: each component's largest loading is positive. SRGA depends on them slightly.

Source: Turk & Pentland, Journal of Cognitive Neuroscience 1991 (components from the Gram matrix).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

BLOCK = 8192  # columns at a time


def centred_gram(features: np.ndarray) -> np.ndarray:
    """Features (N, D) -> Gram matrix of the rows minus their mean, (N, N) float64."""
    gram = np.zeros((len(features), len(features)))
    for block in _blocks(features):
        block = block.astype(np.float64)
        block -= block.mean(0)
        gram += block @ block.T
    return gram


def recentred(gram: np.ndarray) -> np.ndarray:
    """Gram matrix of a subset of rows, (n, n) -> the same about the subset's own mean."""
    rows = gram.mean(0)
    return gram - rows[:, None] - rows[None, :] + rows.mean()


def scores_of_gram(gram: np.ndarray, components: int) -> np.ndarray:
    """Centred Gram matrix (N, N) -> scores (N, k) of the first components; the largest score of each is positive."""
    values, vectors = np.linalg.eigh(gram)  # ascending
    first = slice(None, -components - 1, -1)
    vectors = vectors[:, first]
    largest = np.abs(vectors).argmax(0)
    signs = np.where(vectors[largest, np.arange(components)] < 0, -1.0, 1.0)
    return vectors * (signs * np.sqrt(np.maximum(values[first], 0)))


def exact_scores(features: np.ndarray, components: int, gram: np.ndarray | None = None) -> np.ndarray:
    """Features (N, D) -> scores (N, k) float64 with scikit-learn's signs.

    gram   the centred Gram matrix of the features, if known

    Raises ValueError for k outside 1 to min(N, D).
    """
    if not 1 <= components <= min(features.shape):
        raise ValueError(f"expected 1 to {min(features.shape)} components, got {components}")
    scores = scores_of_gram(centred_gram(features) if gram is None else gram, components)
    return scores * _signs_of_loadings(features, scores)


def _signs_of_loadings(features: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Sign of each component's largest loading, (k,), in the precision of the features."""
    length = np.linalg.norm(scores, axis=0)
    directions = (scores / np.where(length > 0, length, 1)).T.astype(features.dtype)  # (k, N)
    largest = np.zeros(len(directions))
    for block in _blocks(features):
        loadings = directions @ block  # (k, d); the rows' mean adds nothing, since scores are centred
        each = loadings[np.arange(len(loadings)), np.abs(loadings).argmax(1)]
        largest = np.where(np.abs(each) > np.abs(largest), each, largest)
    return np.where(largest < 0, -1.0, 1.0)


def official_scores(features: np.ndarray, components: int, seed: int = 0) -> np.ndarray:
    """Features (N, D) -> scores (N, k) as in the published SRGA: scikit-learn's PCA with its automatic solver.

    At real sizes that is the randomized solver: repeatable with a seed, not exact. Source: Halko, Martinsson & Tropp,
    SIAM Review 2011.
    """
    from sklearn.decomposition import PCA

    return PCA(components, random_state=seed).fit_transform(features)


def _blocks(features: np.ndarray) -> Iterator[np.ndarray]:
    for first in range(0, features.shape[1], BLOCK):
        yield features[:, first : first + BLOCK]
