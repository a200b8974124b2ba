"""A network from outside is tried on a small image, and what it may not do is told in one line."""

import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from torch import nn

import bench
from bench import runner
from bench.cli import main
from bench.core.errors import BadInput
from bench.models import contract

USERS = """
import torch
from torch import nn

class Good(nn.Module):
    def forward(self, x):
        return 0.9 * x + 0.05

class Keyed(Good):
    takes_keys = True
    def forward(self, x, keys=None):
        return x + torch.tensor([key % 7 for key in keys]).view(-1, 1, 1, 1) / 100

class OfLarge(Good):
    def forward(self, x):
        if x.shape[-1] < 40:
            raise RuntimeError("too small")
        return x

class OfMany(Good):
    def forward(self, x):
        if x.shape[-1] % 64 or x.shape[-2] % 64:
            raise RuntimeError("wanted multiples of 64")
        return x

class OfOne(Good):
    def forward(self, x):
        return x + torch.zeros(128, 128)

class OfEight(Good):
    def forward(self, x):
        if x.shape[-1] % 8 or x.shape[-2] % 8:
            raise RuntimeError("wanted multiples of 8")
        return x

class Cutting(Good):
    def forward(self, x):
        return x[..., : x.shape[-2] // 2 * 2, : x.shape[-1] // 2 * 2]

class InTiles(Good):
    tile = 48
    def forward(self, x):
        if x.shape[-2:] != (48, 48):
            raise RuntimeError("wanted 48x48")
        return x

class OtherTile(InTiles):
    tile = 64

class Grey(Good):
    def __init__(self):
        super().__init__()
        self.mix = nn.Conv2d(1, 1, 1)
    def forward(self, x):
        return self.mix(x)

class Double(Good):
    def __init__(self):
        super().__init__()
        self.mix = nn.Conv2d(3, 3, 1).double()
    def forward(self, x):
        return self.mix(x)

class OfTime(Good):
    def forward(self, x, time):
        return x

class Swapped(Good):
    def forward(self, x):
        return x.transpose(2, 3)

class SwappedInside(Good):
    def forward(self, x):
        return 0.5 * (x + x.transpose(2, 3))

class Pair(Good):
    def forward(self, x):
        return x, x

class Smaller(Good):
    def forward(self, x):
        return x[..., 1:]

class Bytes(Good):
    def forward(self, x):
        return (x * 255).to(torch.uint8)

class Nan(Good):
    def forward(self, x):
        return x / (x - x)

class White255(Good):
    def forward(self, x):
        return x * 255

class Signed(Good):
    def forward(self, x):
        return 2 * x - 1

class Negative(Good):
    def forward(self, x):
        return -x

class TooStrong(Good):
    def forward(self, x):
        return 2.5 * x

class Standardized(Good):
    def forward(self, x):
        return (x - 0.45) / 0.22

class White255OfAnother(Good):
    def forward(self, x):
        return 255 * x.flip(-1)

class InPlace(Good):
    def forward(self, x):
        return x.mul_(0.9)

class Random(Good):
    def forward(self, x):
        return x + 0.01 * torch.randn_like(x)

class LargeRandom(Random):
    def forward(self, x):
        if x.shape[-1] < 40:
            raise RuntimeError("too small")
        return super().forward(x)

class AlwaysDropout(Good):
    def forward(self, x):
        return nn.functional.dropout(x, 0.1)

class RandomKeyed(Keyed):
    def forward(self, x, keys=None):
        return x + 0.01 * torch.randn_like(x)

class NoKeys(Good):
    takes_keys = True

class Lazy(Good):
    def __init__(self):
        super().__init__()
        self.mix = nn.LazyConv2d(3, 1)

class OfNoDevice(Good):
    def __init__(self):
        super().__init__()
        self.mix = nn.Conv2d(3, 3, 1, device="meta")

class NoState(Good):
    def state_dict(self, *args, **kwargs):
        raise RuntimeError("no state\\nand more")

class NoEval(Good):
    def eval(self):
        raise RuntimeError("no eval")

class SilentEval(Good):
    def eval(self):
        self.training = False

class Immobile(Good):
    def to(self, *args):
        raise RuntimeError("stays here")

class Unsure(Good):
    @property
    def takes_keys(self):
        raise RuntimeError("not known yet")

class ByMethod(Good):
    def float32_layers(self):
        return []

class ByName(Good):
    float32_layers = ["mix"]

class Failing(Good):
    @property
    def float32_layers(self):
        raise RuntimeError("no layers")

def made():
    return Good()

def not_a_network():
    return 3
"""


@pytest.fixture
def users(tmp_path):
    file = tmp_path / "users.py"
    file.write_text(USERS)
    return file


def run(users, name, photos, tmp_path, *more):
    arguments = ["run", "--models", f"{users}:{name}", "--noise", "gaussian(sigma=15)", "--data", photos, "--limit", 1,
                 "--out", tmp_path / "run", *more]  # fmt: skip
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Good", "Keyed", "OfLarge", "OfMany", "OfOne", "SilentEval", "InTiles", "made"])
def test_good_networks_run(users, photos, tmp_path, name):
    """One that takes other sizes than those of the pictures has rows that say so."""
    result = run(users, name, photos, tmp_path)
    assert result.exit_code == (3 if name in ("OfMany", "OfOne") else 0), result.output


TRIED = "on a 40x32 image in [0, 1]: "
ALL = "256x256, 512x512 pixels: "


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("Pair", TRIED + "output: expected one tensor, got a tuple"),
        ("Smaller", "(1, 3, 40, 32), got (1, 3, 40, 31)"),
        ("Bytes", "got uint8"),
        ("Nan", TRIED + "output: expected finite values"),
        ("White255", "got 0 to 255, 98% of them over 0.25 outside"),
        ("White255OfAnother", "got 0 to 255"),
        ("Signed", "got -1 to 1, 35% of them over 0.25"),
        ("Negative", "got -1 to "),
        ("TooStrong", "got 0 to 2.5"),
        ("Standardized", "[0, 255] or [-1, 1]"),
        ("InPlace", TRIED + "it changes its input"),
        ("Random", TRIED + "two outputs for the same image differ by up to 0.0"),
        ("AlwaysDropout", "or declare takes_keys"),
        ("RandomKeyed", "from the keys"),
        ("NoKeys", "keys=[1]"),
        ("Grey", ALL + "RuntimeError: Given groups=1, weight of size [1, 1, 1, 1], expected input"),
        ("Grey", "channels = 1"),
        ("Double", ALL + "RuntimeError: "),
        ("OfTime", ALL + "TypeError: OfTime.forward() missing 1 required positional argument: 'time'"),
        ("Swapped", "(1, 3, 40, 32), got (1, 3, 32, 40)"),
        ("LargeRandom", "on a 96x64 image in [0, 1]: two outputs for the same image differ by up to 0.0"),
        ("OtherTile", "64x64 pixels: RuntimeError: wanted 48x48"),
        ("Lazy", "uninitialized LazyConv2d"),
        ("OfNoDevice", "model OfNoDevice: NotImplementedError: Cannot copy out of meta tensor"),
        ("NoState", "model NoState: RuntimeError: no state"),
        ("NoEval", "model NoEval: RuntimeError: no eval"),
        ("Immobile", "model Immobile: RuntimeError: stays here"),
        ("Unsure", "model Unsure: RuntimeError: not known yet"),
        ("not_a_network", "an object of type int"),
    ],
)
def test_what_a_network_may_not_do_is_told(users, photos, tmp_path, name, line):
    result = run(users, name, photos, tmp_path)
    last = result.output.splitlines()[-1]
    assert result.exit_code == 2 and last.startswith(f"Error: model {name}"), result.output
    assert line in last


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("ByMethod", "float32_layers of ByMethod: "),
        ("ByName", "float32_layers of ByName: "),
        ("Failing", "RuntimeError: no layers"),
    ],
)
def test_layers_for_float32_that_are_none_are_told(users, photos, tmp_path, name, line):
    result = run(users, name, photos, tmp_path, "--precision", "bf16")
    last = result.output.splitlines()[-1]
    assert result.exit_code == 2 and last.startswith(f"Error: model {name}: {line}"), result.output


def test_our_networks_are_not_tried(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(contract, "check", lambda *_: pytest.fail("it was tried"))
    model = "dncnn(weights=None, nc=4, nb=3)"
    runner.run([model], "gaussian(sigma=15)", data=(photos,), limit=1, out=tmp_path / "run", device="cpu")


def test_a_network_on_another_device_is_tried_there():
    """The image goes where the network is."""

    class Placed(nn.Module):
        def forward(self, x):
            assert x.device.type == "meta"
            return x[..., 1:]

    with pytest.raises(BadInput, match="shape"):
        contract.check(Placed(), "Placed", torch.device("meta"))


def plain(depth, init):
    """A plain network of convolutions without training."""
    layers = [nn.Conv2d(3, 16, 3, padding=1)]
    for _ in range(depth):
        layers += [nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1)]
    network = nn.Sequential(*layers, nn.ReLU(), nn.Conv2d(16, 3, 3, padding=1))
    for weights in network.parameters():
        if weights.ndim == 4 and init:
            init(weights)
    return network


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Conv2d(3, 3, 1),
        lambda: nn.Conv2d(3, 3, 3, padding=1),
        lambda: plain(4, None),
        lambda: plain(4, nn.init.kaiming_normal_),
    ],
)
def test_networks_without_training_are_not_refused_for_their_range(make):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for _ in range(40):
            contract.check(make(), "Untrained", torch.device("cpu"))


@pytest.mark.parametrize(
    ("name", "reasons"),
    [
        ("OfEight", {"50": "wanted multiples of 8", "64": ""}),
        ("Cutting", {"51": "(1, 3, 51, 51)", "64": ""}),
        ("OfOne", {"64": "RuntimeError: ", "128": ""}),
        ("SwappedInside", {"64": ""}),
    ],
)
def test_a_size_that_a_network_does_not_take_is_a_row_with_its_reason(users, tmp_path, name, reasons):
    folder = tmp_path / "sizes"
    folder.mkdir()
    for side in map(int, reasons):
        Image.new("RGB", (side, side), "grey").save(folder / f"{side}.png")
    rows = bench.run(
        [f"{users}:{name}"], "gaussian(sigma=15)", data=(folder,), metrics="psnr", out=tmp_path / "run"
    ).rows
    found = rows.set_index(rows["image"].str.removesuffix(".png"))["reason"].to_dict()
    assert found.keys() == reasons.keys()
    assert all(words in found[side] and bool(words) == bool(found[side]) for side, words in reasons.items()), found
