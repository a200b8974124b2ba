"""Ties and ranks are paired by image."""

import math

import numpy as np
import pandas as pd
from scipy import stats

from bench.statistics import mean_intervals
from bench.statistics.ties import leaders, rank_ranges


def photographs(scores: pd.DataFrame) -> pd.Series:
    """Each image is a photograph of its own."""
    return pd.Series(scores.index.astype(str), scores.index)


def paired_scores() -> pd.DataFrame:
    generator = np.random.default_rng(0)
    images = generator.normal(30, 3, 20)
    scores = {
        "best": images + 0.5 + generator.normal(0, 0.05, 20),
        "worse by a little, always": images + generator.normal(0, 0.05, 20),
        "as good, noisily": images + 0.45 + generator.normal(0, 1.0, 20),
    }
    scores["as good, noisily"] += scores["best"].mean() - 0.1 - scores["as good, noisily"].mean()
    return pd.DataFrame(scores)


def test_best_and_ties_are_paired():
    scores = paired_scores()
    best, tied = leaders(scores.mean().to_dict(), scores, True, photographs(scores))
    assert best == "best"
    assert tied == {"best", "as good, noisily"}
    best, tied = leaders(scores.mean().to_dict(), scores, False, photographs(scores))
    assert best == "worse by a little, always" and "best" not in tied


def test_a_rival_that_is_ahead_on_one_image_alone_is_no_tie():
    scores = pd.DataFrame({"best": np.full(20, 30.5), "other": np.linspace(29.9, 30.1, 20)})
    scores.loc[0, "other"] = 30.6
    assert leaders(scores.mean().to_dict(), scores, True, photographs(scores)) == ("best", {"best"})
    assert leaders(scores.mean().to_dict(), scores, False, photographs(scores)) == ("other", {"other"})


def test_ranks_are_those_that_the_intervals_of_all_pairs_allow():
    scores = paired_scores()
    wide = stats.ttest_1samp(scores["as good, noisily"] - scores["worse by a little, always"], 0).pvalue
    assert 0.01 < wide < 0.2  # close: what its interval says is asked below, not assumed
    low = mean_intervals((scores["as good, noisily"] - scores["worse by a little, always"]).to_numpy()[:, None])[0, 1]
    third = {"as good, noisily": (1, 2), "worse by a little, always": (3, 3)}
    second = {"as good, noisily": (1, 3), "worse by a little, always": (2, 3)}
    assert rank_ranges(scores, True, photographs(scores)) == {"best": (1, 2), **(third if low > 0 else second)}
    turned = rank_ranges(scores, False, photographs(scores))
    assert turned["worse by a little, always"][0] == 1 and turned["best"] == (2, 3)
    assert rank_ranges(scores[["best"]], True, photographs(scores)) == {}


def test_ties_without_images_or_numbers():
    nothing = pd.Series(dtype=str)
    assert leaders({}, pd.DataFrame(), True, nothing) == (None, frozenset())
    assert leaders({"a": math.nan}, pd.DataFrame(), True, nothing) == (None, frozenset())
    assert leaders({"a": 1.0, "b": 1.0, "c": 0.5}, pd.DataFrame(), True, nothing)[1] == {"a", "b"}
    one = pd.DataFrame({"a": [31.0], "b": [30.0]})
    # A single image tells no two models apart.
    assert leaders({"a": 31.0, "b": 30.0}, one, True, photographs(one))[1] == {"a"}
    assert rank_ranges(one, True, photographs(one)) == {}
