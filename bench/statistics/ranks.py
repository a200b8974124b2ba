"""Mean ranks of models, as in Friedman's test, with 95% intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from bench.statistics.intervals import mean_intervals


def mean_ranks(
    scores: pd.DataFrame, photographs: np.ndarray | None = None, higher_is_better: bool = True
) -> pd.DataFrame:
    """Images x models -> one row per model: mean rank (1 is best), low, high, images.

    Models are ranked on each image with a score of all models; ties get the mean of their ranks. The 95% bootstrap
    interval is over photographs. Source: Friedman, JASA 1937.
    """
    complete = scores.notna().all(axis=1).to_numpy()
    values = scores.to_numpy(float)[complete]
    ranks = stats.rankdata(-values if higher_is_better else values, axis=1) if len(values) else values
    clusters = None if photographs is None else np.asarray(photographs)[complete]
    bounds = mean_intervals(ranks, clusters)
    return pd.DataFrame(bounds, scores.columns, ["rank", "low", "high"]).assign(images=int(complete.sum()))
