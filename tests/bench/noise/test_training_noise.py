"""What models were trained on: specs with ranges, on cards old and new, and what is in distribution."""

import json

import pandas as pd
import pytest
from click.testing import CliRunner

from bench import compare
from bench.cli import main
from bench.core.errors import BadInput
from bench.models import cards, model_specs
from bench.noise import training_noise
from bench.noise.training_noise import of_card, of_model, parse
from bench.runs import selection


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("gaussian(sigma=15)", ["gaussian(sigma=15)"], ["gaussian(sigma=15.5)", "correlated(sigma=15)"]),
        ("gaussian(sigma=0-55)", ["gaussian(sigma=0)", "gaussian(sigma=55)"], ["gaussian(sigma=55.1)", "isp"]),
        ("gaussian(10-20), poisson(alpha=2-3.5)", ["gaussian(sigma=15)", "poisson(alpha=2)"], ["poisson(alpha=4)"]),
        ("speckle(var=1e-3-2e-2)", ["speckle(var=0.001)"], ["speckle(var=0.03)", "speckle(var=0.01, uniform=False)"]),
        ("poisson_gaussian(peak=10-60, sigma=0-30)", ["poisson_gaussian(peak=30)"], ["poisson_gaussian(peak=61)"]),
        (
            "chain(gaussian(sigma=0-50), poisson(alpha=1))",
            ["chain(gaussian(sigma=9), poisson(alpha=1))"],
            ["chain(gaussian(sigma=9))", "chain(poisson(alpha=1), gaussian(sigma=9))", "gaussian(sigma=9)"],
        ),
        ("isp, real", ["isp", "real"], ["gaussian(sigma=15)", "gone.py:Noise(level=2)"]),
    ],
)
def test_ranges_say_what_is_in_distribution(text, inside, outside):
    found = parse(text)
    assert found.known and all(map(found.covers, inside)) and not any(map(found.covers, outside))
    assert parse(found.text) == parse(found.specs) == found  # what is printed is read again


@pytest.mark.parametrize("text", ["gaussian(sigma=55-0)", "gaussian", "Gaussian, sigma 25", "gaussian(sigma=-5)"])
def test_what_is_no_training_noise(text):
    with pytest.raises(BadInput, match="training noise"):
        parse(text)


@pytest.mark.parametrize(
    ("trained_on", "text", "words"),
    [
        ({"noise": "gaussian(sigma=25)", "data": "a", "images": 3}, "gaussian(sigma=25)", "3 images of a, gaussian"),
        ({"noise": ["gaussian(sigma=0-55)", "isp"]}, "gaussian(sigma=0-55), isp", "gaussian(sigma=0-55), isp"),
        ({"noise": "Gaussian, sigma 15 of 255", "data": "a"}, "gaussian(sigma=15)", "a, gaussian(sigma=15)"),  # of old
        ("DIV2K, Gaussian, sigma 25", "gaussian(sigma=25)", "DIV2K, Gaussian, sigma 25"),  # as the help once said
        ("whatever there was", "", "unknown"),
        ({"noise": None, "data": "a"}, "", "a, training noise unknown"),
        ({"noise": "my own", "data": "a"}, "", "my own"),
    ],
)
def test_cards_old_and_new(trained_on, text, words):
    card = {"trained_on": trained_on}
    assert of_card(card).text == text and of_card(card).known == bool(text)
    assert words in training_noise.described(card)


def test_what_needs_no_training_has_no_unknown():
    classical, untrained, own = (
        of_model({"libraries": {}}, "none needed", "-"),
        of_model({}, "none", "full"),
        of_model({}, "none", "own"),
    )
    assert classical.known and not classical.trained and classical.covers("gaussian(sigma=15)")
    assert untrained.known and not untrained.trained and not untrained.covers("gaussian(sigma=15)")
    assert not own.known and not of_model({}, "file.pth", "full").known


def test_every_shipped_card_has_its_training_noise_as_data():
    for name, card in cards.cards().items():
        assert card["trained_on"]["noise"] == of_card(card).specs == "gaussian(sigma=15)", name
        assert card["recipe"]["sigma"] == 15
    for path in cards.weights_folder().glob("*.json"):
        assert json.loads(path.read_text())["trained_on"]["noise"].startswith("gaussian("), path


def test_a_network_of_a_user_s_file_says_it_in_its_class(tmp_path):
    (tmp_path / "nets.py").write_text(
        "from torch import nn\n\n\nclass Said(nn.Identity):\n    trained_on = 'gaussian(sigma=0-55)'\n\n\n"
        "class Wrong(nn.Identity):\n    trained_on = 'DIV2K'\n\n\nclass Silent(nn.Identity):\n    pass\n"
    )
    said, silent = (model_specs.resolve(f"{tmp_path / 'nets.py'}:{name}") for name in ("Said", "Silent"))
    assert of_model(said.card, said.weights, said.size).text == "gaussian(sigma=0-55)"
    assert not of_model(silent.card, silent.weights, silent.size).known
    with pytest.raises(BadInput, match="trained_on"):
        model_specs.resolve(f"{tmp_path / 'nets.py'}:Wrong")


NETS = """
import torch
from torch import nn


class Reference(nn.Module):
    trained_on = "gaussian(sigma=15)"

    def forward(self, x):
        mean = nn.functional.avg_pool2d(nn.functional.pad(x, (1, 1, 1, 1), "reflect"), 3, 1)
        return (x + mean) / 2


class Second(Reference):
    def forward(self, x):
        return (x + super().forward(x)) / 2


class Wide(Reference):
    trained_on = ["gaussian(sigma=0-55)"]


class Silent(Reference):
    trained_on = ""
"""


@pytest.fixture
def run(tmp_path, photos):
    """A run of networks trained on the reference noise, on a range, and on nobody knows what; and its output."""
    (tmp_path / "nets.py").write_text(NETS)
    models = ", ".join(f"{tmp_path / 'nets.py'}:{name}" for name in ("Reference", "Second", "Wide", "Silent"))
    noise = "gaussian(sigma=25), speckle(var=0.02), isp"
    arguments = ["--models", models, "--noise", noise, "--metrics", "psnr", "--data", photos, "-v", "--out",
                 tmp_path / "run"]  # fmt: skip
    result = CliRunner().invoke(main, ["run", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return tmp_path / "run", result.output


@pytest.mark.slow
def test_each_model_s_ood_mean_leaves_out_what_it_was_trained_on(run, tmp_path):
    folder, output = run
    assert "in distribution" in output and "not ranked" in output and "unknown" in output
    call = CliRunner().invoke(main, ["export", str(folder), "--per", "model", "-o", str(tmp_path / "m.csv")])
    assert call.exit_code == 0, call.output
    found = pd.read_csv(tmp_path / "m.csv").set_index("model")
    means = selection.read(folder).rows.groupby(["model", "noise"])["psnr"].mean()
    every = ["gaussian(sigma=25)", "speckle(var=0.02)", "isp"]
    for model, noises in {"Reference": every, "Wide": every[1:], "Silent": every}.items():
        assert found.loc[model, "ood"] == pytest.approx(means[model][noises].mean()), model
    assert found["rank"].notna().to_dict() == {
        "Reference": True,
        "Second": True,
        "Wide": False,
        "Silent": False,
        "noisy": False,
    }
    assert found.loc["Wide", "training_noise"] == "gaussian(sigma=0-55)" and "unknown" in found.loc["Silent", "group"]


@pytest.mark.slow
def test_pages_flag_models_of_other_training_noise(run, tmp_path):
    folder, _ = run
    assert CliRunner().invoke(main, ["report", str(folder), "-o", str(tmp_path / "site")]).exit_code == 0
    study = json.loads((tmp_path / "site/study.json").read_text())
    groups = {one["model"]: one["group"] for one in study["scores"]}
    assert groups["Reference"] == groups["Second"] == "" and "0-55" in groups["Wide"] and "unknown" in groups["Silent"]
    assert "Wide" not in study["answer"] and "Silent" not in study["answer"]
    page = (tmp_path / "site/index.html").read_text()
    row = page.split('data-value="Wide"')[1].split("</tr>")[0]
    assert row.count('aria-label="in distribution"') >= 2  # Gaussian 15 and 25, and their mean where there is one
    assert "training noise unknown" in (tmp_path / "site/model-silent.html").read_text()


@pytest.mark.slow
def test_a_comparison_is_over_what_is_ood_for_both_sides(run):
    folder, _ = run
    frame = compare(folder, models="Wide", against="Reference", metrics="psnr").set_index("noise")
    apart = frame.loc[["speckle(var=0.02)", "isp"], "difference"].mean()
    assert frame.loc["OOD mean", "difference"] == pytest.approx(apart)
    both = compare(folder, models="Second", against="Reference", metrics="psnr")
    assert any("0-55" in note for note in compare(folder, models="Wide", against="Reference").attrs["notes"])
    one = both.set_index("noise")["difference"]
    assert one["OOD mean"] == pytest.approx(one[["gaussian(sigma=25)", "speckle(var=0.02)", "isp"]].mean())
    assert not any("trained on" in note for note in both.attrs["notes"])
