"""What networks cost and see: what their files state is what is counted."""

from importlib import import_module

import pytest
import torch

from baselines.dncnn import DnCNN
from baselines.idf import IDF
from bench import cards, cost, models

STATED = [(name, size) for name, constants in cards.networks().items() for size in constants["FACTS"]]
LARGE = {("rnan", "full"), ("restormer", "full"), ("swinir", "full")}


@pytest.mark.parametrize(("name", "size"), STATED)
def test_the_stated_facts_are_counted(name, size):
    facts, module = cards.networks()[name]["FACTS"][size], import_module(f"baselines.{name}")
    network = module.network(**module.SIZES[size]).eval()
    assert facts["parameters"] == cost.count_parameters(network)
    assert facts["receptive_field"] == cost.receptive_field(name, module.SIZES[size])
    if (name, size) not in LARGE:  # seconds each; counted once, by hand
        assert facts["flops_per_pixel"] == cost.flops_per_pixel(network)


def test_every_network_states_its_facts():
    for name, constants in cards.networks().items():
        assert constants["FACTS"].keys() == {"small", "full"}, name


@pytest.mark.parametrize(("nc", "nb", "channels"), [(4, 3, 3), (5, 6, 1)])
def test_operations_are_those_of_the_formula(nc, nb, channels):
    """Two a weight and pixel, for convolutions that keep the size."""
    weights = 9 * (2 * nc * channels + (nb - 2) * nc * nc)
    network = models.load_model(f"dncnn(weights=None, nc={nc}, nb={nb}, in_nc={channels}, out_nc={channels})")
    assert cost.flops_per_pixel(network) == 2 * weights * (3 // channels)
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_fused_attention_is_counted_too():
    """By hand, for the paper's network: linear layers, attention (64 keys a query), convolutions."""
    dim, blocks, keys = 60, 24, 64
    block = 2 * (4 * dim * dim + 2 * dim * 2 * dim) + 4 * keys * dim
    bottleneck = 2 * (2 * 9 * dim * 15 + 15 * 15)
    expected = blocks * block + 5 * bottleneck + 2 * (3 * dim + 9 * dim * 3)
    network = models.load_model("baseline(size='full', weights=None)")
    with torch.inference_mode():
        assert cost.flops_per_pixel(network) == expected == 1_918_890


def test_parameters_are_counted():
    assert (cost.count_parameters(DnCNN()), cost.count_parameters(IDF())) == (668_227, 49_021)
