"""Weights from elsewhere are tried on one picture: the right set of tensors, the right white, or a warning."""

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from baselines.dncnn import DnCNN
from baselines.swinir import SwinIR
from baselines.weights_io import checkpoints
from bench.cli import main
from bench.models import cards, importing, model_specs, trial

pytestmark = pytest.mark.slow

WINDOW_7 = {"embed_dim": 48, "depths": (2, 2), "num_heads": (2, 2), "window_size": 7, "resi_connection": "3conv"}


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def shipped(name):
    tensors = checkpoints.read_weights(cards.weights_folder() / f"{name}.safetensors")
    return {key: value.float() for key, value in tensors.items()}


GOOD = shipped("dncnn-small")  # 40 channels, 9 layers: the last convolution is model.16
NOISE = torch.Generator().manual_seed(0)
RAW = {
    key: value + 0.3 * value.std() * torch.randn(value.shape, generator=NOISE) if value.dim() > 1 else value
    for key, value in GOOD.items()
}
AT_255 = {
    **GOOD,
    "model.0.weight": GOOD["model.0.weight"] / 255,
    **{f"model.16.{kind}": 255 * GOOD[f"model.16.{kind}"] for kind in ("weight", "bias")},
}
MINUS = {**GOOD, **{f"model.16.{kind}": -GOOD[f"model.16.{kind}"] for kind in ("weight", "bias")}}


def window_7(white):
    """The shipped SwinIR with smaller windows, its tables cut to them, for another white: (tensors by name)."""
    tensors = {
        key: value.view(15, 15, -1)[1:14, 1:14].reshape(169, -1) if key.endswith("bias_table") else value
        for key, value in shipped("swinir-small").items()
    }
    tensors["conv_first.weight"] = tensors["conv_first.weight"] / white
    for kind in ("weight", "bias"):
        tensors[f"conv_last.{kind}"] = tensors[f"conv_last.{kind}"] * white
    return tensors


def imported(content, **options):
    torch.save(content, "a.pth")
    return importing.import_weights(Path("a.pth"), "mine", replace=True, **options)


def test_the_average_is_imported_and_its_score_is_on_the_card():
    """Raw 29 dB or less, the average 32.5."""
    card = imported({"model": RAW, "model_ema": GOOD})
    assert card["trial"]["psnr"] == pytest.approx(32.46, abs=0.1) and card["trial"]["better"] == {}
    assert (card["origin"]["part"], card["origin"]["others"]) == ("model_ema", ["model"])
    raw = imported({"model": RAW, "model_ema": GOOD}, part="model")
    assert raw["trial"]["psnr"] < 29.5
    (what, value), *_ = raw["trial"]["better"].items()
    assert "model_ema" in what and value == card["trial"]["psnr"]


def test_a_swinir_of_window_7_has_white_at_255():
    """15 to 17 dB at the other white."""
    card = imported({"params": window_7(255)})
    assert card["network"]["img_range"] == card["assumed"]["img_range"] == 255
    assert card["trial"]["psnr"] == pytest.approx(32.65, abs=0.1) and not trial.from_card(card["trial"]).warning()
    assert "img_range=255" in model_specs.resolve("swinir(weights='a.pth')").label
    wrong = imported({"params": window_7(255)}, settings={"img_range": "1"})
    assert wrong["trial"]["psnr"] < wrong["trial"]["psnr_noisy"] and wrong["doubt"]
    assert "--set img_range=255" in trial.from_card(wrong["trial"]).warning(importing=True)


def test_a_swinir_of_window_7_with_white_at_1_is_told():
    """29.4 dB at 255: better than its input, and 3 dB below what it can do."""
    card = imported(window_7(1))
    assert card["trial"]["psnr"] > card["trial"]["psnr_noisy"]
    assert "--set img_range=1" in trial.from_card(card["trial"]).warning(importing=True)


def test_img_range_scales_what_the_network_is_given():
    torch.manual_seed(0)
    one, large = SwinIR(**WINDOW_7).eval(), SwinIR(**WINDOW_7, img_range=255).eval()
    large.load_state_dict(one.state_dict())
    for key, factor in (("conv_first.weight", 1 / 255), ("conv_last.weight", 255), ("conv_last.bias", 255)):
        large.get_parameter(key).data *= factor
    x = torch.rand(1, 3, 16, 18)
    with torch.inference_mode():
        torch.testing.assert_close(large(x), one(x), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("tensors", "words"), [(AT_255, "rgb_range=255"), (MINUS, "opposite sign")])
def test_what_would_work_is_named(tensors, words):
    card = imported(tensors)
    assert card["trial"]["psnr"] < card["trial"]["psnr_noisy"]
    what, value = next(iter(card["trial"]["better"].items()))
    assert words in what and value == pytest.approx(32.46, abs=0.1)


@pytest.mark.slow
def test_a_warning_leaves_the_exit_code_at_0():
    torch.save(AT_255, "a.pth")
    result = CliRunner().invoke(main, ["models", "import", "a.pth", "--as", "mine"])
    assert result.exit_code == 0 and "warning" in result.output and "--set rgb_range=255" in result.output
    result = CliRunner().invoke(
        main, ["models", "import", "a.pth", "--as", "mine", "--replace", "--set", "rgb_range=255"]
    )
    assert result.exit_code == 0 and "warning" not in result.output
    assert "rgb_range=255" in model_specs.resolve("dncnn(weights='mine')").label


def test_a_file_that_is_not_imported_is_tried_too():
    torch.save(AT_255, "a.pth")
    assert "rgb_range=255" in model_specs.resolve("dncnn(weights='a.pth')").caveat
    assert model_specs.resolve("dncnn(weights='a.pth', rgb_range=255)").caveat == ""
    imported(AT_255)
    assert "rgb_range=255" in model_specs.resolve("dncnn(weights='mine')").caveat


def test_weights_that_were_imported_without_a_trial_get_one():
    imported(AT_255)
    path = cards.imported_folder() / "mine.json"
    card = json.loads(path.read_text())
    path.write_text(json.dumps({key: value for key, value in card.items() if key != "trial"}))
    assert "rgb_range=255" in model_specs.resolve("dncnn(weights='mine')").caveat


@pytest.mark.parametrize(
    ("words", "noise"),
    [
        ("DIV2K, Gaussian, sigma 25", "gaussian(sigma=25)"),
        ("gaussian(sigma=0-55)", "gaussian(sigma=27.5)"),
        ("WED, poisson(alpha=2)", "poisson(alpha=2)"),
        ({"noise": "Gaussian, sigma 15 of 255"}, "gaussian(sigma=15)"),
        ("DIV2K (800 images)", None),
        ("", None),
        (None, None),
    ],
)
def test_the_noise_of_the_training_is_read_from_the_card(words, noise):
    assert trial.own_noise(words) == noise


def test_weights_are_tried_at_their_own_noise():
    assert imported(GOOD, trained_on="gaussian(sigma=10)")["trial"]["noise"] == "gaussian(sigma=10)"


def test_a_grey_network_is_tried_on_grey():
    grey = DnCNN(nc=4, nb=3, in_nc=1, out_nc=1)
    grey.model[-1].weight.data.zero_(), grey.model[-1].bias.data.zero_()
    tried = imported(grey.state_dict())["trial"]
    assert tried["psnr"] == tried["psnr_noisy"] and trial.from_card(tried).warning()


def test_rows_of_another_set_have_another_key():
    """Of {model, model_ema} older versions took the former, under the label that now means the latter."""
    torch.save({"model": RAW, "model_ema": GOOD}, "a.pth")
    model = model_specs.resolve("dncnn(weights='a.pth')")
    assert model.weights_hash != checkpoints.file_hash(Path("a.pth"))
    assert "model_ema" in model.caveat
    last = model_specs.resolve("dncnn(weights='a.pth', part='model')")
    assert "part='model'" in last.label and model_specs.resolve(last.label).weights_hash == last.weights_hash
    assert model_specs.resolve("dncnn(weights='a.pth', part='model_ema')").label == model.label
    assert not torch.equal(last.load().model[0].weight, model.load().model[0].weight)
    torch.save({"params": RAW, "params_ema": GOOD}, "b.pth")
    assert model_specs.resolve("dncnn(weights='b.pth')").weights_hash == checkpoints.file_hash(Path("b.pth"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a.pth", "dncnn(weights='a.pth')"),
        ("nowhere.pth", "nowhere.pth"),
        ("optimizer.pth", "optimizer"),
        ("strange.pth", "file.py:Net"),
        ("dncnn('a.pth')", "dncnn(weights='a.pth')"),
    ],
)
def test_weights_in_the_place_of_a_model_are_told_what_to_write(text, words):
    imported(GOOD)
    torch.save({"state": {}, "param_groups": []}, "optimizer.pth")
    torch.save({"conv1.weight": torch.ones(4, 3, 7, 7)}, "strange.pth")
    result = CliRunner().invoke(main, ["run", "--models", text, "--dry-run"])
    assert result.exit_code == 2 and words in result.output and result.output.count("\n") == 1, result.output


def test_a_file_that_is_called_like_a_model_is_none():
    Path("dncnn").write_text("notes")
    assert model_specs.resolve("dncnn").name == "dncnn"
