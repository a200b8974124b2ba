"""`precision=auto`: bfloat16 where that trains a network faster."""

import dataclasses

import numpy as np
import pytest
import torch

from baselines.dncnn import DnCNN
from baselines.masked_swinir import MaskedSwinIR
from baselines.restormer import Restormer
from baselines.train import precision
from baselines.train.recipe import PRESETS
from baselines.train.training import Trainer

IMAGE = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
CPU, GPU = torch.device("cpu"), torch.device("cuda")
DNCNN = DnCNN(nc=4, nb=3)
SWIN = MaskedSwinIR(embed_dim=4, depths=(1,), num_heads=(1,))
RESTORMER = Restormer(dim=2, num_blocks=(1, 1, 1, 1), heads=(1, 1, 1, 1), num_refinement_blocks=1)


@pytest.fixture
def processor(monkeypatch):
    def has(**instructions):
        monkeypatch.setattr(precision, "_cpu_has", lambda name: instructions.get(name, False))

    return has


@pytest.mark.parametrize(
    ("instructions", "convolutions", "products"),
    [
        ({"amx_tile": True, "avx512_bf16": True}, "bfloat16", "bfloat16"),
        ({"avx512_bf16": True}, "float32", "bfloat16"),
        ({}, "float32", "float32"),
    ],
)
def test_by_processor_and_network(processor, instructions, convolutions, products):
    processor(**instructions)
    assert precision.fastest(DNCNN, CPU) == convolutions
    assert precision.fastest(SWIN, CPU) == precision.fastest(RESTORMER, CPU) == products


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), "float32"), ((8, 0), "bfloat16"), ((9, 0), "bfloat16")])
def test_by_gpu(monkeypatch, capability, expected):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert precision.fastest(DNCNN, GPU) == expected


def test_other_devices_train_in_float32(processor):
    processor(amx_tile=True)
    assert precision.fastest(SWIN, torch.device("mps")) == "float32"


def test_torch_knows_these_instructions():
    """The names that are asked for are there in the torch that the constraints name."""
    for name in ("amx_tile", "avx512_bf16"):
        assert isinstance(getattr(torch.cpu, f"_is_{name}_supported")(), bool)
        assert precision._cpu_has(name) == getattr(torch.cpu, f"_is_{name}_supported")()
    assert precision._cpu_has("magic") is False


@pytest.mark.parametrize("amx", [True, False])
def test_a_training_has_what_auto_came_to_and_keeps_it(processor, amx):
    """In its recipe, so in its checkpoint and card; another processor goes on in it, unless it is told otherwise."""
    recipe, photograph = dataclasses.replace(PRESETS["small"], iterations=2, batch=1, crop=16), [IMAGE]

    def trainer(**changes):
        return Trainer(DnCNN(nc=4, nb=3), photograph, dataclasses.replace(recipe, **changes), CPU)

    processor(amx_tile=amx)
    first, own = trainer(), "bfloat16" if amx else "float32"
    assert recipe.precision == "auto" and first.recipe.precision == own
    first.step()
    processor(amx_tile=not amx)
    second = trainer()
    assert second.recipe.precision != own
    second.restore(first.state())
    assert (second.recipe, second.layout) == (first.recipe, first.layout)
    assert torch.equal(second.step(), first.step())
    with pytest.raises(ValueError, match="precision"):
        trainer(precision="float32" if amx else "bfloat16").restore(first.state())


def test_a_training_goes_on_on_the_device_where_it_began(processor):
    processor()
    recipe = dataclasses.replace(PRESETS["small"], iterations=2, batch=1, crop=16)
    trainer = Trainer(DnCNN(nc=4, nb=3), [IMAGE], recipe, CPU)
    with pytest.raises(ValueError, match="device: expected cuda"):
        trainer.restore({**trainer.state(), "device": "cuda"})
