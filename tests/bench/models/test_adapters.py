"""Grey networks run on each channel by itself, networks with white at 255 on scaled images."""

import pytest
import torch

from baselines.dncnn import DnCNN
from baselines.masked_swinir import MaskedSwinIR
from bench.core.errors import BadInput
from bench.models import model_specs
from bench.models.adapters import PerChannel, RangeAdapter, adapt


def random(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("batch", [1, 2])
def test_each_channel_is_denoised_by_itself(batch):
    network = DnCNN(nc=4, nb=3, in_nc=1, out_nc=1).eval()
    adapted = adapt(network, {"in_nc": 1, "out_nc": 1})
    x = random(batch, 3, 7, 8)
    with torch.inference_mode():
        alone = torch.cat([network(x[:, channel : channel + 1]) for channel in range(3)], 1)
        torch.testing.assert_close(adapted(x), alone)
    assert isinstance(adapted, PerChannel) and not adapted.takes_keys


def test_channels_of_an_image_share_its_key():
    network = MaskedSwinIR(in_chans=1, embed_dim=8, depths=(2,), num_heads=(2,), attention_mask=50).eval()
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        parameter.data.uniform_(-0.5, 0.5, generator=generator)
    adapted = adapt(network, {"in_chans": 1})
    assert adapted.takes_keys
    x = random(2, 3, 16, 16)
    with torch.inference_mode():
        found = adapted(x, keys=[5, 6])
        torch.testing.assert_close(found[1:, 2:], network(x[1:, 2:], keys=[6]))
        assert (found - adapted(x, keys=[7, 8])).abs().max() > 0.001


def test_colour_networks_are_left_as_they_are():
    network = DnCNN(nc=4, nb=3)
    assert adapt(network, {"in_nc": 3, "nb": 3}) is network and adapt(network, {}) is network


def test_white_is_scaled():
    x = random(1, 3, 4, 4)
    adapted = adapt(torch.nn.Threshold(128.0, 0.0), {"rgb_range": 255})
    assert isinstance(adapted, RangeAdapter)
    torch.testing.assert_close(adapted(x), torch.where(x > 128 / 255, x, 0))


@pytest.mark.parametrize("parameters", ["in_nc=2, out_nc=2", "in_nc=4", "in_nc=1"])
def test_other_channels_are_refused(parameters):
    with pytest.raises(BadInput, match=r"got \d in and \d out"):
        model_specs.load_model(f"dncnn(weights=None, nc=4, nb=3, {parameters})")


def test_the_published_grey_network_denoises_colour(shared):
    """It was trained on sigma 25: each channel of a noisy picture gets much closer to the clean one."""
    text = f"dncnn(weights='{shared / 'weights' / 'dncnn_gray_sigma25.pth'}')"
    assert model_specs.resolve(text).label == (
        "dncnn(size='full', weights='dncnn_gray_sigma25.pth', in_nc=1, out_nc=1, nb=17)"
    )
    row = torch.linspace(0, 6, 48)
    clean = torch.stack([0.5 + 0.3 * torch.sin(row + c)[:, None] * torch.cos(row)[None] for c in range(3)])[None]
    noisy = clean + 25 / 255 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        output = model_specs.load_model(text)(noisy)
    errors = (output - clean).square().mean((0, 2, 3)) / (noisy - clean).square().mean((0, 2, 3))
    assert (errors < 0.1).all()  # at least 10 dB in every channel
