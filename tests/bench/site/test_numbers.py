"""The numbers that pages get: equal to those of the exports, and ranked only where they may be."""

import numpy as np
import pandas as pd
import pytest

from bench.noise.training_noise import parse
from bench.site.numbers import numbers_of
from bench.statistics.ood import Conditions
from bench.statistics.standings import standings

NOISES = {"gaussian(sigma=15)": 0.0, "gaussian(sigma=25)": 3.0, "poisson(alpha=2)": 4.0, "poisson(alpha=3)": 6.0}
MODELS = {"a": 8.0, "b": 7.9, "far": 2.0, "below": -1.0}  # PSNR above that of the noisy input


def rows(noises=tuple(NOISES)) -> pd.DataFrame:
    """Rows of twelve images; `far` is more than 1 dB behind, `below` is below the noisy input."""
    random = np.random.default_rng(0)
    found = []
    for noise in noises:
        name, _, level = noise.removesuffix(")").replace("(", "=").split("=")
        for image in range(12):
            noisy = 24 - NOISES[noise] + random.normal(0, 0.1)
            for model, gain in MODELS.items():
                known = {"model": model, "dataset": "d", "image": f"{image}.png", "noise": noise, "noise_name": name}
                known |= {"noise_version": 1, "level": float(level), "seed": 0, "protocol": "stored", "status": "ok"}
                psnr = noisy + gain + random.normal(0, 0.3)
                found.append({**known, "psnr": psnr, "psnr_noisy": noisy, "reason": ""})
    return pd.DataFrame(found)


def conditions(**training: str) -> Conditions:
    return Conditions(training={model: parse(training.get(model, "gaussian(sigma=15)")) for model in MODELS})


def test_the_columns_are_the_summary_the_means_of_levels_and_the_standings():
    frame = rows()
    numbers, lines = numbers_of(frame, conditions()), standings(frame, conditions()).set_index("model")
    board = numbers.leaderboard[numbers.leaderboard["measure"] == "psnr"]
    gaussian, poisson = list(NOISES)[:2], list(NOISES)[2:]
    assert list(dict.fromkeys(board["noise"])) == ["OOD mean", *gaussian, "mean of poisson", *poisson]
    for noise, part in board.groupby("noise"):
        found = part.set_index("model")[["value", "low", "high"]]
        if noise == "OOD mean":
            expected = lines[["ood", "ood_low", "ood_high"]]
        elif noise in NOISES:
            of_noise = numbers.summary[numbers.summary["noise"] == noise].set_index("model")
            expected = of_noise[["psnr", "psnr_low", "psnr_high"]]
        else:
            own = frame[frame["noise_name"] == "poisson"].groupby("model")["psnr"].mean()
            assert found["value"].drop("noisy").to_dict() == pytest.approx(own.to_dict())
            continue
        np.testing.assert_allclose(found.loc[expected.index], expected, rtol=1e-12)
    below = board[board["below_noisy"]]
    assert set(below["model"]) == {"below"} and len(below) == 6
    assert lines["below_noisy"].to_dict() == (numbers.standings.set_index("model")["gain"] < 0).to_dict()


@pytest.mark.parametrize("noises", [tuple(NOISES), ("gaussian(sigma=15)", "gaussian(sigma=25)")])
def test_by_psnr_drop_only_models_near_the_best_are_ranked(noises):
    """By the OOD mean; and by the first noise where none is out of distribution."""
    numbers = numbers_of(rows(noises), conditions(**dict.fromkeys(MODELS, "gaussian(sigma=15-25)")))
    first = numbers.leaderboard.groupby("measure").head(len(MODELS) + 1).set_index(["measure", "model"])
    assert (first["noise"].iloc[0] == "OOD mean") == (len(noises) > 2)
    ranked = first["first_rank"].dropna()
    assert set(ranked["psnr"].index) == set(MODELS) and set(ranked["drop"].index) == {"a", "b"}


def test_each_model_is_compared_with_the_others_of_its_group():
    frame = rows()
    numbers = numbers_of(frame, conditions(far="gaussian(sigma=50)"))
    means = frame.groupby(["noise", "model"])["psnr"].mean()
    found = numbers.differences.set_index(["noise", "model"])["value"]
    assert set(found.index.unique("model")) == {"a", "b", "below"}
    for noise in NOISES:
        expected = means[noise, "a"] - (means[noise, "b"] + means[noise, "below"]) / 2
        assert found[noise, "a"] == pytest.approx(expected)
