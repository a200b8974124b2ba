"""Whether one number of models under noises orders them as another does: Spearman's rank correlation, with intervals.

Tables are (M, N), a row a model and a column a noise at a level; NaN where a number is not known. Three questions:

all      all cells together: models and noises at once
noises   within each model, which noise is worse; the mean over models
models   within each noise, which model is worse; the mean over noises. What all models share of a noise, such as how
         strong it is, cannot help here

Source: Spearman, American Journal of Psychology 1904; the interval: Owen, The pigeonhole bootstrap, Annals of Applied
Statistics 2007.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

QUESTIONS = ("all", "noises", "models")
DRAWS = 1000
FEWEST = 3  # things to be put in order, and clusters to be drawn from


@dataclass(frozen=True)
class RankCorrelation:
    """From -1 to 1 with 95% bounds; NaN where there was too little to order, or to draw from."""

    value: float
    low: float
    high: float


def rank_correlation(x: np.ndarray, y: np.ndarray, question: str, families: Sequence[str]) -> RankCorrelation:
    """Of two tables (M, N); `families` names the noise of each column, whose levels belong together, (N,).

    Bounds: percentiles of a bootstrap that draws models, and noises with all of their levels, both with repeats; of
    the two only that with 3 members or more is drawn, and where neither has them there are no bounds.
    """
    if question not in QUESTIONS:
        raise ValueError(f"the question {question!r} came, wanted one of {', '.join(QUESTIONS)}")
    known = np.isfinite(x) & np.isfinite(y)
    x, y = np.where(known, x, np.nan), np.where(known, y, np.nan)
    value = _value(x, y, question)
    rows = np.flatnonzero(known.any(1))
    there = known.any(0)
    clusters = [np.flatnonzero(there & (np.asarray(families) == name)) for name in dict.fromkeys(families)]
    clusters = [cluster for cluster in clusters if len(cluster)]
    if np.isnan(value) or max(len(rows), len(clusters)) < FEWEST:
        return RankCorrelation(value, np.nan, np.nan)
    random, found = np.random.default_rng(0), []
    for _ in range(DRAWS):
        models = random.choice(rows, len(rows)) if len(rows) >= FEWEST else rows
        noises = random.integers(len(clusters), size=len(clusters)) if len(clusters) >= FEWEST else range(len(clusters))
        drawn = np.ix_(models, np.concatenate([clusters[place] for place in noises]))
        found.append(_value(x[drawn], y[drawn], question))
    low, high = np.nanquantile(found, [0.025, 0.975])
    return RankCorrelation(value, float(low), float(high))


def _value(x: np.ndarray, y: np.ndarray, question: str) -> float:
    if question == "all":
        return float(spearman(x.reshape(1, -1), y.reshape(1, -1))[0])
    each = spearman(x, y) if question == "noises" else spearman(x.T, y.T)
    return float(np.nanmean(each)) if np.isfinite(each).any() else np.nan


def spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Of the rows of two tables (A, B) with NaN in the same places, (A,); NaN where fewer than 3 differ at all."""
    first, second = centred_ranks(x), centred_ranks(y)
    scale = np.sqrt((first**2).sum(1) * (second**2).sum(1))
    enough = (scale > 0) & (np.isfinite(x).sum(1) >= FEWEST)
    return np.divide((first * second).sum(1), scale, out=np.full(len(x), np.nan), where=enough)


def centred_ranks(table: np.ndarray) -> np.ndarray:
    """Of each value in its row of (A, B), its rank less their mean: half of how many are below less how many above."""
    return np.nan_to_num(np.sign(table[:, :, None] - table[:, None, :])).sum(2) / 2
