"""Ranks, relative errors and the leaderboard."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.noise.training_noise import of_model, parse
from bench.statistics import pivot, summarize
from bench.statistics.intervals import level
from bench.statistics.ood import Conditions, common, groups, nearly_clean
from bench.statistics.ranks import mean_ranks
from bench.statistics.relative_error import error
from bench.statistics.standings import standings

NOISES = {"gaussian(sigma=15)": 0, "poisson(alpha=2)": 3, "poisson(alpha=3)": 5, "isp": 1}


def rows(psnr) -> pd.DataFrame:
    """Rows of a run, psnr(model, noise, place of the image) dB for 24 images, two of each photograph."""
    found = [
        {
            "model": model,
            "dataset": "d",
            "image": f"{i}.png",
            "photograph": f"{i // 2:02}",
            "noise": noise,
            "noise_name": noise.partition("(")[0],
            "noise_version": 1,
            "level": 1.0,
            "seed": 0,
            "protocol": "stored",
            "psnr": psnr(model, noise, i),
            "psnr_noisy": 20.0,
            "status": "ok",
        }
        for model in ("ours", "baseline", "dncnn")
        for noise in NOISES
        for i in range(24)
    ]
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


def test_relative_error_by_hand():
    """Errors are 255 / 10^(PSNR / 20): 20 dB is 25.5, 40 dB 2.55. Levels of poisson are summed, noises averaged."""
    of_ours = {"poisson(alpha=2)": 20.0, "poisson(alpha=3)": 40.0, "isp": 40.0}

    def psnr(model, noise, i):
        return 30.0 if noise == "gaussian(sigma=15)" else of_ours[noise] if model == "ours" else 20.0

    found = standings(rows(psnr)).set_index("model")
    expected = ((25.5 + 2.55) / (25.5 + 25.5) + 2.55 / 25.5) / 2
    assert error(np.array([20.0, 40.0])) == pytest.approx([25.5, 2.55])
    assert found.loc["ours", "relative_error"] == pytest.approx(expected)
    assert found.loc[["baseline", "dncnn", "noisy"], "relative_error"].tolist() == pytest.approx([1, 1, 1])
    assert found.loc["ours", ["relative_error_low", "relative_error_high"]].tolist() == pytest.approx([expected] * 2)


def test_standings_pair_images_and_draw_photographs():
    random = np.random.default_rng(1)
    hard = random.normal(0, 2, 24)
    gain = random.uniform(0.2, 0.8, 24)

    def psnr(model, noise, i):
        return 32 + hard[i] - NOISES[noise] + (gain[i] if model == "ours" and noise != "gaussian(sigma=15)" else 0)

    frame = rows(psnr)
    found = standings(frame).set_index("model")
    assert list(found.index) == ["ours", "baseline", "dncnn", "noisy"] and (found["images"] == 24).all()
    assert found.loc["ours", "ood"] == pytest.approx(32 + hard.mean() - 3 + gain.mean())
    assert found.loc["ours", "drop"] == pytest.approx(3 - gain.mean())
    assert found.loc["ours", ["rank", "rank_low", "rank_high"]].tolist() == pytest.approx([1, 1, 1])
    assert np.isnan(found.loc["noisy", "rank"])
    score = found.loc["ours"]
    assert score["relative_error_low"] < score["relative_error"] < score["relative_error_high"] < 1
    tables = {m: part.pivot(index="image", columns="noise", values="psnr") for m, part in frame.groupby("model")}
    errors = {m: error(table.loc[[f"{i}.png" for i in range(24)]].to_numpy()) for m, table in tables.items()}
    expected = stats.bootstrap(
        [np.arange(12)],
        lambda drawn: _score(errors, drawn),
        vectorized=False,
        confidence_level=1 - 2 * level(12),
        rng=np.random.default_rng(0),
    ).confidence_interval
    ends = (
        score["relative_error_low"],
        score["relative_error_high"],
    )  # SciPy calls a resample of each photograph once no tie
    assert ends == pytest.approx((expected.low, expected.high), abs=2e-5) and ends[1] - ends[0] > 0.01


def _score(errors, drawn) -> float:
    images = np.concatenate([2 * drawn, 2 * drawn + 1]).astype(int)
    mine, theirs = (errors[model][images].sum(0) for model in ("ours", "baseline"))  # gaussian, isp, poisson, poisson
    return ((mine[2] + mine[3]) / (theirs[2] + theirs[3]) + mine[1] / theirs[1]) / 2


def test_without_a_baseline_there_is_no_relative_error():
    found = standings(rows(lambda model, noise, i: 30.0 + i), reference="swinir")
    assert found["relative_error"].isna().all() and found["ood"].notna().all()


def trained(**noises: str) -> Conditions:
    """Conditions under which models were trained on these noises, '' where that is not known."""
    return Conditions(training={model: parse(noise) for model, noise in noises.items()})


def test_what_is_ood_is_the_model_s_own():
    frame = rows(lambda *_: 30.0)
    conditions = trained(ours="gaussian(sigma=0-55)", baseline="poisson(alpha=2-2.5)", dncnn="")
    assert common(frame, conditions, ["ours"]) == ["poisson(alpha=2)", "poisson(alpha=3)", "isp"]
    assert common(frame, conditions, ["baseline"]) == ["gaussian(sigma=15)", "poisson(alpha=3)", "isp"]
    assert common(frame, conditions, ["dncnn"]) == [
        "poisson(alpha=2)",
        "poisson(alpha=3)",
        "isp",
    ]  # the reference apart
    assert common(frame, conditions, ["ours", "baseline"]) == ["poisson(alpha=3)", "isp"]
    gaussian = frame.replace({"noise": {"isp": "gaussian(sigma=25)"}})
    assert "gaussian(sigma=25)" in common(gaussian, trained(ours="gaussian(sigma=15)"), ["ours"])
    assert "gaussian(sigma=25)" not in common(gaussian, conditions, ["ours"])


def test_models_are_grouped_by_what_they_were_trained_on():
    frame = rows(lambda *_: 30.0)

    def names(conditions):
        return {group.name: group.models for group in groups(frame, conditions)}

    same = trained(ours="gaussian(sigma=15)", baseline="gaussian(sigma=15)", dncnn="gaussian(sigma=15)")
    assert names(same) == {"": ("ours", "baseline", "dncnn")}
    mixed = trained(ours="gaussian(sigma=0-55)", baseline="gaussian(sigma=15)")
    found = names(mixed)
    assert list(found.values()) == [("baseline",), ("ours",), ("dncnn",)] and list(found)[0] == ""
    classical, untrained = of_model({"libraries": {}}, "none needed", "-"), of_model({}, "none", "full")
    beside = Conditions(training={"ours": classical, "baseline": untrained, "dncnn": parse("gaussian(sigma=25)")})
    assert list(names(beside).items())[0] == ("", ("ours", "baseline"))
    alone = Conditions(
        "gaussian(sigma=25)", {"ours": parse("gaussian(sigma=25)"), "dncnn": parse("gaussian(sigma=15)")}
    )
    assert list(names(alone).values()) == [("ours",), ("baseline",), ("dncnn",)]
    without = Conditions("", {m: parse("poisson(alpha=2)") for m in ("ours", "dncnn")})
    assert list(names(without).items())[0] == ("", ("ours", "dncnn"))  # the most common one


def test_ranks_compare_equal_training_noise_alone():
    quality = {"ours": 31.0, "baseline": 30.0, "dncnn": 35.0}
    conditions = trained(ours="gaussian(sigma=15)", baseline="gaussian(sigma=15)", dncnn="poisson(alpha=2)")
    frame = rows(lambda model, noise, i: quality[model] - NOISES[noise] + (5 if noise == "gaussian(sigma=15)" else 0))
    found = standings(frame, conditions).set_index("model")
    assert found.loc[["ours", "baseline"], "rank"].tolist() == [1, 2] and np.isnan(found.loc["dncnn", "rank"])
    assert found.loc["ours", "ood"] == pytest.approx(31 - 3)  # poisson 2, poisson 3 and isp: 3, 5 and 1 dB lower
    assert found.loc["dncnn", "ood"] == pytest.approx(35 - (5 + 1 - 5) / 3)  # poisson 3, isp, and Gaussian 15
    assert np.isnan(found.loc["dncnn", "relative_error"])
    assert found.loc["dncnn", "group"] != found.loc["ours", "group"] == ""


def test_a_model_below_the_noisy_input_is_marked():
    quality = {"ours": 19.9, "baseline": 20.1, "dncnn": 30.0}
    found = standings(rows(lambda model, noise, i: quality[model])).set_index("model")
    assert found["below_noisy"].to_dict() == {"ours": True, "baseline": False, "dncnn": False, "noisy": False}
    table = pivot(summarize(rows(lambda model, noise, i: quality[model])))
    assert table["ours"].str.contains("below").all() and not table["baseline"].str.contains("below").any()
    cells = summarize(rows(lambda model, noise, i: 15.0 if noise == "isp" else 25.0)).set_index(["model", "noise"])
    assert cells.loc[("ours", "isp"), "below_noisy"] and not cells.loc[("ours", "poisson(alpha=2)"), "below_noisy"]


def test_noise_that_leaves_pictures_as_they_are_is_in_no_ood_mean():
    frame = rows(lambda model, noise, i: 42.0 if noise == "isp" else 30.0 - NOISES[noise])
    frame.loc[frame["noise"] == "isp", "psnr_noisy"] = 60.0
    assert nearly_clean(frame) == {"isp": 60.0}
    assert standings(frame).set_index("model").loc["ours", "ood"] == pytest.approx(30 - 4)
    frame.loc[frame["noise"] == "isp", "psnr_noisy"] = 44.0
    assert nearly_clean(frame) == {} and standings(frame).set_index("model").loc["ours", "ood"] > 30


def test_without_a_reference_noise_there_is_no_drop():
    frame = rows(lambda model, noise, i: 30.0 - NOISES[noise])
    found = standings(frame, Conditions("", {"ours": parse("gaussian(sigma=15)")})).set_index("model")
    assert found["drop"].isna().all() and found["reference"].isna().all() and found.loc["ours", "ood"] == 27
    assert summarize(frame, "")["drop"].isna().all()
    other = standings(frame, Conditions("isp")).set_index("model")
    assert other.loc["ours", "reference"] == 29 and other.loc["ours", "drop"] == pytest.approx(29 - (30 + 27 + 25) / 3)
