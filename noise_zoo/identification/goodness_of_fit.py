"""Goodness of fit of a likelihood: means, variances, clipped shares and correlations of the samples against it."""

import itertools
import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from noise_zoo.identification import likelihoods
from noise_zoo.identification.sufficient_statistics import ImagePair

N_CLASSES = 8  # of clean values
MAX_MEAN_ERROR = 0.5  # 8-bit levels; differences up to these four do not reject a likelihood
MAX_VARIANCE_ERROR = 0.05  # relative
MAX_CORRELATION_ERROR = 0.03  # absolute
MAX_CLIPPED_ERROR = 0.1  # relative to the expected share of clipped samples
MAX_CLIPPED = 0.02  # share of samples at 0 or 255 below which clipping is negligible
MIN_Z = 6.0  # standard errors that a difference has to exceed
MAX_Z = 4.0  # standard deviations at which standardized samples are clipped
MIN_PAIRS = 1000
LAGS = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (0, 8), (8, 0))  # down, right; 8 is the side of JPEG's blocks
VALUES = np.arange(256.0)


def is_rejected(
    total: np.ndarray,
    likelihood: np.ndarray,
    patches: Sequence[ImagePair],
    repeats: float,
    channels: float | None,
) -> bool:
    """Whether counts (256, 256) and patches (noisy, clean), uint8 (H, W, C), reject a likelihood of independent pixels.

    channels   expected correlation between the channels of a pixel; None for spatially correlated noise, of which
               only means, variances and clipped shares are tested
    repeats    number of samples that share one draw
    """
    if _moments_differ(total, likelihood, repeats) or _clipped_share_differs(total, likelihood, repeats):
        return True
    return channels is not None and neighbours_differ(likelihood, patches, channels)


def _moments_differ(total: np.ndarray, likelihood: np.ndarray, repeats: float) -> bool:
    off = VALUES - likelihood @ VALUES[:, None]  # (256, 256): noisy value minus its expectation
    for part in np.array_split(np.arange(256), N_CLASSES):
        count = total[part].sum()
        if count < MIN_PAIRS * repeats:
            continue
        weights = total[part].sum(axis=1)
        second, fourth = (weights @ (likelihood[part] * off[part] ** power).sum(axis=1) / count for power in (2, 4))
        mean, variance = ((total[part] * off[part] ** power).sum() / count for power in (1, 2))
        share = repeats / count
        if abs(mean) > max(MAX_MEAN_ERROR, MIN_Z * math.sqrt(second * share)):
            return True
        if abs(variance - second) > max(MAX_VARIANCE_ERROR * second, MIN_Z * math.sqrt(fourth * share), 0.1):
            return True
    return False


def _clipped_share_differs(total: np.ndarray, likelihood: np.ndarray, repeats: float) -> bool:
    """Whether the number of samples clipped to 0 or 255 differs from its expectation, at clean values 1 to 254."""
    clean = slice(1, 255)
    for end in (0, 255):
        found, expected = total[clean, end].sum(), total[clean].sum(axis=1) @ likelihood[clean, end]
        if abs(found - expected) > MIN_Z * math.sqrt(expected * repeats) + MAX_CLIPPED_ERROR * expected + 5 * repeats:
            return True
    return False


def neighbours_differ(likelihood: np.ndarray, patches: Sequence[ImagePair], channels: float) -> bool:
    """Whether standardized samples have other correlations than those of independent pixels."""
    mean = likelihood @ VALUES
    deviation = np.sqrt(np.maximum(likelihood @ VALUES**2 - mean**2, 0))[:, None]
    known = deviation > 0.3
    table = np.clip((VALUES - mean[:, None]) / np.where(known, deviation, 1), -MAX_Z, MAX_Z)
    table = np.where(known, table - (likelihood * table).sum(axis=1, keepdims=True), 0)  # (clean, noisy), mean 0
    open_range = likelihood[:, [0, 255]].sum(axis=1) < MAX_CLIPPED  # clipping changes correlations between channels
    sums: defaultdict[tuple[int, int, str], np.ndarray] = defaultdict(lambda: np.zeros(3))
    for noisy, clean in patches:
        scaled = table[clean, noisy]
        differences = np.diff(scaled, axis=2)  # chroma: subsampling by JPEG correlates neighbours here
        for down, right in LAGS:
            shifted, unshifted = np.s_[down:, right:], np.s_[: -down or None, : -right or None]
            sums[down, right, "samples"] += _products(scaled[unshifted], scaled[shifted])
            sums[down, right, "chroma"] += _products(differences[unshifted], differences[shifted])
        unclipped = np.where(open_range[clean], scaled, 0)
        for one, other in itertools.combinations(range(clean.shape[2]), 2):
            sums[one, other, "channels"] += _products(unclipped[..., one], unclipped[..., other])
    for key, (product, size, count) in sums.items():
        if count < MIN_PAIRS or not size:
            continue
        expected = channels if key[-1] == "channels" else 0.0
        if abs(product / size - expected) > max(MAX_CORRELATION_ERROR, MIN_Z / math.sqrt(count)):
            return True
    return False


def _products(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the sum of products, the mean sum of squares, and the number, of pairs of which neither is zero."""
    both = (one != 0) & (other != 0)
    one, other = one[both], other[both]
    return np.array([one @ other, (one @ one + other @ other) / 2, len(one)])


def brightness_offsets(total: np.ndarray, repeats: float) -> list[tuple[float, float, float]]:
    """Return [(mean clean value, mean of noisy - clean, its standard error)] by class of clean values, 8-bit levels.

    Classes with more than 1% of clipped samples are skipped.
    """
    residual = VALUES - likelihoods.CLEAN
    found = []
    for part in np.array_split(np.arange(256), N_CLASSES):
        counts = total[part]
        count, ends = counts.sum(), counts[:, [0, 255]].sum()
        if count < MIN_PAIRS or ends > 0.01 * count:
            continue
        mean = (counts * residual[part]).sum() / count
        spread = math.sqrt((counts * (residual[part] - mean) ** 2).sum() / count)
        found.append((float(counts.sum(axis=1) @ part / count), float(mean), spread * math.sqrt(repeats / count)))
    return found
