"""Laws of noise on stored images: the probability of each noisy byte, given the clean one.

A law is a matrix (256, 256), rows the clean and columns the noisy value, of what is left after clipping to [0, 255]
and rounding. Levels are in the units of the zoo.
"""

import functools

import numpy as np
from scipy.special import gammaincc, ndtr, pdtr

CLEAN = np.arange(256.0)[:, None]
EDGES = np.arange(255) + 0.5  # between the noisy values
IMPULSES = np.zeros((256, 256))
IMPULSES[:, [0, 255]] = 0.5
FARTHEST = 12  # deviations of a Poisson law that are tabulated


def of_distribution(below):
    """Return the law whose probabilities of values below the 255 edges are (256, 255)."""
    padded = np.concatenate([np.zeros((256, 1)), below, np.ones((256, 1))], axis=1)
    return np.diff(padded, axis=1)


def normal(deviation):
    """Return the law of Gaussian noise; deviation in grey values, one or (256, 1), may be 0."""
    deviation = np.maximum(deviation, 1e-6)
    return of_distribution(ndtr((EDGES - CLEAN) / deviation))


def gaussian(sigma):
    return normal(sigma)


def correlated(sigma):
    """A sample alone, away from the border: a mean of nine."""
    return normal(sigma / 3)


def gaussian_speckle(var):
    return normal(CLEAN * np.sqrt(var))


def speckle(var):
    """Uniform, of variance var times the square of the clean value."""
    reach = np.maximum(CLEAN * np.sqrt(3 * var), 1e-6)
    return of_distribution(np.clip((EDGES - CLEAN + reach) / (2 * reach), 0, 1))


def salt_pepper(density):
    return (1 - density) * np.eye(256) + density * IMPULSES


def poisson(alpha, photons=256):
    """The comb that scaled photon counts leave: c + alpha (255 k / photons - c) for k photons."""
    probability, k = _photon_table(photons)
    noisy = CLEAN + alpha * (255 / photons * k - CLEAN)  # (256, K)
    place = np.rint(np.clip(noisy, 0, 255)).astype(np.int64) + 256 * np.arange(256)[:, None]
    return np.bincount(place.ravel(), probability.ravel(), 256 * 256).reshape(256, 256)


def smooth_poisson(alpha, photons=256):
    """The same without the comb, as if photons came in any amount: easier to climb."""
    mean = np.maximum(CLEAN * photons / 255, 1e-9)
    k = (CLEAN + (EDGES - CLEAN) / alpha) * photons / 255  # photons at the edges
    below = np.where(k + 0.5 > 0, gammaincc(np.maximum(k + 0.5, 1e-9), mean), 0)
    below[0] = 1  # black stays black
    return of_distribution(below)


@functools.cache
def _photon_table(photons):
    """Return probabilities (256, K) of k photons for each clean value, and k (K,)."""
    most = int(photons + FARTHEST * np.sqrt(photons) + FARTHEST)
    k = np.arange(most + 1)
    distribution = pdtr(k, CLEAN * photons / 255)
    return np.diff(distribution, axis=1, prepend=0), k


def general(sigma, photons, var, density):
    """Gaussian noise of variance sigma^2 + 255 c / photons + var c^2 at the clean value c, and impulses besides."""
    return (1 - density) * normal(np.sqrt(variance(sigma, photons, var))) + density * IMPULSES


def variance(sigma, photons, var):
    """Return the variance of the general law without its impulses, (256, 1), in squared grey values."""
    return sigma**2 + 255 * CLEAN / photons + var * CLEAN**2


def normal_slope(deviation):
    """Return the derivative of the normal law by the logarithm of its deviation, (256, 256)."""
    z = (EDGES - CLEAN) / np.maximum(deviation, 1e-6)
    below = -z * np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return np.diff(below, axis=1, prepend=0, append=0)
