"""Statistics of noise: histogram, variance against intensity, power spectrum, correlation of neighbours."""

import math
from dataclasses import dataclass

import numpy as np

MAX_LAG = 3  # of the correlation, in pixels
MAX_VALUE = 765  # of the histogram, in 8-bit levels
INTENSITY_BINS = 24
MIN_SAMPLES = 12  # per intensity bin
FREQUENCY_BINS = 24  # from 0 to 1/2 cycle per pixel


@dataclass(frozen=True)
class NoiseStatistics:
    """Statistics of noisy - clean, in 8-bit levels.

    histogram           (1531,) fraction of samples at each integer from -765 to 765; outliers are in the end bins
    quantile            99.99% quantile of the absolute value
    variance            (intensity, variance), bins with enough samples only
    spectrum            (frequency in cycles per pixel, power); power 1 at every frequency for white noise
    correlation         (2 MAX_LAG + 1, 2 MAX_LAG + 1) by lag in rows and columns; NaN for lags beyond the image
    channels            mean correlation between two channels of a pixel; NaN for one channel
    standard_deviation  of all samples
    """

    histogram: np.ndarray
    quantile: float
    variance: tuple[np.ndarray, np.ndarray]
    spectrum: tuple[np.ndarray, np.ndarray]
    correlation: np.ndarray
    channels: float
    standard_deviation: float


def noise_statistics(noisy: np.ndarray, clean: np.ndarray) -> NoiseStatistics:
    """Return the NoiseStatistics of a noisy and a clean image, floats (H, W, C), clean in [0, 1]."""
    noise = (np.asarray(noisy, np.float64) - clean) * 255
    centred = noise - noise.mean(axis=(0, 1))
    standard_deviation = math.sqrt(np.mean(centred**2))
    scaled = centred / standard_deviation if standard_deviation > 0 else centred
    return NoiseStatistics(
        histogram=_histogram(noise),
        quantile=float(np.quantile(np.abs(noise), 0.9999)),
        variance=variance_by_intensity(noise, np.asarray(clean) * 255),
        spectrum=spectrum(scaled),
        correlation=correlation(scaled),
        channels=_channel_correlation(scaled),
        standard_deviation=standard_deviation,
    )


def _histogram(noise: np.ndarray) -> np.ndarray:
    bins = np.rint(np.clip(noise, -MAX_VALUE, MAX_VALUE)).astype(np.int64) + MAX_VALUE
    return np.bincount(bins.ravel(), minlength=2 * MAX_VALUE + 1) / noise.size


def variance_by_intensity(noise: np.ndarray, clean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (mean intensity, variance of the noise) in bins of equal width that have at least MIN_SAMPLES samples."""
    index = np.clip(clean.ravel() * (INTENSITY_BINS / 256), 0, INTENSITY_BINS - 1).astype(np.int64)
    count = np.bincount(index, minlength=INTENSITY_BINS)
    divisor = np.maximum(count, 1)
    intensity, mean, square = (
        np.bincount(index, weights, INTENSITY_BINS) / divisor
        for weights in (clean.ravel(), noise.ravel(), noise.ravel() ** 2)
    )
    is_large = count >= MIN_SAMPLES
    return intensity[is_large], np.maximum(square - mean**2, 0)[is_large]


def spectrum(scaled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (frequency, radially averaged power), mean over the channels of (H, W, C) of mean 0 and variance 1."""
    height, width, _ = scaled.shape
    power = np.mean(np.abs(np.fft.fft2(scaled, axes=(0, 1))) ** 2, axis=2) / (height * width)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    ring = np.floor(frequency * 2 * FREQUENCY_BINS).astype(np.int64)
    inside = (ring < FREQUENCY_BINS) & (frequency > 0)  # without the corners and the mean
    count = np.bincount(ring[inside], minlength=FREQUENCY_BINS)
    mean = np.bincount(ring[inside], power[inside], FREQUENCY_BINS) / np.maximum(count, 1)
    return ((np.arange(FREQUENCY_BINS) + 0.5) / (2 * FREQUENCY_BINS))[count > 0], mean[count > 0]


def correlation(scaled: np.ndarray) -> np.ndarray:
    """Return the autocorrelation (2 MAX_LAG + 1, 2 MAX_LAG + 1) of (H, W, C) of mean 0 and variance 1, by lag."""
    height, width, _ = scaled.shape
    result = np.full((2 * MAX_LAG + 1, 2 * MAX_LAG + 1), np.nan)
    for down in range(min(MAX_LAG, height - 1) + 1):
        for right in range(-min(MAX_LAG, width - 1), min(MAX_LAG, width - 1) + 1):
            here = scaled[: height - down, max(-right, 0) : width - max(right, 0)]
            there = scaled[down:, max(right, 0) : width + min(right, 0)]
            result[MAX_LAG + down, MAX_LAG + right] = result[MAX_LAG - down, MAX_LAG - right] = np.mean(here * there)
    return result


def _channel_correlation(scaled: np.ndarray) -> float:
    channels = scaled.shape[2]
    pairs = [(one, other) for one in range(channels) for other in range(one)]
    return float(np.mean([np.mean(scaled[..., a] * scaled[..., b]) for a, b in pairs])) if pairs else math.nan
