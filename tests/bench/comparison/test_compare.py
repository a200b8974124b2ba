"""`bench compare` and `bench.compare`: what is paired, what is said of it, and exit codes."""

import json
import re
import shutil
import sqlite3
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import bench
from bench.cli import main
from bench.commands.compare import show
from bench.comparison import regressions
from bench.core.errors import BadInput
from bench.runs import export
from bench.statistics import mean_interval
from bench.statistics.significance import holm, p_values

NOISES = {
    "gaussian(sigma=15)": ("gaussian", 15),
    "poisson(alpha=2)": ("poisson", 2),
    "poisson(alpha=3)": ("poisson", 3),
}


def rows(models: dict[str, float], images: int = 12, noises=NOISES, shift: float = 0.0, seeds=(0,)) -> pd.DataFrame:
    """Rows of a run whose models are above the first by known dB, and by chance, on images that differ."""
    random = np.random.default_rng(0)
    hard = random.normal(0, 2, images)
    found = []
    for noise, (name, level) in noises.items():
        for model, above in models.items():
            for i in range(images):
                for seed in seeds:
                    psnr = 30 + hard[i] - level / 10 + above + shift + random.normal(0, 0.05)
                    found.append(
                        {
                            "model": model,
                            "dataset": "d",
                            "image": f"{i:02}.png",
                            "photograph": f"{i:02}",
                            "image_hash": f"{i}",
                            "noise": noise,
                            "noise_name": name,
                            "noise_version": 1,
                            "level": level,
                            "seed": seed,
                            "protocol": "stored",
                            "psnr": psnr,
                            "psnr_noisy": 20.0,
                            "lpips": 0.3 - psnr / 1000,
                            "lpips_noisy": 0.5,
                            "status": "ok",
                            "reason": "",
                        }
                    )
    return pd.DataFrame(found)


def of(frame: pd.DataFrame, noise: str, metric: str = "psnr") -> pd.Series:
    return frame[(frame["noise"] == noise) & (frame["metric"] == metric)].squeeze()


def test_two_models_of_one_run():
    run = rows({"ours": 0.2, "baseline": 0.0})
    frame = bench.compare(run)
    assert list(frame["noise"].unique()) == [*NOISES, "OOD mean"] and set(frame["metric"]) == {"psnr", "lpips"}
    table = run.pivot(index="image", columns=["noise", "model"], values="psnr")
    for noise in NOISES:
        line, change = of(frame, noise), (table[(noise, "ours")] - table[(noise, "baseline")]).to_numpy()
        assert (line["difference"], line["low"], line["high"]) == pytest.approx(mean_interval(change), rel=1e-9)
        assert line["mean"] - line["mean_against"] == pytest.approx(line["difference"]) and line["images"] == 12
        assert line["p"] == p_values(change[:, None])[0] and 0.1 < line["difference"] < 0.3
        largest = np.argsort(-np.abs(change))[:3]
        assert line["moved"] == tuple((f"{i:02}.png", pytest.approx(change[i])) for i in largest)
    mean = np.mean([of(frame, noise)["difference"] for noise in ("poisson(alpha=2)", "poisson(alpha=3)")])
    assert of(frame, "OOD mean")["difference"] == pytest.approx(mean)
    psnr = frame[frame["metric"] == "psnr"]
    assert psnr["p_holm"].tolist()[:3] == holm(psnr["p"].to_numpy()[:3]).tolist()
    assert of(frame, "OOD mean")["p_holm"] == of(frame, "OOD mean")["p"]
    assert frame["training_sd"].isna().all()


def test_crops_of_a_photograph_and_seeds_of_the_noise():
    run = rows({"ours": 0.2, "baseline": 0.0}, seeds=(0, 1))
    alone = of(bench.compare(run, noises="poisson(alpha=2)", metrics="psnr"), "poisson(alpha=2)")
    run["photograph"] = (run["image"].str[:2].astype(int) // 3).astype(str)
    line = of(bench.compare(run, noises="poisson(alpha=2)", metrics="psnr"), "poisson(alpha=2)")
    assert (line["images"], line["photographs"], alone["photographs"]) == (12, 4, 12)
    assert line["difference"] == alone["difference"] and line["p"] >= 2 / 2**4 > alone["p"]
    table = run[run["noise"] == "poisson(alpha=2)"].pivot_table(index="image", columns="model", values="psnr")
    assert line["difference"] == pytest.approx((table["ours"] - table["baseline"]).mean())


def test_trainings_are_averaged_and_their_spread_stands_apart():
    above = {"ours": 0.5, "ours(weights='s1')": 0.1, "ours(weights='s2')": 0.3, "baseline": 0.0,
             "baseline(weights='s1')": 0.2}  # fmt: skip
    run = rows(above)
    frame = bench.compare(
        run,
        models="ours, ours(weights='s1'), ours(weights='s2')",
        against="baseline, baseline(weights='s1')",
        metrics="psnr",
    )
    line = of(frame, "poisson(alpha=3)")
    assert line["model"] == "ours and 2 more trainings" and line["against"] == "baseline and 1 more training"
    assert (line["trainings"], line["trainings_against"]) == (3, 2)
    means = run[run["noise"] == "poisson(alpha=3)"].groupby("model")["psnr"].mean()
    ours, baseline = (means[means.index.str.startswith(name)] for name in ("ours", "baseline"))
    assert line["difference"] == pytest.approx(ours.mean() - baseline.mean())
    assert line["training_sd"] == pytest.approx(np.sqrt(ours.var() + baseline.var()))
    assert line["training_min"] == pytest.approx(ours.min() - baseline.max())
    assert line["training_max"] == pytest.approx(ours.max() - baseline.min())
    assert line["high"] - line["low"] < line["training_sd"]  # images say nothing of trainings
    with pytest.raises(BadInput, match="got ours, baseline"):
        bench.compare(run, models="ours, baseline", against="baseline")


def test_only_equal_pixels_are_paired_and_the_rest_is_counted():
    new, old = rows({"ours": 0.2, "dncnn": 0.0}), rows({"ours": 0.0, "swinir": 0.0})
    new.loc[new["image"] == "03.png", "image_hash"] = "other pixels"
    new.loc[new["noise"] == "poisson(alpha=3)", "noise_version"] = 2
    failed = (new["image"] == "05.png") & (new["noise"] == "poisson(alpha=2)")
    new.loc[failed, ["psnr", "lpips", "status"]] = [np.nan, np.nan, "failed"]
    frame = bench.compare(new, old)
    assert set(frame["noise"]) == {"gaussian(sigma=15)", "poisson(alpha=2)"} and set(frame["model"]) == {"ours"}
    line = of(frame, "poisson(alpha=2)")
    assert (line["images"], line["unpaired"], line["failed"]) == (10, 2, 1)
    assert of(frame, "gaussian(sigma=15)")[["images", "unpaired", "failed"]].tolist() == [11, 1, 0]
    notes = " ".join(frame.attrs["notes"])
    assert "Not in the other run: dncnn." in notes and "Only in the other run: swinir." in notes
    assert "Only on this side: poisson(alpha=3) on d." in notes and "3 rows without a counterpart" in notes


def test_a_score_that_one_side_lacks_is_left_out_of_both():
    run = rows({"ours": 0.2, "baseline": 0.0}, images=3, seeds=(0, 1))
    hole = (run["model"] == "baseline") & (run["image"] == "00.png") & (run["seed"] == 1)
    whole = run[(run["image"] != "00.png") | (run["seed"] == 0)]
    run.loc[hole, "lpips"] = np.nan
    found, expected = (bench.compare(one, metrics="lpips") for one in (run, whole))
    assert found["difference"].to_numpy() == pytest.approx(expected["difference"].to_numpy(), rel=1e-9)


@pytest.mark.slow
def test_several_comparisons_are_one_family():
    run = rows({"ours": 0.2, "baseline": 0.0, "dncnn": 0.01})
    one = bench.compare(run, metrics="psnr")
    both = bench.compare(run, models=["ours", "dncnn"], against="baseline", metrics="psnr")
    assert list(both["model"].unique()) == ["ours", "dncnn"]
    assert of(both[both["model"] == "ours"], "poisson(alpha=2)")["p_holm"] == pytest.approx(
        2 * of(one, "poisson(alpha=2)")["p_holm"]
    )
    every = bench.compare(run, models="all", against="baseline", metrics="psnr")
    assert every.drop(columns="moved").equals(both.drop(columns="moved"))


@pytest.mark.slow
def test_equal_runs_differ_by_nothing():
    run = rows({"ours": 0.0})
    frame = bench.compare(run, run)
    assert (frame[["difference", "low", "high"]] == 0).all(axis=None) and (frame["p"] == 1).all()
    assert (frame["moved"].str.len() == 0).all() and (frame["p_holm"] == 1).all()
    moved = run.assign(psnr=run["psnr"] + 0.1 * (run["noise"] == "poisson(alpha=2)"))
    line = of(bench.compare(moved, run, metrics="psnr"), "poisson(alpha=2)")
    assert line["p_holm"] == line["p"] == 2 / 2**12  # the other noises did not move and are no comparisons
    rounded = run.assign(psnr=run["psnr"] * (1 + 2e-16))
    assert (bench.compare(rounded, run)["difference"] == 0).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"models": "our"}, "Did you mean 'ours'"),
        ({"against": "ours"}, "ours on both sides"),
        ({"noises": "speckle"}, "unknown noise 'speckle'"),
        ({"noises": "gausian"}, "Did you mean 'gaussian'"),
        ({"noises": "poisson(alpha=9)"}, "gaussian(sigma=15), poisson(alpha=2), poisson(alpha=3)"),
        ({"datasets": "Kodak"}, "unknown data set 'Kodak'"),
        ({"metrics": "psrn"}, "Did you mean 'psnr'"),
        ({"models": ","}, "expected a model"),
        ({"protocol": "float"}, "protocol 'float', got stored"),
    ],
)
def test_bad_input(options, words):
    with pytest.raises(BadInput, match=re.escape(words)):
        bench.compare(rows({"ours": 0.2, "baseline": 0.0}, images=3), **options)


def test_nothing_to_compare_is_bad_input():
    new = rows({"ours": 0.0}, images=3)
    with pytest.raises(BadInput, match="nothing to compare"):
        bench.compare(new, new.assign(noise_version=2))
    with pytest.raises(BadInput, match="got ours and dncnn"):
        bench.compare(new, rows({"dncnn": 0.0}, images=3))
    with pytest.raises(BadInput, match="metric .* lpips and psnr"):
        bench.compare(new.assign(psnr=np.nan), new.drop(columns=["lpips", "lpips_noisy"]))
    with pytest.raises(BadInput, match="--against B"):
        bench.compare(new)


def call(*arguments):
    return CliRunner().invoke(main, ["compare", *map(str, arguments)])


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> tuple[Path, Path]:
    """A run of two networks on four pictures, and a copy whose first network scores 0.1 dB more under poisson."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("runs")
    photos, networks = folder / "photos", folder / "networks.py"
    photos.mkdir()
    random = np.random.default_rng(7)
    for name in "abcd":
        small = Image.fromarray(random.integers(0, 256, (6, 7, 3), dtype=np.uint8))
        small.resize((48, 40), Image.Resampling.BICUBIC).save(photos / f"{name}.png")
    from tests.bench.conftest import NETWORK

    networks.write_text(NETWORK)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_HOME", str(folder / "home"))
        patch.setattr(sys, "argv", ["bench"])
        models = f"{networks}:Blur,{networks}:Blur(strength=0.5)"
        bench.run(models, "poisson(alpha=2)", data=(photos,), metrics="psnr,ssim", out=folder / "new")
    shutil.copytree(folder / "new", folder / "old")
    with sqlite3.connect(folder / "old/rows.sqlite") as connection:
        connection.execute("UPDATE rows SET psnr = psnr + 0.1 WHERE model = 'Blur' AND noise_name = 'poisson'")
    connection.close()
    return folder / "new", folder / "old"


@pytest.mark.slow
def test_the_command_prints_differences_and_what_they_rest_on(folders):
    result = call(*folders)
    assert result.exit_code == 0, result.output
    assert "PSNR (dB) of Blur in" in result.output and "-0.100 [-0.100, -0.100]" in result.output
    assert (
        "SSIM of Blur(strength=0.5)" in result.output and "4 photographs" in result.output and "0.12" in result.output
    )
    result = call(
        folders[0], "--models", "Blur(strength=0.5)", "--against", "Blur", "--metric", "psnr", "--noise", "poisson"
    )
    assert result.exit_code == 0 and "gaussian" not in result.output and "minus Blur, photos" in result.output


@pytest.mark.slow
def test_a_fall_ends_with_code_1(folders):
    assert call(*folders, "--fail-below", "-0.2").exit_code == 0
    result = call(*folders, "--fail-below", "-0.05")
    assert result.exit_code == 1 and "Blur, poisson(alpha=2) on photos: psnr -0.1000 against Blur" in result.output
    assert call(*reversed(folders), "--fail-below", "-0.05").exit_code == 0
    assert call(*folders, "--fail-below", "-0.05", "--metric", "ssim").exit_code == 0
    assert call(*folders, "--fail-below", "-0.05", "--noise", "gaussian(15)").exit_code == 0
    assert call(folders[0], folders[0] / "gone", "--fail-below", "-0.05").exit_code == 2


def test_a_rise_is_a_fall_where_lower_is_better():
    frame = bench.compare(rows({"ours": -2.0, "baseline": 0.0}, noises={"isp": ("isp", 0)}))
    assert regressions(frame, -0.001, "lpips", higher_is_better=False) == [
        f"ours, isp on d: lpips {of(frame, 'isp', 'lpips')['difference']:+.4f} against baseline"
    ]
    assert not regressions(frame, -0.001, "lpips", higher_is_better=True)


@pytest.mark.slow
def test_an_image_that_failed_here_alone_ends_with_code_1(folders, tmp_path):
    shutil.copytree(folders[0], tmp_path / "failing")
    with sqlite3.connect(tmp_path / "failing/rows.sqlite") as connection:
        connection.execute("UPDATE rows SET psnr = NULL, status = 'failed' WHERE model = 'Blur' AND image = 'b.png'")
    connection.close()
    result = call(tmp_path / "failing", folders[0], "--fail-below", "-0.05")
    assert result.exit_code == 1 and "Blur, poisson(alpha=2) on photos: 1 images failed" in result.output
    assert call(folders[0], tmp_path / "failing", "--fail-below", "-0.05").exit_code == 0


@pytest.mark.slow
def test_a_noise_under_which_every_image_failed_ends_with_code_1(folders, tmp_path):
    shutil.copytree(folders[0], tmp_path / "failing")
    with sqlite3.connect(tmp_path / "failing/rows.sqlite") as connection:
        where = "model = 'Blur' AND noise_name = 'poisson'"
        connection.execute(f"UPDATE rows SET psnr = NULL, ssim = NULL, status = 'failed' WHERE {where}")
    connection.close()
    result = call(tmp_path / "failing", folders[0], "--metric", "psnr", "--fail-below", "-0.05")
    assert result.exit_code == 1 and "Blur, poisson(alpha=2) on photos: 4 images failed" in result.output
    result = call(tmp_path / "failing", folders[0], "--fail-below", "nan")
    assert result.exit_code == 2 and "--fail-below" in result.output and "nan" in result.output


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["csv", "json", "markdown", "latex"])
def test_formats(folders, tmp_path, kind):
    file = tmp_path / f"table.{kind}"
    assert call(*folders, "--metric", "psnr", "--format", kind, "-o", file).exit_code == 0
    text = file.read_text()
    if kind == "csv":
        found = pd.read_csv(file).set_index(["model", "noise"]).loc[("Blur", "poisson(alpha=2)")]
        assert found["difference"] == pytest.approx(-0.1) and found["images"] == 4 and "a.png -0.1" in found["moved"]
    elif kind == "json":
        assert {line["difference"] for line in json.loads(text) if line["noise"] != "gaussian(sigma=15)"} >= {0.0}
    else:
        plain = text.replace("\\_", "_").replace("$-$", "-")
        assert "p_holm" in plain and "-0.1" in plain and len(text.splitlines()) < 20
    assert call(*folders, "-o", tmp_path).exit_code == 2


def test_a_table_for_a_paper():
    frame = pd.DataFrame({"noise": ["isp"], "difference": [-0.25], "images": [7], "p_holm": [2e-7], "level": [0.0]})
    lines = export.encode(frame, "latex").decode().splitlines()
    assert lines[1:] == [
        r"\begin{tabular}{lrrrr}",
        r"\toprule",
        r"noise & difference & images & p\_holm & level \\",
        r"\midrule",
        r"isp & $-$0.25 & 7 & 2.0e-07 & 0 \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


@pytest.mark.parametrize("trainings", [1, 2])
def test_a_table_fits_100_columns(monkeypatch, capsys, trainings):
    monkeypatch.setattr("bench.core.console.WIDTH_IN_FILES", 100)
    run = rows({"ours": 0.2, "ours(weights='s1')": 0.3, "baseline": 0.0}, noises={"speckle(var=0.024)": ("speckle", 1)})
    models = ", ".join(["ours", "ours(weights='s1')"][:trainings])
    frame = bench.compare(run, models=models, against="baseline", metrics="psnr")
    show(frame, {"psnr": {"title": "PSNR", "unit": "dB", "digits": 2}}, ("", ""))
    text, line = capsys.readouterr().out, frame.iloc[0]
    shown = next(one for one in text.splitlines() if one.startswith("speckle(var=0.024) "))
    assert f" {line['difference']:+.3f} [{line['low']:+.3f}, {line['high']:+.3f}]" in shown and "12 images" in text
    if trainings == 1:
        assert shown.rstrip().endswith(f"{line['moved'][0][0]} {line['moved'][0][1]:+.3f}") and "maximum]" not in text
    else:
        spread = f"{line['training_sd']:.3f} [{line['training_min']:+.3f}, {line['training_max']:+.3f}]"
        assert shown.rstrip().endswith(spread) and "sd [minimum, maximum]" in text


@pytest.mark.slow
def test_formulas_are_printed_without_a_run():
    result = call("--formulas")
    assert result.exit_code == 0
    for word in ("Hendrycks", "Efron", "Holm", "Friedman", "sum over levels", "Pitman"):
        assert word in result.output
