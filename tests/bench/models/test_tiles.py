"""Tiles blend without seams; where they cover the receptive field, the output is that of the whole image."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from baselines.dncnn import DnCNN
from baselines.restormer import Restormer
from bench.models import model_specs, tiling
from bench.models.adapters import PerChannel, RangeAdapter
from bench.models.tiles import Tiled, starts, strips
from bench.models.tiling import Tiling
from bench.noise.noises import stream_key

EXACT = Tiling(64, overlap=16, margin=4, step=1, fits=False, reflect_small=True)  # of a user's network with a tile
TILINGS = (
    Tiling(64, overlap=32, margin=8),
    Tiling(48, overlap=16, margin=4, fits=False),
    Tiling(128, 64, 24),
    EXACT,
)


class Noting(nn.Module):
    """x + the number of the call; keeps what it was called with."""

    takes_keys = True

    def __init__(self):
        super().__init__()
        self.calls = []

    def forward(self, x, keys=None):
        self.calls.append((tuple(x.shape), list(keys)))
        return x + len(self.calls) - 1


def image(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def filled(network):
    """The network with weights large enough that everything in its sight matters."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.uniform_(-1, 1, generator=generator).mul_(1.6 / max(parameter[0].numel(), 1) ** 0.5)
    return network.eval()


@pytest.mark.slow
@settings(deadline=None)
@given(length=st.integers(1, 700), number=st.integers(0, len(TILINGS) - 1))
def test_weights_sum_to_one_and_leave_the_margin_out(length, number):
    tiling = TILINGS[number]
    total = torch.zeros(length, dtype=torch.float64)
    for start, stop, weight in strips(length, tiling):
        assert 0 <= start < stop <= length and start % tiling.step == 0 and stop - start <= tiling.side
        assert stop - start == min(length, tiling.side) or stop == length
        assert not start or not weight[: tiling.margin].any()
        assert stop == length or not weight[len(weight) - tiling.margin :].any()
        total[start:stop] += weight
    torch.testing.assert_close(total, torch.ones_like(total), atol=1e-6, rtol=0)


@pytest.mark.slow
@settings(deadline=None)
@given(length=st.integers(1, 700), number=st.integers(0, len(TILINGS) - 1))
def test_neighbours_overlap_and_the_last_is_no_narrow_rest(length, number):
    tiling = TILINGS[number]
    found = starts(length, tiling)
    steps = [after - before for before, after in zip(found, found[1:], strict=False)]
    assert all(0 < step <= tiling.side - tiling.overlap for step in steps)
    assert found[0] == 0 and length - found[-1] <= tiling.side
    assert len(found) == 1 or length - found[-1] > tiling.side - tiling.step


@pytest.mark.slow
@settings(deadline=None)
@given(height=st.integers(1, 150), width=st.integers(1, 150), number=st.integers(0, len(TILINGS) - 1))
def test_what_changes_nothing_changes_nothing_in_tiles(height, width, number):
    x = image(2, 3, height, width)
    torch.testing.assert_close(Tiled(nn.Identity(), TILINGS[number])(x), x, atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", [(1, 1), (40, 56), (64, 64), (20, 130), (65, 71), (100, 130)])
def test_a_network_with_a_tile_sees_nothing_else(size):
    """Exactly that square, of images of any size; what is filled up is a reflection, and is cut off again."""
    noting, x = Noting(), image(2, 3, *size)
    assert Tiled(noting, EXACT)(x, keys=[5, 6]).shape == x.shape
    assert {shape for shape, _ in noting.calls} == {(2, 3, 64, 64)}
    assert size[0] > 64 or size[1] > 64 or noting.calls == [((2, 3, 64, 64), [5, 6])]
    torch.testing.assert_close(Tiled(nn.Identity(), EXACT)(x), x, atol=1e-6, rtol=0)


def test_a_small_image_is_filled_up_by_reflection():
    seen = []
    network = Tiled(nn.Identity(), EXACT)
    network.network.register_forward_hook(lambda module, given, output: seen.append(given[0]))
    x = image(1, 3, 40, 64)
    network(x)
    torch.testing.assert_close(seen[0], nn.functional.pad(x, (0, 0, 0, 24), "reflect"), atol=0, rtol=0)


@pytest.mark.parametrize("size", [(65, 64), (64, 129), (150, 113)])  # a rest of one pixel too
def test_a_constant_has_no_seams(size):
    output = Tiled(nn.Threshold(2.0, 0.7), TILINGS[0])(image(1, 3, *size))
    torch.testing.assert_close(output, torch.full_like(output, 0.7), atol=1e-6, rtol=0)


def test_a_tile_fades_into_the_next():
    """Two tiles that differ by one: over the 16 pixels between the margins the output goes up by 1/16 a pixel."""
    output = Tiled(Noting(), TILINGS[0])(torch.zeros(1, 3, 40, 96))[0, 0, 0]  # tiles at 0..64 and 32..96
    expected = ((torch.arange(96) + 0.5 - 32 - 8) / 16).clamp(0, 1)
    torch.testing.assert_close(output, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("layers", [9, 20])
def test_convolutions_in_tiles_are_those_of_the_whole_image(layers):
    """The receptive field of DnCNN, 19 or 41 pixels, is covered: nothing but rounding is left."""
    model = model_specs.resolve(f"dncnn(weights=None, nc=6, nb={layers})")
    network, x = filled(model.load()), image(1, 3, 141, 260)
    chosen = tiling.of(model, 128)
    with torch.inference_mode():
        whole = network(x)
        assert (whole - x).std() > 0.05  # the network does something
        torch.testing.assert_close(Tiled(network, chosen)(x), whole, atol=2e-6, rtol=1e-5)
        narrow = Tiled(network, Tiling(128, overlap=chosen.overlap, margin=0))(x)
    assert (narrow - whole).abs().max() > 1e-3  # with less in sight it is not so


@pytest.mark.slow
@pytest.mark.parametrize("name", ["baseline", "swinir"])
def test_windows_in_tiles_are_those_of_the_whole_image(name):
    """The small transformers see 48 and 50 pixels, and tiles begin where windows do. Odd sides are filled up."""
    model = model_specs.resolve(name)
    network, x = model.load(), image(1, 3, 141, 171)
    with torch.inference_mode():
        whole = network(x)
        tiled = Tiled(network, tiling.of(model, 144))(x)
        torch.testing.assert_close(tiled, whole, atol=5e-6, rtol=0)
        shifted = Tiled(network, Tiling(144, overlap=72, margin=25, step=12))(x)
    assert (shifted - whole).abs().max() > 1e-4  # windows that lie elsewhere give another output


def test_statistics_of_the_whole_image_are_others_in_tiles():
    """What the methods page says of Restormer."""
    network, x = filled(Restormer(dim=4, num_blocks=(1, 1, 1, 1), heads=(1, 1, 1, 1))), image(1, 3, 80, 128)
    with torch.inference_mode():
        assert (Tiled(network, TILINGS[0])(x) - network(x)).abs().max() > 1e-4


def test_every_tile_has_a_key_of_the_image_and_its_place():
    noting = Noting()
    Tiled(noting, TILINGS[0])(torch.zeros(2, 3, 96, 64), keys=[5, 6])
    assert noting.calls == [
        ((2, 3, 64, 64), [stream_key("tile", 5, 0, 0), stream_key("tile", 6, 0, 0)]),
        ((2, 3, 64, 64), [stream_key("tile", 5, 32, 0), stream_key("tile", 6, 32, 0)]),
    ]
    Tiled(noting, TILINGS[0])(torch.zeros(1, 3, 64, 50), keys=[5])
    assert noting.calls[2:] == [((1, 3, 64, 50), [5])]  # one tile: the image as it is, with its own key


def test_masks_repeat_and_do_not_depend_on_the_batch():
    network = Tiled(model_specs.load_model("ours"), TILINGS[0])
    assert network.takes_keys
    x = image(2, 3, 64, 96)
    with torch.inference_mode():
        both, alone = network(x, keys=[1, 2]), network(x[1:], keys=[2])
        torch.testing.assert_close(both[1:], alone, atol=1e-5, rtol=0)
        assert (network(x[1:], keys=[3]) - alone).abs().max() > 1e-3


@pytest.mark.parametrize("adapted", [lambda n: PerChannel(n), lambda n: RangeAdapter(PerChannel(n), 255)])
def test_adapters_are_inside_of_tiles(adapted):
    network, x = adapted(filled(DnCNN(in_nc=1, out_nc=1, nc=5, nb=4))), image(1, 3, 100, 70)
    with torch.inference_mode():
        torch.testing.assert_close(Tiled(network, TILINGS[0])(x), network(x), atol=1e-5, rtol=1e-5)


def test_a_network_cannot_change_the_image_and_must_keep_the_size():
    class Eraser(nn.Module):
        def forward(self, x):
            return x.zero_()

    for chosen in (TILINGS[0], EXACT):
        x = image(1, 1, 100, 64)
        Tiled(Eraser(), chosen)(x)
        assert x.min() < x.max()
    with pytest.raises(ValueError, match=r"\(1, 64, 64\), got \(1, 62, 62\)"):
        Tiled(nn.AvgPool2d(3, 1), TILINGS[0])(x)
    with pytest.raises(ValueError, match=r"\(1, 64, 64\), got \(1, 62, 62\)"):
        Tiled(nn.AvgPool2d(3, 1), EXACT)(image(1, 1, 40, 40))
