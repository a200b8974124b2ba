"""Spearman's rank correlation between two tables of models under noises, with intervals.

Tables are (M, N), one row per model and one column per noise at a level; NaN where a number is unknown. There are three
questions:

all      all cells together, models and noises at once
noises   which noise is worse for a model: correlation within each model, mean over models
models   which model is worse under a noise: correlation within each noise, mean over noises. What all models have in
         common under a noise, such as its strength, has no influence

Source: Spearman, American Journal of Psychology 1904; the interval: Owen, The pigeonhole bootstrap, Annals of Applied
Statistics 2007.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.estimate import Estimate

QUESTIONS = ("all", "noises", "models")
DRAWS = 1000  # of the bootstrap
MIN_ITEMS = 3  # to be ranked, and clusters to be drawn from


def rank_correlation(x: np.ndarray, y: np.ndarray, question: str, families: Sequence[str]) -> Estimate:
    """Spearman's rank correlation in [-1, 1] of two tables (M, N); NaN if fewer than 3 cells can be ranked.

    question   'all', 'noises' or 'models'
    families   (N,): the noise of each column; its levels are drawn together

    Interval: percentiles of a bootstrap that draws models, and noises with all of their levels, with replacement. Only
    those of the two with 3 members or more are drawn; NaN if neither has as many. Raises ValueError for an unknown
    question.
    """
    if question not in QUESTIONS:
        raise ValueError(f"expected a question of {', '.join(QUESTIONS)}, got {question!r}")
    known = np.isfinite(x) & np.isfinite(y)
    x, y = np.where(known, x, np.nan), np.where(known, y, np.nan)
    value = _value(x, y, question)
    rows = np.flatnonzero(known.any(1))
    used = known.any(0)
    clusters = [np.flatnonzero(used & (np.asarray(families) == name)) for name in dict.fromkeys(families)]
    clusters = [cluster for cluster in clusters if len(cluster)]
    if np.isnan(value) or max(len(rows), len(clusters)) < MIN_ITEMS:
        return Estimate(value, np.nan, np.nan)
    random, values = np.random.default_rng(0), []
    for _ in range(DRAWS):
        models = random.choice(rows, len(rows)) if len(rows) >= MIN_ITEMS else rows
        count = len(clusters)
        noises = random.integers(count, size=count) if count >= MIN_ITEMS else range(count)
        drawn = np.ix_(models, np.concatenate([clusters[index] for index in noises]))
        values.append(_value(x[drawn], y[drawn], question))
    low, high = np.nanquantile(values, [0.025, 0.975])
    return Estimate(value, float(low), float(high))


def _value(x: np.ndarray, y: np.ndarray, question: str) -> float:
    if question == "all":
        return float(spearman(x.reshape(1, -1), y.reshape(1, -1))[0])
    each = spearman(x, y) if question == "noises" else spearman(x.T, y.T)
    return float(np.nanmean(each)) if np.isfinite(each).any() else np.nan


def spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Spearman's correlation of each row of two tables (A, B) with NaN in the same cells, (A,); NaN below 3 values."""
    first, second = centred_ranks(x), centred_ranks(y)
    scale = np.sqrt((first**2).sum(1) * (second**2).sum(1))
    enough = (scale > 0) & (np.isfinite(x).sum(1) >= MIN_ITEMS)
    return np.divide((first * second).sum(1), scale, out=np.full(len(x), np.nan), where=enough)


def centred_ranks(table: np.ndarray) -> np.ndarray:
    """Rank of each value within its row, minus the mean rank, (A, B): half of (values below minus values above)."""
    return np.nan_to_num(np.sign(table[:, :, None] - table[:, None, :])).sum(2) / 2
