"""Ranks, robustness and the leaderboard."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.statistics.intervals import level
from bench.statistics.ranks import mean_ranks
from bench.statistics.robustness import error
from bench.statistics.standings import off_training, standings

NOISES = {"gaussian(sigma=15)": 0, "poisson(alpha=2)": 3, "poisson(alpha=3)": 5, "isp": 1}


def rows(psnr) -> pd.DataFrame:
    """Rows of a run, psnr(model, noise, place of the image) dB for 24 images, two of each photograph."""
    found = [
        {"model": model, "dataset": "d", "image": f"{i}.png", "photograph": f"{i // 2:02}", "noise": noise,
         "noise_name": noise.partition("(")[0], "noise_version": 1, "level": 1.0, "seed": 0, "protocol": "stored",
         "psnr": psnr(model, noise, i), "psnr_noisy": 20.0, "status": "ok"}
        for model in ("ours", "baseline", "dncnn") for noise in NOISES for i in range(24)
    ]  # fmt: skip
    return pd.DataFrame(found)


def test_mean_ranks_are_those_of_friedman_s_test():
    scores = pd.DataFrame(np.random.default_rng(0).normal(30, 1, (20, 4)) + [0, 0.5, 1, 0], columns=list("abcd"))
    found = mean_ranks(scores)
    images, models = scores.shape
    chi = 12 * images / (models * (models + 1)) * ((found["rank"] - (models + 1) / 2) ** 2).sum()
    assert chi == pytest.approx(stats.friedmanchisquare(*scores.to_numpy().T).statistic, rel=1e-12)
    assert (
        found["rank"].idxmin() == "c" and (found["low"] < found["rank"]).all() and found["images"].tolist() == [20] * 4
    )
    assert mean_ranks(scores, higher_is_better=False)["rank"].to_numpy() == pytest.approx(5 - found["rank"].to_numpy())


def test_mean_ranks_share_ties_and_want_whole_images():
    scores = pd.DataFrame({"a": [3.0, 3, 3, 1], "b": [3.0, 2, 2, np.nan], "c": [1.0, 1, 1, 5]})
    found = mean_ranks(scores)
    assert found["rank"].tolist() == pytest.approx([(1.5 + 1 + 1) / 3, (1.5 + 2 + 2) / 3, 3])
    assert found["images"].tolist() == [3, 3, 3]


def test_robustness_by_hand():
    """Errors are 255 / 10^(PSNR / 20): 20 dB is 25.5, 40 dB 2.55. Levels of poisson are summed, noises averaged."""
    of_ours = {"poisson(alpha=2)": 20.0, "poisson(alpha=3)": 40.0, "isp": 40.0}

    def psnr(model, noise, i):
        return 30.0 if noise == "gaussian(sigma=15)" else of_ours[noise] if model == "ours" else 20.0

    found = standings(rows(psnr)).set_index("model")
    expected = ((25.5 + 2.55) / (25.5 + 25.5) + 2.55 / 25.5) / 2
    assert error(np.array([20.0, 40.0])) == pytest.approx([25.5, 2.55])
    assert found.loc["ours", "robustness"] == pytest.approx(expected)
    assert found.loc[["baseline", "dncnn", "noisy"], "robustness"].tolist() == pytest.approx([1, 1, 1])
    assert found.loc["ours", ["robustness_low", "robustness_high"]].tolist() == pytest.approx([expected] * 2)


def test_standings_pair_images_and_draw_photographs():
    random = np.random.default_rng(1)
    hard = random.normal(0, 2, 24)
    gain = random.uniform(0.2, 0.8, 24)

    def psnr(model, noise, i):
        return 32 + hard[i] - NOISES[noise] + (gain[i] if model == "ours" and noise != "gaussian(sigma=15)" else 0)

    frame = rows(psnr)
    found = standings(frame).set_index("model")
    assert list(found.index) == ["ours", "baseline", "dncnn", "noisy"] and (found["images"] == 24).all()
    assert found.loc["ours", "off_training"] == pytest.approx(32 + hard.mean() - 3 + gain.mean())
    assert found.loc["ours", "loss"] == pytest.approx(3 - gain.mean())
    assert found.loc["ours", ["rank", "rank_low", "rank_high"]].tolist() == pytest.approx([1, 1, 1])
    assert np.isnan(found.loc["noisy", "rank"])
    score = found.loc["ours"]
    assert score["robustness_low"] < score["robustness"] < score["robustness_high"] < 1
    tables = {m: part.pivot(index="image", columns="noise", values="psnr") for m, part in frame.groupby("model")}
    errors = {m: error(table.loc[[f"{i}.png" for i in range(24)]].to_numpy()) for m, table in tables.items()}
    expected = stats.bootstrap(
        [np.arange(12)], lambda drawn: _score(errors, drawn), vectorized=False, confidence_level=1 - 2 * level(12),
        rng=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    ends = score["robustness_low"], score["robustness_high"]  # SciPy calls a resample of each photograph once no tie
    assert ends == pytest.approx((expected.low, expected.high), abs=2e-5) and ends[1] - ends[0] > 0.01


def _score(errors, drawn) -> float:
    images = np.concatenate([2 * drawn, 2 * drawn + 1]).astype(int)
    mine, theirs = (errors[model][images].sum(0) for model in ("ours", "baseline"))  # gaussian, isp, poisson, poisson
    return ((mine[2] + mine[3]) / (theirs[2] + theirs[3]) + mine[1] / theirs[1]) / 2


def test_without_a_baseline_there_is_no_robustness():
    found = standings(rows(lambda model, noise, i: 30.0 + i), reference="swinir")
    assert found["robustness"].isna().all() and found["off_training"].notna().all()


def test_off_training_is_other_kinds_or_else_other_levels():
    frame = rows(lambda *_: 30.0)
    assert off_training(frame) == {"poisson": ["poisson(alpha=2)", "poisson(alpha=3)"], "isp": ["isp"]}
    gaussian = pd.DataFrame({"noise": ["gaussian(sigma=15)", "gaussian(sigma=25)"], "noise_name": "gaussian"})
    assert off_training(gaussian) == {"gaussian": ["gaussian(sigma=25)"]}
