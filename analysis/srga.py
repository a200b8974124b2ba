"""SRGA: divergence of the deepest features under a test noise from those under a reference noise; 0 means equal.

Features of many patches go through PCA, fitted for each noise separately. A generalized Gaussian is fitted to all
scores within 5 standard deviations. SRGA is its divergence from the one of the reference noise, on a logarithmic scale:
log10(KL(reference || test) + 1e-5) + 5.

For two samples of one distribution it is not 0 but a noise floor, which has to be measured likewise: the same patches
under the reference noise with another seed.

Source: Liu et al., Evaluating the Generalization Ability of Super-Resolution Networks, TPAMI 2023.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.special import gamma, gammaln

from analysis import pca
from analysis.estimate import Estimate

COMPONENTS = 300
TRIM = 5.0  # standard deviations
SHAPES = np.arange(0.2, 10, 0.001)
_RATIOS = gamma(1 / SHAPES) * gamma(3 / SHAPES) / gamma(2 / SHAPES) ** 2  # E[v^2] / E[|v|]^2 of each shape
DRAWS = 100  # halves of the photographs
MIN_PHOTOGRAPHS = 5  # for an interval


@dataclass(frozen=True)
class GeneralizedGaussian:
    """Density proportional to exp(-(|v| / a)^shape), with mean square sigma^2; shape 2 is normal, 1 Laplace."""

    sigma: float
    shape: float


def trimmed(values: np.ndarray) -> np.ndarray:
    """Values of any shape -> those within 5 standard deviations of their mean, (n,), in one pass."""
    return values[np.abs(values - values.mean()) < TRIM * values.std()]


def fitted(values: np.ndarray) -> GeneralizedGaussian:
    """Generalized Gaussian fit to values (n,) by moment matching: mean square about 0, and mean absolute deviation.

    The shape is that of the grid `SHAPES`, 0.2 to 10 in steps of 0.001. Raises ValueError for constant values. Source:
    Sharifi & Leon-Garcia, IEEE Transactions on Circuits and Systems for Video Technology 1995.
    """
    if not len(values) or np.ptp(values) == 0:
        raise ValueError("expected features that vary, got a constant: choose another layer")
    square = np.mean(values**2)
    distance = np.mean(np.abs(values - values.mean()))
    return GeneralizedGaussian(float(np.sqrt(square)), float(SHAPES[np.argmin(np.abs(square / distance**2 - _RATIOS))]))


def divergence(reference: GeneralizedGaussian, test: GeneralizedGaussian) -> float:
    """KL(reference || test) in closed form, in nats."""
    scale, other = (
        one.sigma * np.exp((gammaln(1 / one.shape) - gammaln(3 / one.shape)) / 2) for one in (reference, test)
    )
    b, c = reference.shape, test.shape
    same = np.log(b * other / (c * scale)) + gammaln(1 / c) - gammaln(1 / b)
    return float(same + (scale / other) ** c * np.exp(gammaln((c + 1) / b) - gammaln(1 / b)) - 1 / b)


def score(reference: GeneralizedGaussian, test: GeneralizedGaussian) -> float:
    """SRGA of two generalized Gaussians, from 0; a divergence below 0 is a rounding error.

    Source: Liu et al., TPAMI 2023.
    """
    return float(np.log10(max(divergence(reference, test), 0) + 1e-5) + 5)


@dataclass(frozen=True)
class FeatureFit:
    """Fits to the deepest features of patches under one noise: of all photographs, and of random halves of them.

    `halves` is empty for too few photographs; `photographs` and `kept` (of a half) are counts.
    """

    whole: GeneralizedGaussian
    halves: tuple[GeneralizedGaussian, ...]
    photographs: int
    kept: int


def fit_features(
    features: np.ndarray, groups: Sequence[int], components: int = COMPONENTS, method: str = "exact", draws: int = DRAWS
) -> FeatureFit:
    """Generalized Gaussian fits to features (N, D), one row per patch: of all photographs, and of random halves.

    groups       (N,): the photograph that each patch was cut from
    components   of the PCA, at most min(N, D); a half uses the same share of its rows
    method       'exact', or 'official' for scikit-learn's PCA as published
    draws        number of halves, which are the same for all features of the same groups

    Raises ValueError for too many components, an unknown method or constant features.
    """
    if method not in ("exact", "official"):
        raise ValueError(f"expected PCA 'exact' or 'official', got {method!r}")
    if components > min(features.shape):
        raise ValueError(f"expected at most {min(features.shape)} components, got {components}")
    photograph, members = np.asarray(groups), np.unique(groups)
    bounded = len(members) >= MIN_PHOTOGRAPHS
    gram = pca.centred_gram(features) if bounded or method == "exact" else None
    if method == "exact":
        scores = pca.exact_scores(features, components, gram)
    else:
        scores = pca.official_scores(features, components)
    whole = fitted(trimmed(scores.ravel()))
    kept = len(members) - len(members) // 2
    if not bounded or gram is None:
        return FeatureFit(whole, (), len(members), kept)
    random, halves = np.random.default_rng(0), []
    for _ in range(draws):
        rows = np.flatnonzero(np.isin(photograph, random.choice(members, kept, replace=False)))
        part = pca.recentred(gram[np.ix_(rows, rows)])
        share = max(1, components * len(rows) // len(photograph))
        halves.append(fitted(trimmed(pca.scores_of_gram(part, share).ravel())))
    return FeatureFit(whole, tuple(halves), len(members), kept)


def compare(reference: FeatureFit, test: FeatureFit) -> Estimate:
    """SRGA of the same patches under two noises, from 0.

    Interval: delete-half jackknife over photographs (Shao & Wu, Annals of Statistics 1989), so that patches of one
    photograph are not taken as independent. Halves are drawn without replacement, since PCA takes repeated rows for
    structure. Conservative: 1.1 to 1.5 times the true width on simulated features. NaN for fewer than 5 photographs.
    """
    value = score(reference.whole, test.whole)
    if not reference.halves:
        return Estimate(value, np.nan, np.nan)
    scores = [score(*pair) for pair in zip(reference.halves, test.halves, strict=True)]
    kept, omitted = reference.kept, reference.photographs - reference.kept
    half = stats.t.ppf(0.975, reference.photographs - 1) * np.std(scores) * np.sqrt(kept / omitted)
    return Estimate(value, max(0.0, value - half), value + half)
