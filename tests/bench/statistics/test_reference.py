"""The reference noise of a run, `--reference`, and levels in another unit than theirs."""

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

import bench
from bench.cli import main
from bench.core.errors import BadInput
from bench.noise import noises
from bench.noise.level_check import NEARLY_CLEAN_PSNR, psnr_of, weak_noise_warnings
from bench.runs.conditions import conditions_of, read_conditions, reference_of
from bench.runs.plan import make_plan


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def names(plan):
    return [noises.canonical(noise) for noise in plan.noises]


@pytest.mark.slow
def test_another_reference_takes_the_place_of_gaussian_15(photos, networks, tmp_path):
    out, net = tmp_path / "run", f"{networks}:Blur"
    result = call(
        "run",
        "--models",
        net,
        "--noise",
        "speckle(var=0.02)",
        "--reference",
        "poisson(alpha=2)",
        "--metrics",
        "psnr",
        "--data",
        photos,
        "--out",
        out,
    )
    assert result.exit_code == 0, result.output
    assert "gaussian" not in result.output and "drop" in result.output and "poisson(alpha=2)" in result.output
    assert read_conditions(out).reference == reference_of(out, None) == "poisson(alpha=2)"
    table = pd.read_csv(_exported(out, "cell", tmp_path)).set_index(["model", "noise"])
    means = table["psnr"]
    drop = means["Blur", "poisson(alpha=2)"] - means["Blur", "speckle(var=0.02)"]
    assert table.loc[("Blur", "speckle(var=0.02)"), "drop"] == pytest.approx(drop)
    assert np.isnan(table.loc[("Blur", "poisson(alpha=2)"), "drop"])
    standing = pd.read_csv(_exported(out, "model", tmp_path)).set_index("model").loc["Blur"]
    assert standing["drop"] == pytest.approx(drop) and standing["ood"] == means["Blur", "speckle(var=0.02)"]
    assert call("report", out, "-o", tmp_path / "site").exit_code == 0
    study = json.loads((tmp_path / "site/study.json").read_text())
    assert study["reference"] == "poisson(alpha=2)" and study["scores"][0]["drop"] == pytest.approx(drop)
    for page in ("index.html", "models.html", "model-blur.html"):
        assert "aussian" not in (tmp_path / "site" / page).read_text(), page


@pytest.mark.slow
def test_without_a_reference_no_noise_is_added_and_no_drop_computed(photos, networks, tmp_path):
    out = tmp_path / "run"
    rows = bench.run(
        f"{networks}:Blur", "speckle(var=0.02)", data=(photos,), out=out, metrics="psnr", reference="none"
    ).rows
    assert set(rows["noise"]) == {"speckle(var=0.02)"} and read_conditions(out).reference == ""
    assert pd.read_csv(_exported(out, "cell", tmp_path))["drop"].isna().all()
    standing = pd.read_csv(_exported(out, "model", tmp_path)).set_index("model").loc["Blur"]
    assert np.isnan(standing["drop"]) and standing["ood"] == pytest.approx(rows["psnr"].mean())
    assert call("report", out, "-o", tmp_path / "site").exit_code == 0
    study = json.loads((tmp_path / "site/study.json").read_text())
    assert study["answer"].count("dB") and "drop" not in study["answer"] and study["scores"][0]["drop"] is None
    result = call("predict", out)
    assert result.exit_code == 2 and "--reference" in result.output


def _exported(run, per, folder):
    result = call("export", run, "--per", per, "-o", folder / "table.csv")
    assert result.exit_code == 0, result.output
    return folder / "table.csv"


@pytest.mark.slow
def test_a_run_file_has_a_reference_too(photos, networks, tmp_path):
    file = tmp_path / "study.toml"
    file.write_text(
        f'models = "{networks}:Blur"\nnoise = "isp"\nreference = "none"\ndata = "{photos}"\n'
        f'metrics = "psnr"\nlimit = 1\nout = "{tmp_path / "run"}"\n'
    )
    assert call("run", file).exit_code == 0 and read_conditions(tmp_path / "run").reference == ""
    assert "1 noise " in call("run", file, "--dry-run").output
    assert "2 noises" in call("run", file, "--reference", "gaussian(sigma=25)", "--dry-run").output


def test_what_is_no_reference(photos, networks):
    for text, word in (("poisson", "alpha"), ("nothing", "unknown"), ("real", "real")):
        with pytest.raises(BadInput, match=word):
            make_plan(f"{networks}:Blur", "speckle(var=0.02)", None, (photos,), reference=text)


def test_pairs_are_run_under_their_own_noise_and_the_reference_of_the_run(photos, networks, tmp_path):
    pairs, random = tmp_path / "pairs", np.random.default_rng(0)
    for kind, sigma in (("clean", 0), ("noisy", 12)):
        (pairs / kind).mkdir(parents=True)
        for file in photos.iterdir():
            pixels = np.asarray(Image.open(file)) + sigma * random.standard_normal((40, 48, 3))
            Image.fromarray(np.rint(pixels.clip(0, 255)).astype(np.uint8)).save(pairs / kind / file.name)
    net = f"{networks}:Blur"
    assert names(make_plan(net, "real", None, (pairs,), reference="gaussian(sigma=25)")) == [
        "gaussian(sigma=25)",
        "real",
    ]
    assert names(make_plan(net, "mixture", None, (pairs,), reference="none")) == ["real"]
    assert names(make_plan(net, "real", None, (pairs,), reference="real")) == ["real"]
    plan = make_plan(net, "real, isp", None, (pairs, photos), reference="none")
    assert [[names(plan)[place] for place in plan.noises_on(d)] for d in plan.datasets] == [["real"], ["isp"]]


def test_runs_of_old_are_counted_from_gaussian_15():
    old = {"event": "started", "protocol": "stored", "models": [
        {"label": "ours", "weights": "ours-small", "size": "small",
         "card": {"trained_on": {"noise": "Gaussian, sigma 15 of 255"}}}]}  # fmt: skip
    found = conditions_of([old])
    assert found.reference == "gaussian(sigma=15)" and found.of("ours").text == "gaussian(sigma=15)"
    newer = [old, {**old, "reference": "isp"}, {**old, "reference": None, "protocol": "float"}]
    assert conditions_of(newer, "stored").reference == "isp" and conditions_of(newer).reference == ""


def test_models_say_in_the_plan_that_they_are_not_ranked_with_others(photos, networks):
    plan = make_plan(f"dncnn, {networks}:Blur", "isp", None, (photos,))
    assert any("Blur" in note and "unknown" in note for note in plan.notes)
    assert not any("dncnn" in note for note in plan.notes)
    plan = make_plan("dncnn", "isp", None, (photos,), reference="gaussian(sigma=25)")
    assert any("dncnn" in note and "gaussian(sigma=15)" in note for note in plan.notes)


@pytest.mark.parametrize(
    ("spec", "meant"),
    [
        ("gaussian(sigma=0.1)", "gaussian(sigma=25.5)"),
        ("correlated(sigma=0.2)", "correlated(sigma=51)"),
        ("colour_gaussian(sigma=0.1)", "colour_gaussian(sigma=25.5)"),
        ("gaussian(sigma=0)", "15, 25, 50"),
        ("gaussian(sigma=1)", "0 to 255"),
        ("poisson(alpha=0.01)", "alpha"),
        ("speckle(var=0.00001)", "var"),
        ("salt_pepper(density=0)", "0.002"),
        ("poisson_gaussian(peak=1000000, sigma=0.1)", "0 to 255"),
        ("quantization(bits=8)", "bits"),
        ("chain(gaussian(sigma=0.1), poisson(alpha=2))", "gaussian(sigma=25.5)"),
    ],
)
def test_levels_in_another_unit_are_told_with_the_unit(spec, meant):
    (sentence,) = weak_noise_warnings([noises.load_noise(spec)])
    assert meant in sentence


@pytest.mark.slow
def test_usual_levels_are_no_such_levels():
    every = [noise for noise in noises.expand("all, extras") if not noise.recorded]
    assert len(every) > 40 and list(weak_noise_warnings(every)) == []
    assert (
        psnr_of(noises.load_noise("gaussian(sigma=1.3)"))
        > NEARLY_CLEAN_PSNR
        > psnr_of(noises.load_noise("gaussian(2)"))
    )


@pytest.mark.slow
def test_commands_warn_and_the_mean_is_without_such_noise(photos, networks, tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    noise = "gaussian(sigma=0.1)"
    for words in (["show", noise], ["apply", noise, photos, tmp_path / "noisy"]):
        result = call("noise", *words)
        assert result.exit_code == 0 and "gaussian(sigma=25.5)" in result.output
    result = call(
        "run",
        "--models",
        f"{networks}:Blur",
        "--noise",
        f"{noise}, isp",
        "--metrics",
        "psnr",
        "--data",
        photos,
        "--out",
        tmp_path / "run",
    )
    assert result.exit_code == 0 and "gaussian(sigma=25.5)" in result.output and "no OOD mean" in result.output
    rows = pd.read_csv(_exported(tmp_path / "run", "image", tmp_path))
    standing = pd.read_csv(_exported(tmp_path / "run", "model", tmp_path)).set_index("model").loc["Blur"]
    assert standing["ood"] == pytest.approx(rows.loc[rows["noise"] == "isp", "psnr"].mean())
    assert call("report", tmp_path / "run", "-o", tmp_path / "site").exit_code == 0
    study = json.loads((tmp_path / "site/study.json").read_text())
    assert study["noises"] == ["isp"] and study["scores"][0]["ood"] == pytest.approx(standing["ood"])
    for page in ("index.html", "methods.html"):
        assert noise in (tmp_path / "site" / page).read_text()


def test_a_method_that_is_told_a_level_of_another_unit(photos):
    notes = make_plan("nlm(sigma=0.1), tv(sigma=25), wavelet", "isp", None, (photos,)).notes
    assert [note for note in notes if "25.5" in note and "nlm" in note] and not any("tv" in note for note in notes)
