"""Training on a range of levels or on other noise; non-blind networks get the level of each sample."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from baselines.train.recipe import Recipe
from baselines.train.training import Trainer, train

CPU = torch.device("cpu")
RECIPE = Recipe(iterations=12, batch=2, crop=8, lr=1e-2, schedule="steps", sigma=(0, 55))


class NonBlind(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale, self.seen = nn.Parameter(torch.tensor(1.0)), []

    def forward(self, x, sigma):
        self.seen.append((x.detach().clone(), sigma.clone()))
        return x * self.scale + self.scale * 0.1 * sigma


class Scalar(NonBlind):
    scalar_sigma = True


def images(side=12):
    return [np.full((side, side, 3), 128, np.uint8)]


def one_step(network, draw_noise=None, **change):
    trainer = Trainer(
        network, images(40), dataclasses.replace(RECIPE, batch=60, crop=40, **change), CPU, draw_noise=draw_noise
    )
    trainer.step()
    return network.seen[0]


def test_each_sample_draws_its_level_uniformly():
    noisy, sigma = one_step(NonBlind())
    assert sigma.shape == (60, 1, 40, 40) and (sigma == sigma[..., :1, :1]).all()
    levels = 255 * sigma[:, 0, 0, 0].numpy()
    assert len(set(levels)) == 60 and stats.kstest(levels / 55, "uniform").pvalue > 1e-3
    measured = 255 * (noisy - 128 / 255).flatten(1).std(1).numpy()
    assert measured == pytest.approx(levels, rel=0.06, abs=0.05)  # the level that the network is told


def test_a_single_level_and_a_scalar():
    _, sigma = one_step(NonBlind(), sigma=25.0)
    assert torch.allclose(sigma, torch.tensor(25 / 255))
    assert one_step(Scalar())[1].shape == (60, 1, 1, 1)


@pytest.mark.parametrize("sigma", [(55, 0), (-1, 5), (1, 2, 3), "0-55"])
def test_other_ranges_are_refused(sigma):
    with pytest.raises(ValueError, match="sigma: expected"):
        dataclasses.replace(RECIPE, sigma=sigma)


def halves(clean, key):
    """Noise that the key determines, another target, and a map of the level."""
    level = np.full(clean.shape, (key % 100) / 1000, np.float32)
    level[..., 2] = 0.5
    return clean / 2, clean / 4, level


def test_a_function_draws_other_noise():
    """Crop by crop, with a key of its own; the loss is against its target; the level of channels is their power."""
    network = NonBlind()
    noisy, sigma = one_step(network, halves, noise="halves")
    assert torch.allclose(noisy, torch.tensor(64 / 255))
    keys = sorted(set(((3 * sigma[:, 0, 0, 0].double() ** 2 - 0.25) / 2).clamp(min=0).sqrt().tolist()))
    assert len(keys) > 30 and keys[0] >= 0 and keys[-1] < 0.1
    trainer = Trainer(NonBlind(), images(), dataclasses.replace(RECIPE, noise="halves"), CPU, draw_noise=halves)
    output = [0.5 * 128 / 255 + 0.1 * network_level for network_level in (0.0, 0.5)]
    assert output[0] - 32 / 255 <= trainer.step().item() <= output[1] - 32 / 255


def test_a_recipe_with_noise_needs_a_function():
    with pytest.raises(ValueError, match="noise: expected a function"):
        Trainer(NonBlind(), images(), dataclasses.replace(RECIPE, noise="halves"), CPU)
    with pytest.raises(ValueError, match="noise: expected a function"):
        Trainer(NonBlind(), images(), RECIPE, CPU, draw_noise=halves)


def keyed(clean, key):
    drawn = np.random.default_rng(key).standard_normal(clean.shape, dtype=np.float32)
    return clean + 0.1 * drawn, clean, np.full(clean.shape, 0.1, np.float32)


@pytest.mark.parametrize(("noise", "draw"), [(None, None), ("keyed", keyed)])
def test_a_training_is_resumed_to_the_bit(tmp_path, noise, draw):
    def trainer():
        torch.manual_seed(0)
        return Trainer(NonBlind(), images(), dataclasses.replace(RECIPE, noise=noise), CPU, draw_noise=draw)

    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    whole = trainer()
    list(train(whole, tmp_path / "whole"))
    first = train(trainer(), tmp_path / "parts", save_seconds=0)
    assert next(first).iteration == 4
    first.close()
    rest = trainer()
    list(train(rest, tmp_path / "parts"))
    assert torch.equal(rest.network.scale, whole.network.scale)
    assert torch.equal(rest.network.seen[-1][0], whole.network.seen[-1][0])
    changed = dataclasses.replace(
        RECIPE, noise=noise, **({"sigma": (0, 50)} if noise is None else {"clip_noisy": True})
    )
    with pytest.raises(ValueError, match="another recipe"):
        train(Trainer(NonBlind(), images(), changed, CPU, draw_noise=draw), tmp_path / "parts")
