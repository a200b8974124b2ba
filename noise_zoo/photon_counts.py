"""Poisson samples for whole images, several times faster than NumPy's, with the same distribution."""

import functools

import numpy as np
from scipy.special import pdtr

from noise_zoo.legacy import LegacyGenerator
from noise_zoo.noise import Random

MAX_MEAN = 256
STEPS = 8  # tabulated means are the multiples of 1/STEPS
CELLS = 1024  # equally probable cells of [0, 1)


def photon_counts(rng: Random, mean: np.ndarray) -> np.ndarray:
    """Return Poisson counts, integers of any shape, for means in [0, 256] of that shape.

    A mean is a tabulated mean plus a remainder below 1/STEPS, so its count is the sum of two independent Poisson
    variables. The first inverts the tabulated distribution function; the second thins a Poisson process of
    rate 1/STEPS that runs over the whole image. Probabilities are exact to 1e-15. With a LegacyGenerator the
    counts are those of NumPy's slower method, as in published code.

    Source: Devroye, Non-Uniform Random Variate Generation (1986), chapters III (inversion) and VI.
    """
    if isinstance(rng, LegacyGenerator):
        return rng.poisson(mean)
    scaled = np.ravel(mean).astype(np.float32) * STEPS  # (N,)
    row = scaled.astype(np.int32)
    counts = _tabulated_counts(rng, row)
    _add_rest(rng, counts, scaled)
    return counts.reshape(np.shape(mean))


def _tabulated_counts(rng: np.random.Generator, row: np.ndarray) -> np.ndarray:
    """Return counts, int16 (N,), of means row/STEPS: the smallest k with P(count <= k) above a uniform sample."""
    distribution, table = _tables()
    table = table.ravel()
    cell = rng.integers(0, CELLS, row.size, dtype=np.uint16)
    position = row * (CELLS + 1) + cell
    counts = table.take(position)
    split = np.flatnonzero(counts < 0)  # samples whose cell holds several counts: bisection
    row, low, high = row[split], ~counts[split], table.take(position[split] + 1)
    high = np.where(high < 0, ~high, high)
    uniform = (cell[split] + rng.random(split.size)) / CELLS
    while split.size:
        middle = (low + high) // 2
        above = uniform >= distribution[row, middle]
        low, high = np.where(above, middle + 1, low), np.where(above, high, middle)
        counts[split] = low
        undecided = low < high
        split, row, low, high, uniform = (
            split[undecided],
            row[undecided],
            low[undecided],
            high[undecided],
            uniform[undecided],
        )
    return counts


def _add_rest(rng: np.random.Generator, counts: np.ndarray, scaled: np.ndarray) -> None:
    """Add Poisson counts of means rest/STEPS to counts (N,) in place; rest is the fractional part of scaled (N,)."""
    hit = rng.integers(0, counts.size, rng.poisson(counts.size / STEPS))
    rest = scaled[hit]
    rest -= np.floor(rest)
    hit = hit[rng.random(hit.size) < rest]
    np.add.at(counts, hit, np.int16(1))


@functools.cache
def _tables() -> tuple[np.ndarray, ...]:
    """Return P(count <= k), float64 (means, k), and a table int16 (means, cells + 1) that inverts it.

    The table has the count if a whole cell has one, and ~k (negative) if k is the cell's smallest count; its largest
    count is at most the smallest of the next cell (last column: of the last cell).
    """
    k = np.arange(2 * MAX_MEAN)  # P(count > k) < 1e-40 for mean 256
    distribution = pdtr(k, np.arange(MAX_MEAN * STEPS + 1)[:, None] / STEPS)
    distribution[:, -1] = np.inf  # ends a search
    edge = np.arange(CELLS + 1) / CELLS
    smallest = np.stack([np.searchsorted(p, edge, side="right") for p in distribution])
    largest = np.stack([np.searchsorted(p, edge[1:], side="left") for p in distribution])
    whole = np.pad(smallest[:, :-1] == largest, ((0, 0), (0, 1)), constant_values=True)
    return distribution, np.where(whole, smallest, ~smallest).astype(np.int16)
