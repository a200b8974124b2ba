"""SRGA of two sets of features: time here against the plain way of the published algorithm, in turns in one process.

    python tests/benchmarks/srga.py [--patches 800] [--features 65536] [--turns 3]
    python tests/benchmarks/srga.py --memory --patches 800 --features 1000000

The plain way: scikit-learn's PCA to 300 components (randomized at this size), then a trimming loop that takes mean and
deviation of all scores anew for each of them, which is quadratic. It is timed on a part of the loop and scaled up,
because a whole one takes minutes; --whole runs all of it. Prints seconds of the processor, all threads together
(medians), and the ratio of each turn.
--memory describes one set of random features and prints its peak. Set OMP_NUM_THREADS.

Measured with one thread: two sets in 2.80 s, the plain way in 12.8 s and 87.6 s of trimming, ratio 35.0 (33.7 to 36.3);
800 x 1,000,000 in 23 s with a peak of 3.39 GB, of which the features are 3.20 GB.
"""

from __future__ import annotations

import argparse
import resource
import time
from statistics import median

import numpy as np

from analysis import srga
from analysis.pca import BLOCK, official_scores

PART = 4000  # scores of the loop that are timed


def table(patches: int, features: int, seed: int) -> np.ndarray:
    """Features like a network's: a few strong directions, and much that is independent."""
    random = np.random.default_rng(seed)
    found = np.empty((patches, features), np.float32)
    strong = random.standard_normal((patches, 40), np.float32) * np.linspace(3, 0.3, 40, dtype=np.float32)
    for first in range(0, features, BLOCK):
        block = found[:, first : first + BLOCK]
        block[:] = strong @ random.standard_normal((40, block.shape[1]), np.float32)
        block += random.standard_normal(block.shape, np.float32)
    return found


def plain_trim(values: np.ndarray, whole: bool) -> tuple[np.ndarray, float]:
    """(kept values, seconds): each value is compared with mean and deviation taken for it."""
    part = values if whole else values[:PART]
    began = time.process_time()
    kept = [value for value in part if abs(value - np.mean(values)) < 5 * np.std(values)]
    seconds = (time.process_time() - began) * len(values) / len(part)
    return np.array(kept) if whole else srga.trimmed(values), seconds


def plain(sets, whole: bool) -> tuple[float, float, float]:
    """(score, seconds of PCA and fit, seconds of trimming)"""
    began, trimming, skipped, described = time.process_time(), 0.0, 0.0, []
    for features in sets:
        scores = official_scores(features, srga.COMPONENTS).ravel()
        start = time.process_time()
        kept, seconds = plain_trim(scores, whole)
        skipped += time.process_time() - start
        trimming += seconds
        described.append(srga.fitted(kept))
    return srga.score(*described), time.process_time() - began - skipped, trimming


def here(sets) -> tuple[float, float]:
    began = time.process_time()
    found = srga.score(*(srga.fit_features(features, [0]).described for features in sets))
    return found, time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patches", type=int, default=800)
    parser.add_argument("--features", type=int, default=65536)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--memory", action="store_true")
    given = parser.parse_args()
    if given.memory:
        features = table(given.patches, given.features, 0)
        began = time.process_time()
        found = srga.fit_features(features, [0]).described
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(
            f"{given.patches} x {given.features:,}: {time.process_time() - began:.1f} s, peak {peak / 1e9:.2f} GB "
            f"of which features {features.nbytes / 1e9:.2f} GB; {found}"
        )
        return
    sets = [table(given.patches, given.features, seed) for seed in (0, 1)]
    sets[1] *= np.float32(1.2)
    ratios, times = [], []
    for turn in range(given.turns):
        order = [lambda: plain(sets, given.whole), lambda: here(sets)]
        results = [run() for run in (order if turn % 2 == 0 else order[::-1])]
        (score, pca, trimming), (own, seconds) = results if turn % 2 == 0 else results[::-1]
        times.append((pca, trimming, seconds))
        ratios.append((pca + trimming) / seconds)
        print(
            f"turn {turn + 1}: plain {score:.4f} in {pca:.1f} s and {trimming:.1f} s of trimming, "
            f"here {own:.4f} in {seconds:.2f} s",
            flush=True,
        )
    pca, trimming, seconds = (median(column) for column in zip(*times, strict=True))
    print(
        f"two sets of {given.patches} x {given.features:,}: plain {pca:.1f} + {trimming:.1f} s, "
        f"here {seconds:.2f} s, ratio {median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"
    )


if __name__ == "__main__":
    main()
