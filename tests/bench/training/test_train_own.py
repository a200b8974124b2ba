"""`bench train path/to/file.py:Net`: a user's network is trained, resumed and used like those of the installation."""

import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from baselines.weights_io import checkpoints
from bench import cli
from bench.models import model_specs
from bench.training.train import kept, train_model

pytestmark = pytest.mark.slow

NETWORK = """
import random
import numpy as np
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, width=4, rate=0.3):
        super().__init__()
        self.first, self.drop, self.last = nn.Conv2d(3, width, 3, 1, 1), nn.Dropout2d(rate), nn.Conv2d(width, 3, 1)
    def forward(self, x):
        return x + self.last(self.drop(self.first(x)))

class Wide(Net):
    def __init__(self, width):
        super().__init__(width)

class Bare(nn.Module):
    def forward(self, x):
        return x

class Frozen(Net):
    def forward(self, x):
        with torch.no_grad():
            return super().forward(x)

class Shrinking(Net):
    def forward(self, x):
        return super().forward(x)[..., 1:] if self.training else super().forward(x)

class Deep(Net):
    def forward(self, x):
        if self.training and x.shape[-1] % 32:
            raise RuntimeError("wanted multiples of 32")
        return super().forward(x)

class Filled(Net):
    def __init__(self, weights="mine.pth"):
        super().__init__()

class OfOneSize(Net):
    def forward(self, x):
        if x.shape[-1] > 64:
            raise RuntimeError("wanted 64 pixels at most")
        return super().forward(x)

class InTiles(OfOneSize):
    tile = 64

class BadInEval(Net):
    def forward(self, x):
        return super().forward(x) if self.training else 255 * x

class NoAutocast(Net):
    def forward(self, x):
        if self.training and torch.is_autocast_enabled("cpu"):
            raise RuntimeError("not implemented for 'BFloat16'")
        return super().forward(x)

class Endless(Net):
    def __init__(self):
        super().__init__()
        self.register_buffer("causal", torch.tensor([0, float("-inf")]))

class Complex(Net):
    def __init__(self):
        super().__init__()
        self.phase = nn.Parameter(torch.ones(1, dtype=torch.complex64))

class Extra(Net):
    def get_extra_state(self):
        return {"version": 1}
    def set_extra_state(self, state):
        pass

class Tires(Net):
    steps = 0
    def forward(self, x):
        if self.training:
            Tires.steps += 1
        if Tires.steps > 4:
            raise KeyError("step")
        return super().forward(x)

class Hungry(Net):
    def forward(self, x):
        if self.training and len(x) > 2:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
        return super().forward(x)

class Names(Net):
    def __init__(self):
        super().__init__()
        self.mask_token = nn.Parameter(torch.zeros(4))
        self.generator = nn.Conv2d(3, 3, 1)
    def forward(self, x):
        return self.generator(super().forward(x) + self.mask_token.mean())

class Random(Net):
    def forward(self, x):
        drawn = random.random() + np.random.rand() if self.training else 0
        return super().forward(x) + drawn * self.first.bias.mean()

class Normed(Net):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
    def forward(self, x):
        return super().forward(self.norm(x))

class Nested(Net):
    def __init__(self, sizes=((1, 2), (3, 4))):
        super().__init__()
        assert isinstance(sizes[0], tuple)

class Large(Net):
    def __init__(self):
        super().__init__()
        self.register_buffer("scale", torch.tensor([131070.0]))
        self.register_buffer("count", torch.tensor([3]))
        self.register_buffer("same", self.count)
"""
SETTINGS = {"batch": "2", "crop": "16", "lr": "1e-2", "precision": "float32"}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The current folder, with net.py and 24 pictures in photos/, some held out and large enough for test curves."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NETWORK)
    (tmp_path / "photos").mkdir()
    rng = np.random.default_rng(0)
    for number in range(24):
        side = 136 if number == 0 else 24
        coarse = rng.integers(0, 256, (side // 8, side // 8, 3), dtype=np.uint8)
        Image.fromarray(coarse.repeat(8, 0).repeat(8, 1)).save(f"photos/{number:02}.png")
    return tmp_path


def train(out, name="net.py:Net(width=5)", **options):
    settings = {**SETTINGS, **options.pop("settings", {})}
    return train_model(name, "photos", out, settings=settings, **{"iterations": 6, **options})


def command(*words):
    options = [word for key, value in SETTINGS.items() for word in ("--set", f"{key}={value}")]
    return CliRunner().invoke(cli.main, ["train", "--data", "photos", "--iterations", "6", *options, *words])


def test_a_network_of_ones_own_from_its_file_to_its_scores(here):
    """The line that the command ends with is a model, whose parameters are those of the card."""
    done = command("net.py:Net", "--set", "width=5", "--as", "mine")
    assert done.exit_code == 0, done.output
    card = json.loads((here / "runs/train/Net/mine.json").read_text())
    assert (card["model"], card["size"], card["source"], card["network"]) == ("Net", "own", "net.py:Net", {"width": 5})
    assert card["parameters"] == 3 * 5 * 9 + 5 + 5 * 3 + 3 and "gaussian(sigma=15)" in card["psnr_held_out"]
    use = done.output.partition("use:")[2].strip()
    model = model_specs.resolve(use)
    assert model.label == "Net(weights='mine.safetensors', width=5)"
    written = checkpoints.read_weights(here / "runs/train/Net/mine.safetensors")
    for key, value in model.load().state_dict().items():
        assert torch.equal(value, written[key]), key
    assert model.weights_hash != model_specs.resolve("net.py:Net(width=5)").weights_hash
    verified = CliRunner().invoke(cli.main, ["models", "verify", "runs/train/Net/mine.safetensors", "--data", "photos"])
    assert verified.exit_code == 0, verified.output


def test_parameters_in_the_spec_and_among_the_settings(here):
    first, second = train(here / "a"), train(here / "b", "net.py:Net", settings={"width": "5"})
    assert first.read_bytes() == second.read_bytes()
    assert json.loads(train(here / "c", "net.py:Wide(width=3)").with_suffix(".json").read_text())["network"] == {
        "width": 3
    }
    assert model_specs.resolve("net.py:Wide(width=3, weights='c/Wide.safetensors')").load().first.out_channels == 3


def test_what_draws_from_torch_is_resumed_to_the_bit(here):
    """nn.Dropout draws from torch's own stream, which a training seeds anew in each step and leaves as it was."""
    before = torch.random.get_rng_state()
    whole = train(here / "whole")
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.rand(7)  # the second training meets another state of torch's stream
    assert train(here / "parts", minutes=1e-9) is None
    torch.rand(3)
    resumed = train(here / "parts", resume=True)
    assert resumed.read_bytes() == whole.read_bytes()
    still = train(here / "still", "net.py:Net(width=5, rate=0)")
    assert still.read_bytes() != whole.read_bytes()  # so dropout was on


def test_a_training_does_not_go_on_with_another_source(here):
    train(here / "out", minutes=1e-9)
    (here / "net.py").write_text(NETWORK.replace("x + self.last", "x - self.last"))
    refused = command("net.py:Net(width=5)", "--out", "out")
    assert refused.exit_code == 2 and "source" in refused.output
    assert refused.output.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("net.py:Bare", "model Bare: expected trainable parameters"),
        ("net.py:Frozen", "no gradient"),
        (
            "net.py:Shrinking",
            "training step on crops of 16x16 in float32: output: expected the shape of the input, (2, 3, 16, 16)",
        ),
        ("net.py:Deep", "RuntimeError: wanted multiples of 32. Try another crop (--set crop=64)"),
        ("net.py:OfOneSize", "crops of 128x128 pixels"),
        ("net.py:BadInEval", "expected values in [0, 1]"),
        ("net.py:Endless", "causal in the state_dict of Endless: "),
        ("net.py:Complex", "phase in the state_dict of Complex: "),
        ("net.py:Extra", "_extra_state in the state_dict of Extra: "),
        ("net.py:Filled", "net.py:Filled: its parameter 'weights'"),
        ("net.py:Net(weights='x.pth')", "got 'x.pth'"),
        ("net.py:Wid", "unknown model in net.py 'Wid'. Did you mean 'Wide'?"),
        ("net.py:Wide", "net.py:Wide(width=...)"),
        ("net.py", "net.py:Name"),
        ("dncnn(nb=3)", "got dncnn(nb=3): set its parameters with --set"),
        ("tv", "got tv"),
        ("all", "group 'all'"),
        ("dncn", "unknown model 'dncn'. Did you mean 'dncnn'?"),
    ],
)
def test_what_cannot_be_trained(here, name, words):
    refused = command(name, "--out", "out")
    assert (refused.exit_code, refused.output.count("\n")) == (2, 1), refused.output
    assert words in refused.output
    assert not (here / "out").exists()


@pytest.mark.parametrize("name", ["InTiles", "Names", "Random", "Normed", "Nested", "Large"])
def test_what_can_be_trained_resumed_and_used(here, name):
    """Networks with names that ours give a meaning, other random streams, values beyond half precision, shared ones."""
    whole, off = train(here / "whole", f"net.py:{name}"), {"ema": "off"}
    assert train(here / "parts", f"net.py:{name}", minutes=1e-9) is None
    assert train(here / "parts", f"net.py:{name}").read_bytes() == whole.read_bytes()
    train(here / "off", f"net.py:{name}", settings=off)
    verified = CliRunner().invoke(cli.main, ["models", "verify", str(whole), "--data", "photos"])
    assert verified.exit_code == 0, verified.output
    if name == "Large":
        assert model_specs.resolve(f"net.py:Large(weights='{whole}')").load().scale.item() == 131070


def test_parameters_that_are_nested_come_back_as_they_were(here):
    train(here / "out", "net.py:Nested(sizes=((5, 6), (7, 8)))")
    model = model_specs.resolve("net.py:Nested(weights='out/Nested.safetensors')")
    assert model.parameters == {"sizes": ((5, 6), (7, 8))} and model.load()


def test_precision_is_tried_as_it_will_be_trained(here):
    refused = command("net.py:NoAutocast", "--set", "precision=bfloat16", "--out", "out")
    assert refused.exit_code == 2 and "in bfloat16: failed: RuntimeError: not implemented" in refused.output
    assert command("net.py:NoAutocast", "--out", "out").exit_code == 0


def test_a_step_that_fails_is_one_line_and_says_what_is_kept(here):
    refused = command("net.py:Tires", "--out", "out")
    assert (refused.exit_code, refused.output.count("\n")) == (2, 1)
    assert "model Tires: " in refused.output and "KeyError: 'step'. Nothing is kept" in refused.output
    assert not (here / "out/checkpoint.pt").exists()
    torch.save({}, here / "out/checkpoint.pt")
    assert "The last checkpoint is kept" in kept(here / "out")


def test_memory_that_does_not_suffice_is_one_line(here):
    refused = command("net.py:Hungry", "--set", "batch=3", "--out", "out")
    assert (refused.exit_code, refused.output.count("\n")) == (2, 1)
    assert "DefaultCPUAllocator" in refused.output and "smaller batch" in refused.output


def test_masks_on_tokens_are_not_for_it(here):
    refused = command("net.py:Names", "--set", "mask_on=tokens", "--set", "input_mask=75", "--out", "out")
    assert refused.exit_code == 2 and "mask_on: expected pixels for Names" in refused.output


def test_the_licence_is_that_of_its_owner_and_of_the_images(here):
    card = json.loads(train(here / "out").with_suffix(".json").read_text())
    assert card["licence"] == "not stated; training images: not stated"


def test_weights_are_verified_where_their_network_is_found(here, tmp_path_factory, monkeypatch):
    file, photos = train(here / "out"), here / "photos"
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    refused = CliRunner().invoke(cli.main, ["models", "verify", str(file), "--data", str(photos)])
    assert refused.exit_code == 2 and refused.output.count("\n") == 1
    assert (
        "net.py, which does not exist: check the path (net.py:Net is searched from the current folder)"
        in refused.output
    )


def test_a_setting_that_is_nobodys_gets_a_suggestion(here):
    refused = command("net.py:Net", "--set", "widht=5")
    assert "'widht'. Did you mean 'width'?" in refused.output


def test_the_input_mask_works_for_it_too(here):
    masked = train(here / "out", settings={"input_mask": "75-85"})
    assert json.loads(masked.with_suffix(".json").read_text())["recipe"]["input_mask"] == [75, 85]
    assert masked.read_bytes() != train(here / "plain").read_bytes()
