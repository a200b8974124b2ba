"""Layers of every network, by default and by pattern, through wrappers and from users' files."""

import pytest
import torch
from click.testing import CliRunner

from bench.analyses.core.feature_extractor import feature_extractor
from bench.cli import main
from bench.core.errors import BadInput
from bench.models import cards, model_specs

CPU = torch.device("cpu")
LAST = {  # the deepest features of each network, before they become an image again
    "ours": ("conv_after_body", 48), "baseline": ("conv_after_body", 48), "dropout": ("conv_after_body", 48),
    "swinir": ("conv_after_body", 48), "dncnn": ("model.15", 40), "ridnet": ("b4", 18), "rnan": ("body_nl_high", 12),
    "restormer": ("refinement", 12), "idf": ("block.feature_extractor#10", 64),
    "bfcnn": ("model.15", 40), "adnet": ("conv1_15", 28),
}  # fmt: skip


def small(name):
    return model_specs.resolve(f"{name}(size='small', weights=None)")


@pytest.mark.parametrize("name", list(cards.networks()))
def test_the_stated_layers_run_and_the_last_are_the_deepest_features(name):
    found = feature_extractor(small(name), (), CPU)
    noisy = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    features = found(noisy, [1, 2])
    assert len(found.layers) > 2 and list(features) == list(found.layers)
    if name in LAST:
        layer, channels = LAST[name]
        assert (found.layers[-1], tuple(features[layer].shape)) == (layer, (2, channels * 256))


def test_images_run_one_by_one_each_with_its_own_key():
    found = feature_extractor(small("ours"), ["conv_after_body"], CPU)
    noisy = torch.rand(1, 3, 16, 16).expand(3, 3, 16, 16)
    same, other, again = found(noisy, [5, 6, 5])["conv_after_body"]
    assert torch.equal(same, again) and not torch.equal(same, other)


def test_a_grey_network_is_named_without_its_wrapper():
    found = feature_extractor(model_specs.resolve("dncnn(size='small', weights=None, in_nc=1, out_nc=1)"), (), CPU)
    assert found.layers[-1] == "model.15"
    grey = torch.rand(1, 1, 16, 16)
    features = found(grey.expand(1, 3, 16, 16), [0])["model.15"].view(3, -1)  # a row a channel
    torch.testing.assert_close(features[0], features[2])


def test_a_network_of_the_user_s(tmp_path):
    file = tmp_path / "net.py"
    file.write_text(
        "from torch import nn\n"
        "def Stack(width=4):\n"
        "    return nn.Sequential(nn.Conv2d(3, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 3, 3, padding=1))\n"
        "def Plain():\n"
        "    return nn.Identity()\n"
    )
    assert feature_extractor(model_specs.resolve(f"{file}:Stack"), (), CPU).layers == ("0", "1")
    with pytest.raises(BadInput, match="model Plain"):
        feature_extractor(model_specs.resolve(f"{file}:Plain"), (), CPU)
    with pytest.raises(BadInput, match=r"model Stack.*'5'.*bench models layers '.*:Stack'"):
        feature_extractor(model_specs.resolve(f"{file}:Stack"), ["5"], CPU)


@pytest.mark.parametrize(
    ("layers", "side", "message"),
    [
        ((), 24, "^model Picky: AssertionError: 24 is no multiple of 16$"),
        (
            ["idle"],
            32,
            "^model Picky: .*'idle' did not run.*bench models layers '.*:Picky'",
        ),
    ],
)
def test_what_a_user_s_network_raises_is_one_line(tmp_path, layers, side, message):
    file = tmp_path / "net.py"
    file.write_text(
        "from torch import nn\n"
        "class Picky(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.only, self.idle = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)\n"
        "    def forward(self, x):\n"
        "        assert x.shape[-1] % 16 == 0, f'{x.shape[-1]} is no multiple of 16'\n"
        "        return self.only(x)\n"
    )
    with pytest.raises(BadInput, match=message):
        feature_extractor(model_specs.resolve(f"{file}:Picky"), layers, CPU)(torch.rand(1, 3, side, side), [0])


def test_features_that_change_shape_name_the_model():
    found = feature_extractor(small("dncnn"), (), CPU)
    found(torch.rand(1, 3, 16, 16), [0])
    with pytest.raises(BadInput, match="model dncnn.*17"):
        found(torch.rand(1, 3, 16, 17), [0])


def test_the_command_lists_layers_and_marks_the_default_ones():
    result = CliRunner().invoke(main, ["models", "layers", "idf(weights=None)", "--side", "32"])
    assert result.exit_code == 0, result.output
    lines = {line.split("│")[1].strip(): line for line in result.output.splitlines() if line.startswith("│")}
    assert "yes" in lines["block.feature_extractor#10"] and "64 x 32 x 32" in lines["block.feature_extractor#10"]
    assert "yes" not in lines["block.kernel_predictor#10"]
    refused = CliRunner().invoke(main, ["models", "layers", "our"])
    assert refused.exit_code == 2 and "'ours'" in refused.output
