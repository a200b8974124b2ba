"""bfloat16 stays within 0.005 dB of float32 for the networks that ship, but for RNAN, RIDNet and Restormer."""

import numpy as np
import pytest
import torch
from torch import nn

from bench import datasets
from bench.core.errors import BadInput
from bench.metrics import psnr
from bench.models import cards, model_specs, precisions
from bench.models.precisions import InBfloat16, cast
from bench.noise import noises
from bench.protocols import load_protocol, to_bytes
from bench.runs.plan import make_plan


def scores(network, crop=128):
    """PSNR of the builtin photographs under two noises."""
    found, protocol = [], load_protocol("stored")
    for text in ("gaussian(sigma=15)", "mixture(level=4)"):
        noise = noises.load_noise(text)
        for image in datasets.load_dataset(f"builtin(crop={crop})").images:
            clean = image.read()
            noisy, target = noise(clean, noises.generator(noises.pixel_hash(clean), noise, 0))
            x = torch.from_numpy(protocol.noisy_input(noisy, "gaussian")).permute(2, 0, 1)[None]
            keys = {"keys": [1]} if getattr(network, "takes_keys", False) else {}
            with torch.inference_mode():
                y = network(x, **keys)[0].permute(1, 2, 0)
            assert y.dtype == torch.float32
            found.append(psnr.score(to_bytes(y.numpy()), to_bytes(target)))
    return np.array(found)


SHIPPED = sorted({card["model"] for card in cards.cards().values()})
WIDER = {"rnan": 0.01, "bfcnn": 0.01, "ridnet": 0.02, "restormer": 0.1}


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_networks_keep_their_scores(name):
    """What the help of `bench run --precision` promises."""
    network = model_specs.load_model(name)
    difference = scores(cast(network, "bfloat16")) - scores(model_specs.load_model(name))
    assert 0 < np.abs(difference).max() < WIDER.get(name, 0.005)


@pytest.mark.slow
def test_without_its_float32_layers_a_network_would_not():
    class Plain(nn.Module):
        def __init__(self, network):
            super().__init__()
            self.forward = network.forward

    network = model_specs.load_model("dncnn")
    difference = scores(InBfloat16(Plain(network))) - scores(network)
    assert np.abs(difference).max() > 0.005


def test_named_layers_run_in_float32_at_any_depth():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)

        @property
        def float32_layers(self):
            return [self.second]

        def forward(self, x):
            self.seen = self.first(x), self.second(x)
            return self.seen[1]

    inner = Two()
    output = InBfloat16(nn.Sequential(inner))(torch.rand(1, 3, 4, 4))
    assert [seen.dtype for seen in inner.seen] == [torch.bfloat16, torch.float32]
    assert output.dtype == torch.float32


@pytest.mark.parametrize("name", ["ridnet", "rnan", "restormer", "dropout", "idf", "ours", "ffdnet", "bfcnn", "adnet"])
def test_every_network_runs(name):
    model = model_specs.resolve(f"{name}(weights=None, size='small')")
    network, x = cast(model.load(), "bfloat16"), torch.rand(1, 3, 24, 33, generator=torch.Generator().manual_seed(0))
    keys = {"keys": [1]} if network.takes_keys else {}
    with torch.inference_mode():
        y, expected = network(x, **keys), model.load()(x, **keys)
    assert y.dtype == torch.float32 and network.takes_keys == (name == "ours")
    assert 0 < (y - expected).abs().max() < 0.05


def test_names():
    assert [precisions.parse(text) for text in ("float32", "bf16", "bfloat16")] == ["float32", "bfloat16", "bfloat16"]
    network = model_specs.load_model("dncnn")
    assert cast(network, "float32") is network
    with pytest.raises(BadInput, match="unknown precision 'float16'"):
        precisions.parse("float16")


def test_a_run_in_bfloat16_says_what_that_costs():
    assert any("bfloat16" in note for note in make_plan("dncnn", "isp", precision="bf16").notes)
    assert not any("bfloat16" in note for note in make_plan("dncnn", "isp").notes)
