"""SRGA: how far the deepest features under a test noise lie from those under the training noise; 0 is the same.

Features of many patches go through PCA, fitted on each noise by itself; all scores together, without those of 5
deviations or more, are described by a generalized Gaussian; its divergence from that of the training noise, on a
logarithmic scale, is the score:  log10(KL(reference || test) + 1e-5) + 5.

The score of two samples of one distribution is not 0 but a noise floor, which has to be measured in the same way: the
same patches, the reference noise, another seed.

Source: Liu et al., Evaluating the Generalization Ability of Super-Resolution Networks, TPAMI 2023.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.special import gamma, gammaln

from analysis import pca

COMPONENTS = 300
TRIM = 5.0  # deviations
SHAPES = np.arange(0.2, 10, 0.001)
_RATIOS = gamma(1 / SHAPES) * gamma(3 / SHAPES) / gamma(2 / SHAPES) ** 2  # E[v^2] / E[|v|]^2 of each shape
DRAWS = 100
FEWEST_GROUPS = 5


@dataclass(frozen=True)
class GeneralizedGaussian:
    """Density proportional to exp(-(|v| / a)^shape), with mean square sigma^2; shape 2 is normal, 1 Laplace."""

    sigma: float
    shape: float


def trimmed(values: np.ndarray) -> np.ndarray:
    """The values nearer than 5 deviations to their mean; once, not again."""
    return values[np.abs(values - values.mean()) < TRIM * values.std()]


def fitted(values: np.ndarray) -> GeneralizedGaussian:
    """Moment matching: the mean square about 0, and the mean distance from the mean, on a grid of shapes."""
    if not len(values) or np.ptp(values) == 0:
        raise ValueError("all features are the same: nothing to describe")
    square = np.mean(values**2)
    distance = np.mean(np.abs(values - values.mean()))
    return GeneralizedGaussian(float(np.sqrt(square)), float(SHAPES[np.argmin(np.abs(square / distance**2 - _RATIOS))]))


def divergence(reference: GeneralizedGaussian, test: GeneralizedGaussian) -> float:
    """KL(reference || test) in closed form, in nats."""
    scale, other = (one.sigma * np.exp((gammaln(1 / one.shape) - gammaln(3 / one.shape)) / 2)
                    for one in (reference, test))  # fmt: skip
    b, c = reference.shape, test.shape
    same = np.log(b * other / (c * scale)) + gammaln(1 / c) - gammaln(1 / b)
    return float(same + (scale / other) ** c * np.exp(gammaln((c + 1) / b) - gammaln(1 / b)) - 1 / b)


def score(reference: GeneralizedGaussian, test: GeneralizedGaussian) -> float:
    """SRGA; rounding may leave a divergence of nothing a little below 0."""
    return float(np.log10(max(divergence(reference, test), 0) + 1e-5) + 5)


@dataclass(frozen=True)
class Deep:
    """The deepest features of some patches under one noise, described; and so for halves of their photographs.

    `halves` is empty where there were too few; `photographs` and `kept` are counts.
    """

    described: GeneralizedGaussian
    halves: tuple[GeneralizedGaussian, ...]
    photographs: int
    kept: int


def describe(features: np.ndarray, groups: Sequence[int], components: int = COMPONENTS, method: str = "exact",
             draws: int = DRAWS) -> Deep:  # fmt: skip
    """Features (N, D), a row a patch; `groups` says which photograph each was cut from.

    `method` is 'exact', or 'official' for scikit-learn's PCA as published. Halves get a share of the components; they
    are described from the Gram matrix alone, and are the same halves for all features of the same groups.
    """
    if method not in ("exact", "official"):
        raise ValueError(f"PCA {method!r} came, wanted 'exact' or 'official'")
    if components > min(features.shape):
        raise ValueError(f"{components} components need as many patches and features: {features.shape} came")
    groups, members = np.asarray(groups), np.unique(groups)
    bounded = len(members) >= FEWEST_GROUPS
    gram = pca.centred_gram(features) if bounded or method == "exact" else None
    if method == "exact":
        scores = pca.exact_scores(features, components, gram)
    else:
        scores = pca.official_scores(features, components)
    described = fitted(trimmed(scores.ravel()))
    kept = len(members) - len(members) // 2
    if not bounded:
        return Deep(described, (), len(members), kept)
    random, halves = np.random.default_rng(0), []
    for _ in range(draws):
        rows = np.flatnonzero(np.isin(groups, random.choice(members, kept, replace=False)))
        part = pca.recentred(gram[np.ix_(rows, rows)])
        share = max(1, components * len(rows) // len(groups))
        halves.append(fitted(trimmed(pca.scores_of_gram(part, share).ravel())))
    return Deep(described, tuple(halves), len(members), kept)


@dataclass(frozen=True)
class Srga:
    """The score with its 95% bounds; NaN where there were too few photographs for them."""

    value: float
    low: float
    high: float


def compare(reference: Deep, test: Deep) -> Srga:
    """SRGA of the same patches under two noises.

    Bounds: delete-half jackknife over photographs (Shao & Wu, Annals of Statistics 1989), so that patches which share
    one, or overlap, count as what they are. Halves are drawn without repeats (a bootstrap repeats rows, and PCA sees
    a repeat as structure). Wider than need be rather than narrower: 1.1 to 1.5 times the true spread on simulated
    features. None with fewer than 5 photographs.
    """
    value = score(reference.described, test.described)
    if not reference.halves:
        return Srga(value, np.nan, np.nan)
    found = [score(*pair) for pair in zip(reference.halves, test.halves, strict=True)]
    kept, left_out = reference.kept, reference.photographs - reference.kept
    half = stats.t.ppf(0.975, reference.photographs - 1) * np.std(found) * np.sqrt(kept / left_out)
    return Srga(value, max(0.0, value - half), value + half)
