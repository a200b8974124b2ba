"""Likelihoods of noise in stored images: P(noisy value | clean value) after clipping to [0, 255] and rounding.

Each is a matrix (256, 256): rows are clean values, columns noisy values, and every row sums to 1. Levels are in the
units of the zoo.
"""

import functools

import numpy as np
from scipy.special import gammaincc, gammaln, ndtr, pdtr, xlogy

from noise_zoo.mixture import PHOTONS, RECIPES

CLEAN = np.arange(256.0)[:, None]
EDGES = np.arange(255) + 0.5  # between the noisy values
IMPULSES = np.zeros((256, 256))
IMPULSES[:, [0, 255]] = 0.5
MAX_DEVIATIONS = 12  # standard deviations of a Poisson distribution that are tabulated
MIN_READ_NOISE = 0.02  # 8-bit levels: weaker read noise changes no stored value
MAX_TABULATED_PEAK = 3000  # photons at white; above it the normal approximation is used
N_INTENSITIES = 1020  # intensity bins between two noises of a mixture


def of_distribution(below: np.ndarray) -> np.ndarray:
    """Return the probabilities (N, 256) of a cumulative distribution (N, 255) at the edges."""
    ends = np.zeros((len(below), 1)), np.ones((len(below), 1))
    padded = np.concatenate([ends[0], below, ends[1]], axis=1)
    return np.diff(padded, axis=1)


def normal(deviation: float | np.ndarray) -> np.ndarray:
    """Return the likelihood of Gaussian noise; standard deviation in 8-bit levels, a scalar or (256, 1), may be 0."""
    deviation = np.maximum(deviation, 1e-6)
    return of_distribution(ndtr((EDGES - CLEAN) / deviation))


def gaussian(sigma: float) -> np.ndarray:
    """Gaussian noise, sigma in 8-bit levels."""
    return normal(sigma)


def correlated(sigma: float) -> np.ndarray:
    """Return the marginal likelihood of one sample away from the border: the mean of nine Gaussian samples."""
    return normal(sigma / 3)


def gaussian_speckle(var: float) -> np.ndarray:
    """Gaussian speckle with variance `var` of the factor."""
    return normal(CLEAN * np.sqrt(var))


def speckle(var: float) -> np.ndarray:
    """Return the likelihood of uniform speckle: variance var times the square of the clean value."""
    reach = np.maximum(CLEAN * np.sqrt(3 * var), 1e-6)
    return of_distribution(np.clip((EDGES - CLEAN + reach) / (2 * reach), 0, 1))


def salt_pepper(density: float) -> np.ndarray:
    """Salt & pepper noise with `density` impulses per sample."""
    return with_impulses(np.eye(256), density)


def poisson(alpha: float, photons: int = 256) -> np.ndarray:
    """Return the likelihood of scaled photon counts: c + alpha (255 k / photons - c) for k photons, a comb."""
    probability, k = _photon_table(photons)
    noisy = CLEAN + alpha * (255 / photons * k - CLEAN)  # (256, K)
    index = np.rint(np.clip(noisy, 0, 255)).astype(np.int64) + 256 * np.arange(256)[:, None]
    return np.bincount(index.ravel(), probability.ravel(), 256 * 256).reshape(256, 256)


def smooth_poisson(alpha: float, photons: int = 256) -> np.ndarray:
    """Return `poisson` with a continuous photon count: no comb, and so continuous in alpha."""
    mean = np.maximum(CLEAN * photons / 255, 1e-9)
    k = (CLEAN + (EDGES - CLEAN) / alpha) * photons / 255  # photons at the edges
    below = np.where(k + 0.5 > 0, gammaincc(np.maximum(k + 0.5, 1e-9), mean), 0)
    below[0] = 1  # black stays black
    return of_distribution(below)


def poisson_gaussian(peak: float, sigma: float) -> np.ndarray:
    """Return the likelihood of photon counts of mean peak c / 255 and read noise sigma: a comb where sigma is small."""
    if peak > MAX_TABULATED_PEAK:
        return normal(np.sqrt(variance(sigma, peak, 0.0)))
    k = np.arange(int(peak + MAX_DEVIATIONS * np.sqrt(peak) + MAX_DEVIATIONS) + 1)
    values = 255 * np.clip(
        k.astype(np.float32) / np.float32(peak), 0, None
    )  # in 8-bit levels, rounded to float32 as the noise does
    probability = counts_of(CLEAN * peak / 255, k)  # (256, K)
    if sigma < MIN_READ_NOISE:
        teeth = np.zeros((len(k), 256))
        teeth[k, np.rint(np.clip(values, 0, 255)).astype(int)] = 1
        return probability @ teeth
    return probability @ of_distribution(ndtr((EDGES - values[:, None].astype(float)) / sigma))


def smooth_photons(peak: float) -> np.ndarray:
    """Return `poisson_gaussian` without read noise and with a continuous photon count."""
    mean = np.maximum(CLEAN * peak / 255, 1e-9)
    k = np.broadcast_to(EDGES * peak / 255, (256, 255))
    below = gammaincc(np.maximum(k + 0.5, 1e-9), mean)
    below[0] = 1
    return of_distribution(below)


def counts_of(mean: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Return the probabilities (N, K) of counts k (K,) for Poisson means (N, 1)."""
    return np.exp(xlogy(k, mean) - mean - gammaln(k + 1))


@functools.cache
def mixture(level: int) -> np.ndarray:
    """Return the likelihood of the paper's mixture: Gaussian, uniform speckle, Poisson, impulses; by quadrature."""
    sigma, var, density = RECIPES[level]
    nodes, weights = np.polynomial.legendre.leggauss(24)
    scale = 1 + np.sqrt(3 * var) * nodes  # of speckle
    edges = np.linspace(0, 255, N_INTENSITIES + 1)
    below = sum(
        w / 2 * ndtr((edges / s - CLEAN) / sigma) for w, s in zip(weights, scale, strict=True)
    )  # (256, N_INTENSITIES+1)
    inside = np.diff(below, axis=1)
    middle = (edges[1:] + edges[:-1]) / 2
    shares = np.concatenate([below[:, :1], inside, 1 - below[:, -1:]], axis=1)  # black, between, white
    k = np.arange(int(PHOTONS + MAX_DEVIATIONS * np.sqrt(PHOTONS) + MAX_DEVIATIONS) + 1)
    photons = shares @ counts_of(np.concatenate([[0], middle, [255]])[:, None] * PHOTONS / 255, k)
    values = np.rint(np.clip(k.astype(np.float32) / np.float32(PHOTONS), 0, 1) * np.float32(255)).astype(int)
    teeth = np.zeros((len(k), 256))
    teeth[k, values] = 1
    return with_impulses(photons @ teeth, density)


def with_impulses(likelihood: np.ndarray, density: float) -> np.ndarray:
    """Return a likelihood whose samples are then replaced by 0 or 255 with probability `density`."""
    density = min(density, 1.0)  # numerical derivatives may step beyond 1
    return (1 - density) * likelihood + density * IMPULSES


@functools.cache
def _photon_table(photons: int) -> tuple[np.ndarray, np.ndarray]:
    """Return P(k photons | clean value), (256, K), and k, (K,)."""
    largest = int(photons + MAX_DEVIATIONS * np.sqrt(photons) + MAX_DEVIATIONS)
    k = np.arange(largest + 1)
    distribution = pdtr(k, CLEAN * photons / 255)
    return np.diff(distribution, axis=1, prepend=0), k


def general(sigma: float, photons: float, var: float, density: float) -> np.ndarray:
    """Return the general likelihood: normal with variance sigma^2 + 255 c / photons + var c^2 at c, and impulses."""
    return with_impulses(normal(np.sqrt(variance(sigma, photons, var))), density)


def variance(sigma: float, photons: float, var: float) -> np.ndarray:
    """Return the variance of the general likelihood without its impulses, (256, 1), in squared 8-bit levels."""
    return sigma**2 + 255 * CLEAN / photons + var * CLEAN**2


def normal_slope(deviation: np.ndarray) -> np.ndarray:
    """Return the derivative of the normal likelihood in log(standard deviation), (256, 256)."""
    z = (EDGES - CLEAN) / np.maximum(deviation, 1e-6)
    below = -z * np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return np.diff(below, axis=1, prepend=0, append=0)
