"""SwinIR: the official network, golden values, padding."""

import pytest
import torch
import torch.nn.functional as F

from baselines.swinir import SIZES, SwinIR
from tests.baselines.filled import check_gradients, check_official, count, fill, measure, names_hash, picture

TINY = {"embed_dim": 8, "depths": (2, 1), "num_heads": (2, 2), "drop_path_rate": 0.0}


@pytest.mark.slow
def test_is_the_official_network(shared):
    check_official(shared, "kair_swinir_color", SwinIR())


def test_is_the_official_network_when_small(shared):
    check_official(shared, "kair_swinir_small", SwinIR(embed_dim=24, depths=(2, 2), num_heads=(3, 3)))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [-0.02678345336, 1.07058287, 0.0567509584, 0.946831631, -0.4727867146, -1.19487218]),
        (
            {"resi_connection": "3conv", "mlp_ratio": 4.0, "window_size": 4},
            [-0.2216010501, 0.3561212737, -0.2220068519, 0.2399492444, 0.3260726146, -0.7675963675],
        ),
    ],
)
def test_output_on_known_weights(options, expected):
    assert measure(fill(SwinIR(**{**TINY, **options}))) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(
    ("options", "parameters", "names"),
    [
        (SIZES["full"], 11_504_163, "0bd58acd8885c398"),
        (SIZES["small"], 112_227, "49ba8d04352f67d6"),
    ],
)
def test_names_and_shapes(options, parameters, names):
    network = SwinIR(**options)
    assert (count(network), names_hash(network)) == (parameters, names)


def test_without_its_last_convolution_it_gives_the_input_back():
    network, x = fill(SwinIR(**TINY)), picture(9, 13, batch=2)
    network.conv_last.weight.data.zero_()
    network.conv_last.bias.data.zero_()
    torch.testing.assert_close(network(x), x)


@pytest.mark.parametrize("size", [(8, 8), (9, 31), (16, 13)])
def test_sides_are_reflected_to_multiples_of_the_window(size):
    network, x = fill(SwinIR(**TINY)), picture(*size)
    padded = network(F.pad(x, (0, -size[1] % 8, 0, -size[0] % 8), "reflect"))
    torch.testing.assert_close(network(x), padded[..., : size[0], : size[1]])


def test_grey_images_have_no_mean_to_subtract():
    network = fill(SwinIR(**TINY, in_chans=1))
    assert not network.mean.any()
    assert network(picture(8, 8)[:, :1]).shape == (1, 1, 8, 8)


def test_gradients_reach_every_weight():
    torch.manual_seed(0)
    check_gradients(SwinIR(**TINY))
