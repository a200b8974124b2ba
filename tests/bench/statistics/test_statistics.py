"""Intervals and PSNR drops."""

import numpy as np
import pandas as pd
import pytest

from bench import statistics


def rows(scores: dict, noisy: float = 20.0) -> pd.DataFrame:
    """{(model, noise, image, seed): psnr} -> rows; None is a failed row."""
    found = []
    for (model, noise, image, seed), psnr in scores.items():
        name, _, level = noise.partition("(")
        found.append(
            {
                "model": model,
                "dataset": "d",
                "image": image,
                "noise": noise,
                "noise_name": name,
                "noise_version": 1,
                "level": 15.0,
                "seed": seed,
                "protocol": "stored",
                "psnr": psnr,
                "ssim": 0.5,
                "lpips": np.nan,
                "psnr_noisy": noisy,
                "ssim_noisy": 0.1,
                "lpips_noisy": np.nan,
                "status": "ok" if psnr is not None else "failed",
                "reason": "",
            }
        )
    return pd.DataFrame(found).astype({"psnr": float})


def test_seeds_are_averaged_before_images():
    scores = {("m", "gaussian(sigma=15)", "a", seed): 30.0 + seed for seed in (0, 1)}
    scores |= {("m", "gaussian(sigma=15)", image, 0): 40.0 for image in "bc"}
    line = statistics.summarize(rows(scores)).set_index("model").loc["m"]
    assert line["images"] == 3 and line["psnr"] == pytest.approx((30.5 + 40 + 40) / 3)


def test_the_gap_pairs_images_and_counts_failures():
    scores = {
        ("m", "gaussian(sigma=15)", image, 0): value for image, value in zip("abcd", (30, 31, 35, 40), strict=True)
    }
    scores |= {("m", "mixture(level=1)", image, 0): value for image, value in zip("abc", (28, 28, 31), strict=True)}
    scores |= {("m", "mixture(level=1)", "d", 0): None}
    lines = statistics.summarize(rows(scores)).set_index(["model", "noise"])
    line = lines.loc[("m", "mixture(level=1)")]
    assert line["drop"] == pytest.approx((2 + 3 + 4) / 3) and line["failed"] == 1 and line["images"] == 3
    assert np.isnan(lines.loc[("m", "gaussian(sigma=15)"), "drop"])
    assert lines.loc[("noisy", "mixture(level=1)"), "drop"] == pytest.approx(0)
    assert list(lines.index.get_level_values("model").unique()) == ["m", "noisy"]


def test_intervals_cover_the_mean_as_often_as_they_say():
    random = np.random.default_rng(3)
    hits = 0
    for _ in range(200):
        _, low, high = statistics.mean_interval(random.gamma(2, 1, 30))
        hits += low <= 2 <= high
    assert 175 <= hits <= 199  # 95% of 200, less the bootstrap's known shortfall at 30 skewed values


def test_intervals_of_few_or_equal_values():
    assert statistics.mean_interval(np.array([1.0, 2.0]))[0] == 1.5
    assert np.isnan(statistics.mean_interval(np.array([1.0, 2.0]))[1])
    assert statistics.mean_interval(np.array([2.0, 2.0, 2.0])) == (2, 2, 2)
    assert np.isnan(statistics.mean_interval(np.array([]))[0])


def test_a_table_repeats():
    values = np.random.default_rng(0).normal(size=20)
    assert statistics.mean_interval(values) == statistics.mean_interval(values)


def test_pivot_has_noises_down_and_models_across():
    scores = {("m", "gaussian(sigma=15)", image, 0): 30.0 for image in "abc"}
    scores |= {("n", "mixture(level=1)", image, 0): 28.5 for image in "abc"}
    wide = statistics.pivot(statistics.summarize(rows(scores)))
    assert list(wide.columns) == ["dataset", "noise", "m", "n", "noisy"]
    assert wide["m"].tolist() == ["30.00 ± 0.00", ""] and wide["noisy"].tolist() == ["20.00 ± 0.00"] * 2


def test_the_mean_of_crops_has_the_interval_of_their_photographs():
    scores = {
        ("m", "gaussian(sigma=15)", f"{photo}{i}", 0): 30.0 + 3 * place + i
        for place, photo in enumerate("abcd")
        for i in range(3)
    }
    crops = rows(scores)
    alone = statistics.summarize(crops).set_index("model").loc["m"]
    line = statistics.summarize(crops.assign(photograph=crops["image"].str[0])).set_index("model").loc["m"]
    assert line["psnr"] == alone["psnr"] and line["images"] == alone["images"] == 12
    assert line["psnr_high"] - line["psnr_low"] > 1.2 * (alone["psnr_high"] - alone["psnr_low"])
