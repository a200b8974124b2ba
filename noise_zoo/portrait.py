"""What noise looks like in numbers: how large, how coarse, how it grows with the light, what neighbours share."""

import math
from dataclasses import dataclass

import numpy as np

REACH = 3  # farthest neighbours, in pixels
MOST = 765  # grey values of noise that are told apart
INTENSITIES = 24
LEAST_SAMPLES = 12
RINGS = 24  # frequencies from 0 to 1/2 cycle a pixel


@dataclass(frozen=True)
class Portrait:
    """Measures of noisy - clean, in grey values (255 is white).

    values       (1531,) share of the samples at each whole grey value from -765 to 765, those beyond at the ends
    reach        what 9,999 of 10,000 samples stay within
    variance     (intensity, variance) where enough samples have that intensity
    spectrum     (frequency in cycles a pixel, power), power 1 at every frequency for white noise
    correlation  (2 REACH + 1, 2 REACH + 1), of samples so many rows and columns apart; NaN beyond a small image
    channels     mean correlation of two channels of a pixel; NaN for one channel
    deviation    of all samples
    """

    values: np.ndarray
    reach: float
    variance: tuple[np.ndarray, np.ndarray]
    spectrum: tuple[np.ndarray, np.ndarray]
    correlation: np.ndarray
    channels: float
    deviation: float


def portray(noisy, clean):
    """Return the Portrait of a noisy and a clean image, floats (H, W, C), clean in [0, 1]."""
    noise = (np.asarray(noisy, np.float64) - clean) * 255
    centred = noise - noise.mean(axis=(0, 1))
    deviation = math.sqrt(np.mean(centred**2))
    scaled = centred / deviation if deviation > 0 else centred
    return Portrait(
        values=_shares(noise),
        reach=float(np.quantile(np.abs(noise), 0.9999)),
        variance=variance_by_intensity(noise, np.asarray(clean) * 255),
        spectrum=spectrum(scaled),
        correlation=correlation(scaled),
        channels=_between_channels(scaled),
        deviation=deviation,
    )


def _shares(noise):
    whole = np.rint(np.clip(noise, -MOST, MOST)).astype(np.int64) + MOST
    return np.bincount(whole.ravel(), minlength=2 * MOST + 1) / noise.size


def variance_by_intensity(noise, clean):
    """Return (mean intensity, variance of the noise about its mean) in bins of equal width that have enough samples."""
    place = np.clip(clean.ravel() * (INTENSITIES / 256), 0, INTENSITIES - 1).astype(np.int64)
    count = np.bincount(place, minlength=INTENSITIES)
    divisor = np.maximum(count, 1)
    intensity, mean, square = (
        np.bincount(place, weights, INTENSITIES) / divisor
        for weights in (clean.ravel(), noise.ravel(), noise.ravel() ** 2)
    )
    enough = count >= LEAST_SAMPLES
    return intensity[enough], np.maximum(square - mean**2, 0)[enough]


def spectrum(scaled):
    """Return (frequency, mean power) in rings, over the channels of (H, W, C) of mean 0 and variance 1."""
    height, width, _ = scaled.shape
    power = np.mean(np.abs(np.fft.fft2(scaled, axes=(0, 1))) ** 2, axis=2) / (height * width)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    ring = np.floor(frequency * 2 * RINGS).astype(np.int64)
    inside = (ring < RINGS) & (frequency > 0)  # beyond lie the corners; at 0 there is the mean
    count = np.bincount(ring[inside], minlength=RINGS)
    mean = np.bincount(ring[inside], power[inside], RINGS) / np.maximum(count, 1)
    return ((np.arange(RINGS) + 0.5) / (2 * RINGS))[count > 0], mean[count > 0]


def correlation(scaled):
    """Return the correlations (2 REACH + 1, 2 REACH + 1) of samples of (H, W, C), of mean 0 and variance 1, by lag."""
    height, width, _ = scaled.shape
    found = np.full((2 * REACH + 1, 2 * REACH + 1), np.nan)
    for down in range(min(REACH, height - 1) + 1):
        for right in range(-min(REACH, width - 1), min(REACH, width - 1) + 1):
            here = scaled[: height - down, max(-right, 0) : width - max(right, 0)]
            there = scaled[down:, max(right, 0) : width + min(right, 0)]
            found[REACH + down, REACH + right] = found[REACH - down, REACH - right] = np.mean(here * there)
    return found


def _between_channels(scaled):
    channels = scaled.shape[2]
    pairs = [(one, other) for one in range(channels) for other in range(one)]
    return float(np.mean([np.mean(scaled[..., a] * scaled[..., b]) for a, b in pairs])) if pairs else math.nan
