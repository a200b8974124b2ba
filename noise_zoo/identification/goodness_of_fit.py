"""What a law says of samples against what they are: means, variances, and what neighbours have in common."""

import math

import numpy as np

from noise_zoo.identification import likelihoods

CLASSES = 8  # of clean values
MEAN_OFF, VARIANCE_OFF, CORRELATION_OFF = 0.5, 0.05, 0.03  # grey values, a share, a correlation: less is no matter
ENDS_OFF = 0.1  # a share of those expected
SURE = 6.0  # standard errors
LONGEST = 4.0  # deviations: samples farther away count as so far
LEAST_PAIRS = 1000
LAGS = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (0, 8), (8, 0))  # down, right; 8 is the side of JPEG's blocks
VALUES = np.arange(256.0)


def is_rejected(total, law, patches, repeats, channels):
    """Whether counts (256, 256) and patches (noisy, clean) contradict a law of independent pixels.

    `channels` is the correlation of the channels of a pixel that it goes with, None for noise whose neighbours are
    not independent: then means and variances alone are compared. `repeats` samples share one draw.
    """
    if _moments_differ(total, law, repeats) or _ends_differ(total, law, repeats):
        return True
    return channels is not None and _neighbours_differ(law, patches, channels)


def _moments_differ(total, law, repeats):
    off = VALUES - law @ VALUES[:, None]  # (256, 256): noisy value less the law's mean
    for part in np.array_split(np.arange(256), CLASSES):
        count = total[part].sum()
        if count < LEAST_PAIRS * repeats:
            continue
        weights = total[part].sum(axis=1)
        second, fourth = (weights @ (law[part] * off[part] ** power).sum(axis=1) / count for power in (2, 4))
        mean, variance = ((total[part] * off[part] ** power).sum() / count for power in (1, 2))
        share = repeats / count
        if abs(mean) > max(MEAN_OFF, SURE * math.sqrt(second * share)):
            return True
        if abs(variance - second) > max(VARIANCE_OFF * second, SURE * math.sqrt(fourth * share), 0.1):
            return True
    return False


def _ends_differ(total, law, repeats):
    """Whether black or white samples are more or fewer than the law has, those that are so in the clean image aside."""
    clean = slice(1, 255)
    for end in (0, 255):
        found, expected = total[clean, end].sum(), total[clean].sum(axis=1) @ law[clean, end]
        if abs(found - expected) > SURE * math.sqrt(expected * repeats) + ENDS_OFF * expected + 5 * repeats:
            return True
    return False


def _neighbours_differ(law, patches, channels):
    """Whether samples, less the law's mean and over its deviation, have other correlations than independent pixels."""
    mean = law @ VALUES
    deviation = np.sqrt(np.maximum(law @ VALUES**2 - mean**2, 0))
    sums = {key: np.zeros(3) for key in (*LAGS, "channels")}
    for noisy, clean in patches:
        known = deviation[clean] > 0.3
        scaled = np.where(known, (noisy - mean[clean]) / np.where(known, deviation[clean], 1), 0)
        scaled = np.clip(scaled, -LONGEST, LONGEST)
        for down, right in LAGS:
            here, there = scaled[: -down or None, : -right or None], scaled[down:, right:]
            sums[down, right] += _products(here, there)
        if clean.shape[2] > 1:
            sums["channels"] += _products(scaled[..., :-1], scaled[..., 1:])
    for key, (product, size, count) in sums.items():
        if count < LEAST_PAIRS or not size:
            continue
        expected = channels if key == "channels" else 0.0
        if abs(product / size - expected) > max(CORRELATION_OFF, SURE / math.sqrt(count)):
            return True
    return False


def _products(here, there):
    """Return the sum of products, of squares, and how many pairs are not zero."""
    return np.array([(here * there).sum(), (here**2).sum() / 2 + (there**2).sum() / 2, np.count_nonzero(here * there)])


def brightness(total, repeats):
    """Return [(mean clean value, mean of noisy - clean, its standard error)] of classes that clipping leaves alone."""
    residual = VALUES - likelihoods.CLEAN
    found = []
    for part in np.array_split(np.arange(256), CLASSES):
        counts = total[part]
        count, ends = counts.sum(), counts[:, [0, 255]].sum()
        if count < LEAST_PAIRS or ends > 0.01 * count:
            continue
        mean = (counts * residual[part]).sum() / count
        spread = math.sqrt((counts * (residual[part] - mean) ** 2).sum() / count)
        found.append((float(counts.sum(axis=1) @ part / count), float(mean), spread * math.sqrt(repeats / count)))
    return found
