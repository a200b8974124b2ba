"""What networks cost and see: what their files state is what is counted."""

import weakref
from importlib import import_module

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

from baselines.dncnn import DnCNN
from baselines.idf import IDF
from bench.models import cards, complexity, model_specs

STATED = [(name, size) for name, constants in cards.networks().items() for size in constants["FACTS"]]
LARGE = {("rnan", "full"), ("restormer", "full"), ("swinir", "full")}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "size"), STATED)
def test_the_stated_facts_are_counted(name, size):
    facts, module = cards.networks()[name]["FACTS"][size], import_module(f"baselines.{name}")
    network = module.network(**module.SIZES[size]).eval()
    assert facts["parameters"] == complexity.count_parameters(network)
    assert facts["receptive_field"] == complexity.receptive_field(name, module.SIZES[size])
    if (name, size) not in LARGE:  # seconds each; counted once, by hand
        assert facts["flops_per_pixel"] == complexity.flops_per_pixel(network)


def test_every_network_states_its_facts():
    for name, constants in cards.networks().items():
        assert constants["FACTS"].keys() == {"small", "full"}, name


@pytest.mark.parametrize(("nc", "nb", "channels"), [(4, 3, 3), (5, 6, 1)])
def test_operations_are_those_of_the_formula(nc, nb, channels):
    """Two a weight and pixel, for convolutions that keep the size."""
    weights = 9 * (2 * nc * channels + (nb - 2) * nc * nc)
    network = model_specs.load_model(f"dncnn(weights=None, nc={nc}, nb={nb}, in_nc={channels}, out_nc={channels})")
    assert complexity.flops_per_pixel(network) == 2 * weights * (3 // channels)
    assert all(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.slow
def test_fused_attention_is_counted_too():
    """By hand, for the paper's network: linear layers, attention (64 keys a query), convolutions."""
    dim, blocks, keys = 60, 24, 64
    block = 2 * (4 * dim * dim + 2 * dim * 2 * dim) + 4 * keys * dim
    bottleneck = 2 * (2 * 9 * dim * 15 + 15 * 15)
    expected = blocks * block + 5 * bottleneck + 2 * (3 * dim + 9 * dim * 3)
    network = model_specs.load_model("baseline(size='full', weights=None)")
    with torch.inference_mode():
        assert complexity.flops_per_pixel(network) == expected == 1_918_890


def test_parameters_are_counted():
    assert (complexity.count_parameters(DnCNN()), complexity.count_parameters(IDF())) == (668_227, 49_021)


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of tensors that are made and not yet given back; `peak` is the most at any moment."""

    def __init__(self):
        super().__init__()
        self.now = self.peak = 0
        self.known = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in tree_iter(result):
            if isinstance(tensor, torch.Tensor) and tensor.untyped_storage()._cdata not in self.known:
                storage = tensor.untyped_storage()
                self.known.add(storage._cdata)
                self.now += storage.nbytes()
                self.peak = max(self.peak, self.now)
                weakref.finalize(storage, self._gone, storage._cdata, storage.nbytes())
        return result

    def _gone(self, address, count):
        self.known.discard(address)
        self.now -= count


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "dncnn",
        "ours",
        "swinir",
        "ridnet(weights=None)",
        "restormer(weights=None)",
        "idf(weights=None)",
        "dncnn(weights=None, size='full')",
        "ridnet(weights=None, size='full')",
    ],
)
def test_the_stated_memory_holds_the_tensors_that_are_alive(text):
    """And what kernels copy besides: at most as much again (tests/benchmarks/memory.py measures it)."""
    model = model_specs.resolve(text)
    network, x = model.load(), torch.rand(1, 3, 128, 128)
    keys = {"keys": [0]} if getattr(network, "takes_keys", False) else {}
    with torch.inference_mode():
        network(x, **keys)  # what is made once is made now
        with LiveBytes() as live:
            network(x, **keys)
    needed = live.peak / 128**2
    assert needed <= complexity.bytes_per_pixel(model.name, model.parameters) <= 2.2 * needed
