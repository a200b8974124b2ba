"""FFDNet: the official outputs, odd sizes, and what the noise level does."""

import numpy as np
import pytest
import torch

from baselines.ffdnet import FFDNet
from baselines.weights_io.checkpoints import load_strictly, read_weights
from bench.models import model_specs
from bench.training.training_options import configure
from tests.baselines.filled import count, fill, names_hash, picture

TINY = {"nc": 8, "nb": 4}


def level(x, sigma):
    return torch.full_like(x[:, :1], sigma / 255)


@pytest.mark.parametrize("sigma", [15, 50])
def test_the_official_code_has_the_same_output(shared, sigma):
    network = FFDNet().eval()
    load_strictly(network, read_weights(shared / "weights" / "published" / "ffdnet_color.pth"), "ffdnet_color.pth")
    with np.load(shared / "golden" / "published" / "outputs.npz") as golden, torch.inference_mode():
        x, expected = (torch.from_numpy(golden[key]) for key in ("rgb", f"ffdnet_out_{sigma}"))
        torch.testing.assert_close(network(x, level(x, sigma)), expected, rtol=0, atol=1e-6)


def test_names_and_shapes():
    """Those of KAIR's colour and greyscale checkpoints."""
    with torch.device("meta"):
        colour, grey = FFDNet(), FFDNet(in_nc=1, out_nc=1, nc=64, nb=15)
    assert (count(colour), names_hash(colour)) == (852_108, "e2a38e35b1620708")
    assert (count(grey), names_hash(grey)) == (485_316, "c1a8c0c272640705")


@pytest.mark.parametrize("size", [(1, 1), (9, 31), (8, 30)])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_size_and_number_of_channels(size, channels):
    x = picture(*size)[:, :channels].float()
    assert FFDNet(channels, channels, **TINY)(x, level(x, 15)).shape == x.shape


def test_an_odd_side_is_extended_by_its_last_pixel():
    network, x = fill(FFDNet(**TINY)), picture(7, 9)
    wider = torch.cat([x, x[..., -1:]], -1)
    whole = torch.cat([wider, wider[..., -1:, :]], -2)
    torch.testing.assert_close(network(x, level(x, 15)), network(whole, level(whole, 15))[..., :7, :9])


def test_a_map_acts_where_it_differs():
    network, x = fill(FFDNet(**TINY), gain=1.4), picture(40, 44)
    constant = level(x, 15)
    changed = constant.clone()
    changed[..., :4, :4] = 50 / 255
    difference = (network(x, changed) - network(x, constant)).abs().amax(1)[0]
    assert difference[:4, :4].min() > 0 and difference[4 + 18 :, 4 + 18 :].max() == 0  # 2 (2 nb + 1) pixels wide


def test_a_training_draws_its_level_from_a_range():
    model = model_specs.resolve("ffdnet(weights=None)")
    for preset in ("small", "paper", "official"):
        assert configure(model, preset, {}, None)[0].sigma == (0, 55)
    assert configure(model, "small", {"sigma": "15"}, None)[0].sigma == 15


def test_gradients_reach_every_weight():
    torch.manual_seed(0)
    network, x = FFDNet(**TINY), picture(16, 24, batch=2).float()
    (network(x, level(x, 15)) - 0.5).abs().mean().backward()
    assert all(parameter.grad.any() for parameter in network.parameters())
