"""Laws of noise on stored images: the probability of each noisy byte, given the clean one.

A law is a matrix (256, 256), rows the clean and columns the noisy value, of what is left after clipping to [0, 255]
and rounding. Levels are in the units of the zoo.
"""

import functools

import numpy as np
from scipy.special import gammaincc, gammaln, ndtr, pdtr, xlogy

from noise_zoo.mixture import PHOTONS, RECIPES

CLEAN = np.arange(256.0)[:, None]
EDGES = np.arange(255) + 0.5  # between the noisy values
IMPULSES = np.zeros((256, 256))
IMPULSES[:, [0, 255]] = 0.5
FARTHEST = 12  # deviations of a Poisson law that are tabulated
NO_READ_NOISE = 0.02  # grey values: less read noise than that moves no stored value
MANY = 3000  # photons at white, from which on their law is normal
FINE = 1020  # steps of intensity between two noises


def of_distribution(below):
    """Return the law (N, 256) whose probabilities of values below the 255 edges are (N, 255)."""
    ends = np.zeros((len(below), 1)), np.ones((len(below), 1))
    padded = np.concatenate([ends[0], below, ends[1]], axis=1)
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
    return with_impulses(np.eye(256), density)


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


def poisson_gaussian(peak, sigma):
    """Counts of mean peak * c / 255, scaled back, and read noise: a comb where sigma is small, as of stored floats."""
    if peak > MANY:
        return normal(np.sqrt(variance(sigma, peak, 0.0)))
    k = np.arange(int(peak + FARTHEST * np.sqrt(peak) + FARTHEST) + 1)
    values = 255 * np.clip(k.astype(np.float32) / np.float32(peak), 0, None)  # of 255, float32 as the noise has them
    probability = counts_of(CLEAN * peak / 255, k)  # (256, K)
    if sigma < NO_READ_NOISE:
        teeth = np.zeros((len(k), 256))
        teeth[k, np.rint(np.clip(values, 0, 255)).astype(int)] = 1
        return probability @ teeth
    return probability @ of_distribution(ndtr((EDGES - values[:, None].astype(float)) / sigma))


def smooth_photons(peak):
    """The law without read noise and without the comb, as if photons came in any amount."""
    mean = np.maximum(CLEAN * peak / 255, 1e-9)
    k = np.broadcast_to(EDGES * peak / 255, (256, 255))
    below = gammaincc(np.maximum(k + 0.5, 1e-9), mean)
    below[0] = 1
    return of_distribution(below)


def counts_of(mean, k):
    """Return the probabilities (N, K) of counts k (K,) for Poisson means (N, 1)."""
    return np.exp(xlogy(k, mean) - mean - gammaln(k + 1))


@functools.cache
def mixture(level):
    """Gaussian noise, uniform speckle of what that gave, photons of that clipped, impulses; by quadrature."""
    sigma, var, density = RECIPES[level]
    nodes, weights = np.polynomial.legendre.leggauss(24)
    scale = 1 + np.sqrt(3 * var) * nodes  # of speckle
    edges = np.linspace(0, 255, FINE + 1)
    below = sum(w / 2 * ndtr((edges / s - CLEAN) / sigma) for w, s in zip(weights, scale, strict=True))  # (256, FINE+1)
    inside = np.diff(below, axis=1)
    middle = (edges[1:] + edges[:-1]) / 2
    shares = np.concatenate([below[:, :1], inside, 1 - below[:, -1:]], axis=1)  # black, between, white
    k = np.arange(int(PHOTONS + FARTHEST * np.sqrt(PHOTONS) + FARTHEST) + 1)
    photons = shares @ counts_of(np.concatenate([[0], middle, [255]])[:, None] * PHOTONS / 255, k)
    values = np.rint(np.clip(k.astype(np.float32) / np.float32(PHOTONS), 0, 1) * np.float32(255)).astype(int)
    teeth = np.zeros((len(k), 256))
    teeth[k, values] = 1
    return with_impulses(photons @ teeth, density)


def with_impulses(law, density):
    """Return a law whose samples are then set to black or white with this probability."""
    density = min(density, 1.0)  # a step beyond it in a derivative is no law
    return (1 - density) * law + density * IMPULSES


@functools.cache
def _photon_table(photons):
    """Return probabilities (256, K) of k photons for each clean value, and k (K,)."""
    most = int(photons + FARTHEST * np.sqrt(photons) + FARTHEST)
    k = np.arange(most + 1)
    distribution = pdtr(k, CLEAN * photons / 255)
    return np.diff(distribution, axis=1, prepend=0), k


def general(sigma, photons, var, density):
    """Gaussian noise of variance sigma^2 + 255 c / photons + var c^2 at the clean value c, and impulses besides."""
    return with_impulses(normal(np.sqrt(variance(sigma, photons, var))), density)


def variance(sigma, photons, var):
    """Return the variance of the general law without its impulses, (256, 1), in squared grey values."""
    return sigma**2 + 255 * CLEAN / photons + var * CLEAN**2


def normal_slope(deviation):
    """Return the derivative of the normal law by the logarithm of its deviation, (256, 256)."""
    z = (EDGES - CLEAN) / np.maximum(deviation, 1e-6)
    below = -z * np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return np.diff(below, axis=1, prepend=0, append=0)
