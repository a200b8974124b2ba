"""The rule which image is run in which tile; a change of these numbers makes other rows."""

import pytest
from click.testing import CliRunner

from bench import cli
from bench.core.errors import BadInput
from bench.models import cards, model_specs, tiling

PHOTOGRAPHS = {"CBSD68": (321, 481), "McMaster": (500, 500), "camera": (3000, 4000)}


def tiles(text, choice="auto"):
    chosen = tiling.of(model_specs.resolve(text), choice)
    return [chosen.tile(*size) for size in PHOTOGRAPHS.values()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dncnn", [0, 0, 512]),
        ("ours", [0, 0, 512]),
        ("dncnn(weights=None, size='full')", [0, 0, 512]),
        ("ours(weights=None, size='full')", [0, 0, 512]),
        ("ridnet(weights=None, size='full')", [0, 0, 512]),
        ("idf(weights=None)", [0, 0, 512]),
        ("swinir(weights=None, size='full')", [0, 0, 256]),
        ("restormer(weights=None, size='full')", [0, 0, 256]),
        ("rnan(weights=None, size='full')", [48, 48, 48]),
        ("wavelet", [0, 0, 0]),  # whose noise level is that of the image
        ("tv", [0, 0, 0]),
        ("nlm", [0, 0, 0]),
        ("torch.nn:Identity", [0, 0, 512]),
    ],
)
def test_auto(text, expected):
    assert tiles(text) == expected


@pytest.mark.parametrize("size", ["small", "full"])
@pytest.mark.parametrize("name", sorted(cards.networks()))
def test_auto_keeps_every_network_below_its_limits(name, size):
    model = model_specs.resolve(f"{name}(weights=None, size='{size}')")
    chosen = tiling.of(model)
    if name == "rnan":
        assert chosen.side == 48
        return
    needed = tiling.complexity.bytes_per_pixel(name, model.parameters)
    assert chosen.max_whole_pixels * needed <= 2.5 * 2**30 and chosen.side**2 * needed <= 0.75 * 2**30
    assert chosen.side % 8 == chosen.overlap % 8 == 0 and 2 * chosen.margin < chosen.overlap <= chosen.side / 2


def test_a_grey_network_counts_three_times():
    grey, colour = (
        tiling.of(model_specs.resolve(f"dncnn(weights=None{more})")) for more in (", in_nc=1, out_nc=1", "")
    )
    assert grey.max_whole_pixels == pytest.approx(colour.max_whole_pixels / 3, abs=1)


def test_what_was_chosen():
    assert tiles("dncnn", "whole") == [0, 0, 0]
    assert tiles("dncnn", 504) == [0, 0, 504]  # an image that fits into a tile is whole
    assert tiles("dncnn", 256) == [256, 256, 256]
    assert tiles("rnan(weights=None)", "whole") == tiles("rnan(weights=None)", 256) == [48, 48, 48]


def test_tiles_begin_where_windows_do():
    chosen = tiling.of(model_specs.resolve("swinir(weights=None, size='full', window_size=7)"))
    assert chosen.step == 56 and chosen.side % 56 == chosen.overlap % 56 == 0


@pytest.mark.parametrize(("field", "overlap"), [(19, 40), (41, 56), (48, 64), (64, 80), (65, 32), ("whole image", 32)])
def test_the_overlap_covers_a_modest_receptive_field(field, overlap, monkeypatch):
    monkeypatch.setattr(tiling.complexity, "receptive_field", lambda *_: field)
    assert tiling.of(model_specs.resolve("dncnn")).overlap == overlap


@pytest.mark.parametrize("text", ["0", "-8", "half", "64.0", "²", ""])
def test_what_is_no_tile(text):
    with pytest.raises(BadInput, match="--tile: .*auto, whole"):
        tiling.parse(text)
    assert tiling.parse("512") == 512


@pytest.mark.parametrize("side", [250, 120])
def test_a_tile_that_the_model_cannot_take(side):
    with pytest.raises(BadInput, match=f"multiple of 8.*128, got {side}"):
        tiling.of(model_specs.resolve("ours"), side)


OWN = """
from torch import nn

class Plain(nn.Identity):
    def receptive_field(self):  # a method of the user's, not a statement
        return 3

class Seeing(nn.Identity):
    receptive_field = 41

class Light(nn.Identity):
    bytes_per_pixel = 100

class Tiled(nn.Identity):
    tile = 64

class Odd(nn.Identity):
    tile = 20

def made():
    return Tiled()

class Text(nn.Identity):
    tile = "64"

class Fraction(nn.Identity):
    tile = 64.0

class Wide(nn.Identity):
    receptive_field = 41.0

class Flagged(nn.Identity):
    receptive_field = True

class Nothing(nn.Identity):
    bytes_per_pixel = 0

class Property(nn.Identity):
    @property
    def tile(self):
        return 64
"""


@pytest.fixture
def own(tmp_path):
    (tmp_path / "net.py").write_text(OWN)
    return lambda name: tiling.of(model_specs.resolve(f"{tmp_path}/net.py:{name}"))


def test_a_users_class_states_what_it_needs(own):
    usual = own("Plain")
    assert own("Property") == usual and (usual.margin, usual.overlap) == (8, 32)
    assert (own("Seeing").margin, own("Seeing").overlap) == (20, 56)
    assert own("Seeing") == tiling.replace(
        tiling.of(model_specs.resolve("dncnn(weights=None, size='full')")),
        side=512,
        max_whole_pixels=usual.max_whole_pixels,
    )
    assert usual.tile(3000, 4000) == 512 and own("Light").tile(3000, 4000) == 0
    always = tiling.replace(tiling.of(model_specs.resolve("rnan")), side=64, step=1, reflect_small=True)
    assert own("Tiled") == own("made") == always
    with pytest.raises(BadInput, match="model Odd.*multiple of 8.*got 20"):
        own("Odd")


@pytest.mark.parametrize(
    ("name", "attribute", "value"),
    [
        ("Text", "tile", "'64'"),
        ("Fraction", "tile", "64.0"),
        ("Wide", "receptive_field", "41.0"),
        ("Flagged", "receptive_field", "True"),
        ("Nothing", "bytes_per_pixel", "0"),
    ],
)
def test_what_a_class_states_is_a_positive_integer(own, name, attribute, value):
    with pytest.raises(BadInput) as error:
        own(name)
    message = str(error.value)
    assert message.startswith(f"model {name}: {attribute}") and message.endswith(f"got {value}")


@pytest.mark.slow
def test_info_shows_the_receptive_field_that_a_user_states(own, tmp_path):
    def info(name):
        return CliRunner().invoke(cli.main, ["models", "info", f"{tmp_path}/net.py:{name}"]).output

    assert "41 pixels" in info("Seeing") and "unknown" in info("Plain")
