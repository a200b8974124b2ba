"""The rule which image is run in which tile; a change of these numbers makes other rows."""

import pytest

from bench.errors import BadInput
from bench.networks import cards, models, tiling

PHOTOGRAPHS = {"CBSD68": (321, 481), "McMaster": (500, 500), "camera": (3000, 4000)}


def tiles(text, choice="auto"):
    chosen = tiling.of(models.resolve(text), choice)
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
    model = models.resolve(f"{name}(weights=None, size='{size}')")
    chosen = tiling.of(model)
    if name == "rnan":
        assert chosen.side == 48
        return
    needed = tiling.cost.bytes_per_pixel(name, model.parameters)
    assert chosen.largest * needed <= 2.5 * 2**30 and chosen.side**2 * needed <= 0.75 * 2**30
    assert chosen.side % 8 == chosen.overlap % 8 == 0 and 2 * chosen.margin < chosen.overlap <= chosen.side / 2


def test_a_grey_network_counts_three_times():
    grey, colour = (tiling.of(models.resolve(f"dncnn(weights=None{more})")) for more in (", in_nc=1, out_nc=1", ""))
    assert grey.largest == pytest.approx(colour.largest / 3, abs=1)


def test_what_was_chosen():
    assert tiles("dncnn", "whole") == [0, 0, 0]
    assert tiles("dncnn", 504) == [0, 0, 504]  # an image that fits into a tile is whole
    assert tiles("dncnn", 256) == [256, 256, 256]
    assert tiles("rnan(weights=None)", "whole") == tiles("rnan(weights=None)", 256) == [48, 48, 48]


def test_tiles_begin_where_windows_do():
    chosen = tiling.of(models.resolve("swinir(weights=None, size='full', window_size=7)"))
    assert chosen.step == 56 and chosen.side % 56 == chosen.overlap % 56 == 0


@pytest.mark.parametrize(("field", "overlap"), [(19, 40), (41, 56), (48, 64), (64, 80), (65, 32), ("whole image", 32)])
def test_the_overlap_covers_a_modest_receptive_field(field, overlap, monkeypatch):
    monkeypatch.setattr(tiling.cost, "receptive_field", lambda *_: field)
    assert tiling.of(models.resolve("dncnn")).overlap == overlap


@pytest.mark.parametrize("text", ["0", "-8", "half", "64.0", "²", ""])
def test_what_is_no_tile(text):
    with pytest.raises(BadInput, match="wanted auto, whole, or the side of a tile"):
        tiling.parse(text)
    assert tiling.parse("512") == 512


@pytest.mark.parametrize("side", [250, 120])
def test_a_tile_that_the_model_cannot_take(side):
    with pytest.raises(BadInput, match=f"the tile of ours is {side}, wanted a multiple of 8 from 128"):
        tiling.of(models.resolve("ours"), side)
