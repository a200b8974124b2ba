"""Networks in wrappers, wne(dncnn): their weights, labels, tiles and training."""

import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

import bench
from baselines.weights_io import checkpoints
from bench.cli import main
from bench.core.errors import BadInput
from bench.models import cards, groups, listing, model_specs, tiling
from bench.models.tiles import Tiled
from bench.models.tiling import Tiling
from bench.models.weights import NoWeights
from bench.runs import conditions
from bench.statistics import ood
from bench.training.training_options import untrained

pytestmark = pytest.mark.slow

SOURCE = """
import torch
from torch import nn

class Gain(nn.Module):
    def __init__(self, gain=0.9):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain))
    def forward(self, x):
        return self.gain * x

class Tell(nn.Module):  # gives the noise level back
    def forward(self, x, sigma):
        return sigma.expand_as(x) + 0 * x
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(SOURCE)


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Weights of dncnn and wne(dncnn) ship."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    for name, network in (("dncnn-small", "dncnn"), ("wne-dncnn-small", "wne(dncnn)")):
        card = {"name": name, "model": network, "size": "small", "network": {"nc": 4, "nb": 3}}
        card["trained_on"] = {"noise": "gaussian(sigma=15)"}
        tensors = model_specs.load_model("dncnn(weights=None, nc=4, nb=3)").state_dict()
        checkpoints.write_weights(tensors, folder / f"{name}.safetensors", card)
    monkeypatch.setattr(cards, "weights_folder", lambda: folder)


@pytest.fixture
def x():
    return torch.rand(1, 3, 72, 88, generator=torch.Generator().manual_seed(1)) * 0.4 + 0.1


def test_shipped_weights_are_those_trained_in_the_wrapper(shipped):
    model = model_specs.resolve("wne(dncnn)")
    assert (model.label, model.weights) == ("wne(dncnn)", "wne-dncnn-small")
    assert model_specs.resolve("wne(dncnn(weights='wne-dncnn-small'))").label == "wne(dncnn)"
    assert not model.caveat
    assert groups.specs("rivals")[-5] == "wne(dncnn)"
    (row,) = [row for row in listing.rows() if row["weights"] == "wne-dncnn-small"]
    assert (row["model"], row["spec"]) == ("wne(dncnn)", "wne(dncnn)")


def test_other_weights_are_used_only_if_named_and_say_so(shipped):
    model = model_specs.resolve("wne(dncnn(weights='dncnn-small'))")
    assert model.label == "wne(dncnn(weights='dncnn-small'))"
    assert "trained without wne" in model.caveat
    with pytest.raises(BadInput, match=r"wne\(dncnn\(weights='wne-dncnn-small'\)\)"):
        model_specs.resolve("dncnn(weights='wne-dncnn-small')")
    with pytest.raises(NoWeights, match="bench train 'wne"):
        model_specs.resolve("wne(dncnn)", "full")
    assert groups.missing_requirement("wne(dncnn)", "full") and not groups.missing_requirement("wne(dncnn)", "small")
    assert model_specs.expand("rivals", "full")[1]  # it is skipped with a reason


@pytest.mark.parametrize("text", ["wne", "wne(tv)", "wne(wne(dncnn))", "wne(dncnn, ours)", "wne(15)", "wne(dncn)"])
def test_a_wrapper_takes_one_network(text):
    with pytest.raises(BadInput):
        model_specs.resolve(text)


def test_an_alias_works_inside():
    assert model_specs.resolve("wne(masked(weights=None))").label == "wne(ours(weights=None))"


@torch.inference_mode()
@pytest.mark.parametrize("text", ["wne(dncnn(weights=None))", "wne(dncnn(weights=None, in_nc=1, out_nc=1))"])
def test_tiles_have_the_statistics_of_the_whole_image(x, text):
    model = model_specs.resolve(text)
    network, rule = model.load(), tiling.of(model, "auto")
    x = x * torch.linspace(0.2, 1, 88)  # left and right differ in brightness
    tiled = Tiled(network, Tiling(48, rule.overlap, rule.margin))(x)
    torch.testing.assert_close(tiled, network(x), atol=2e-6, rtol=0)


def test_user_defined_networks(own, x):
    model = model_specs.resolve("wne(own.py:Gain(gain=0.5))")
    assert model.label == "wne(Gain(gain=0.5))"
    torch.testing.assert_close(model.checked()(x), (x - x.mean()) * 0.5 + x.mean())


@torch.inference_mode()
@pytest.mark.parametrize("level", ["level=15", ""])
def test_a_non_blind_network_gets_the_level_of_the_normalized_image(own, x, level):
    inner = f"own.py:Tell({level})"
    network, alone = model_specs.resolve(f"wne({inner})").load(), model_specs.resolve(inner).load()
    torch.testing.assert_close(network(x) - x.mean(), alone(x))  # scaled by 1 / s, and the output by s


def test_training_and_use_of_its_weights(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for number in range(42):
        Image.fromarray(rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)).save(tmp_path / f"photos/{number:02}.png")
    tiny = [word for value in ("nc=4", "nb=3", "batch=2", "crop=16") for word in ("--set", value)]
    done = CliRunner().invoke(main, ["train", "wne(dncnn)", "--data", "photos", "--iterations", "2", *tiny])
    assert done.exit_code == 0, done.output
    file = tmp_path / "runs/train/wne-dncnn/wne-dncnn-small.safetensors"
    assert json.loads(file.with_suffix(".json").read_text())["model"] == "wne(dncnn)"
    text = f"wne(dncnn(weights='{file}'))"
    assert text in done.output.replace("runs/train", f"{tmp_path}/runs/train")
    model = model_specs.resolve(text)
    assert model.label == "wne(dncnn(weights='wne-dncnn-small.safetensors'))" and not model.caveat


def test_noise2vst_wraps_a_network_with_its_own_weights(shipped):
    model = model_specs.resolve("noise2vst(dncnn, iterations=3)")
    assert (model.label, model.weights) == ("noise2vst(dncnn, iterations=3)", "dncnn-small")
    assert model_specs.resolve("noise2vst(dncnn, iterations=2000)").label == "noise2vst(dncnn)"
    assert model.card["test_time_training"] and "test_time_training" not in model_specs.resolve("dncnn").card
    assert not model.caveat
    with pytest.raises(BadInput):
        model_specs.resolve("noise2vst(dncnn, iterations=0)")


def test_noise2vst_needs_a_fixed_level(own):
    with pytest.raises(BadInput, match="level=25"):
        model_specs.resolve("noise2vst(own.py:Tell)")
    assert model_specs.resolve("noise2vst(own.py:Tell(level=25))").label == "noise2vst(Tell(level=25))"


def test_tiles_share_the_transform_of_the_whole_image(shipped, x):
    model = model_specs.resolve("noise2vst(dncnn, iterations=4)")
    network, rule = model.load(), tiling.of(model, "auto")
    with torch.inference_mode():
        tiled = Tiled(network, Tiling(48, rule.overlap, rule.margin))(x, keys=[3])
        torch.testing.assert_close(tiled, network(x, keys=[3]), atol=2e-6, rtol=0)


def test_a_wrapper_that_is_fitted_to_images_is_not_trained_in():
    with pytest.raises(BadInput, match="train the network itself"):
        untrained("noise2vst(dncnn)", "small")


def test_models_trained_on_each_image_are_a_group_of_their_own(shipped, tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (48, 56, 3), dtype=np.uint8)
    models = ["dncnn", "zsn2n(iterations=2)", "noise2vst(dncnn, iterations=2)", "tv"]
    run = bench.run(models, "gaussian(sigma=25)", {"image": [image]}, metrics="psnr", out=tmp_path / "run")
    assert (run.rows["status"] == "ok").all() and (run.rows["seconds"] > 0).all()
    for label in run.rows["model"].unique():
        assert conditions.read_conditions(run.folder).of(label).at_test_time == ("2" in label)
    first, second = ood.groups(run.rows, conditions.read_conditions(run.folder))
    assert first.name == "" and first.models == ("dncnn", "tv")
    assert second.name == ood.TEST_TIME_GROUP and second.ood == ("gaussian(sigma=25)",)
    again = bench.run(models, "gaussian(sigma=25)", {"image": [image]}, metrics="psnr", out=tmp_path / "again")
    assert list(run.rows["psnr"]) == list(again.rows["psnr"])
    heading = "Trained on each test image"
    assert heading in run.report(tmp_path / "site").read_text()
    assert heading in CliRunner().invoke(main, ["export", str(tmp_path / "run"), "--format", "latex"]).output


def test_rows_of_wrapped_and_bare_networks_are_apart(own, tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (48, 56, 3), dtype=np.uint8)
    models = ["wne(own.py:Gain)", "own.py:Gain"]
    rows = bench.run(models, "gaussian(sigma=25)", {"image": [image]}, metrics="psnr", out=tmp_path / "run").rows
    assert set(rows["model"]) == {"wne(Gain)", "Gain"}
    again = bench.run(models, "gaussian(sigma=25)", {"image": [image]}, metrics="psnr", out=tmp_path / "run").rows
    assert len(again) == len(rows) == 4
