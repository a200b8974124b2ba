"""Noise for training: levels and noises of each crop, and trainings on ranges and lists by `bench train`."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats

import bench.training.train as bench_train
from baselines.train.recipe import PRESETS, with_settings
from baselines.weights_io import checkpoints
from bench.core.errors import BadInput
from bench.models import model_specs
from bench.noise import noises, training_noise
from bench.training import noise_sampler
from bench.training.training_options import configure
from noise_zoo.chain import Chain
from noise_zoo.gaussian import Gaussian
from noise_zoo.mixture import Mixture
from noise_zoo.poisson import Poisson

SOURCE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.first, self.last = nn.Conv2d(4, width, 3, 1, 1), nn.Conv2d(width, 3, 3, 1, 1)
    def forward(self, x, sigma):
        return x - 0.1 * self.last(self.first(torch.cat([x, sigma], 1)).relu())

class Grey(Net):
    def __init__(self, in_nc=1):
        super().__init__()
        self.first, self.last = nn.Conv2d(2, 4, 3, 1, 1), nn.Conv2d(4, 1, 3, 1, 1)
"""
SETTINGS = {"batch": "2", "crop": "16"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(SOURCE)
    rng = np.random.default_rng(0)
    for name, mode, count in (("photos", "RGB", 21), ("grey", "L", 2)):
        (tmp_path / name).mkdir()
        for number in range(count):
            side = 128 if number == 0 else 24
            pixels = rng.integers(0, 256, (side // 8, side // 8, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
            Image.fromarray(pixels).convert(mode).save(tmp_path / name / f"{number:02}.png")
    return tmp_path


def train(name, out, data="photos", settings=None, **options):
    given = {**SETTINGS, **(settings or {})}
    return bench_train.train_model(name, data, out, settings=given, **{"iterations": 3, **options})


def card_of(file):
    return json.loads(checkpoints.card_beside(file).read_text())


def test_levels_are_uniform_in_their_range():
    noise, rng = training_noise.parse("gaussian(sigma=10-50)"), np.random.default_rng(0)
    drawn = [noise.sample(rng) for _ in range(2000)]
    assert {type(one) for one in drawn} == {Gaussian}
    assert stats.kstest([(one.sigma - 10) / 40 for one in drawn], "uniform").pvalue > 1e-3


def test_noises_integers_and_parts_of_chains():
    noise = training_noise.parse("mixture(level=1-4), poisson(alpha=2), chain(gaussian(0-9), poisson(1))")
    rng = np.random.default_rng(0)
    drawn = [noise.sample(rng) for _ in range(1200)]
    counts = [sum(isinstance(one, kind) for one in drawn) for kind in (Mixture, Poisson, Chain)]
    assert sum(counts) == 1200 and stats.chisquare(counts).pvalue > 1e-3
    levels = [one.level for one in drawn if isinstance(one, Mixture)]
    assert stats.chisquare(np.bincount(levels)[1:]).pvalue > 1e-3 and set(map(type, levels)) == {int}
    assert {one for one in drawn if isinstance(one, Poisson)} == {Poisson(2)}
    sigmas = {one.parts[0].sigma for one in drawn if isinstance(one, Chain)}
    assert len(sigmas) > 300 and 0 <= min(sigmas) < 1 and 8 < max(sigmas) <= 9
    assert all(noise.covers(noises.canonical(one)) for one in drawn[:50])


def test_the_key_decides():
    sampler = noise_sampler.NoiseSampler(training_noise.parse("gaussian(sigma=5-50), poisson(alpha=1-3)"), True)
    clean = np.linspace(0, 1, 16 * 16 * 3, dtype=np.float32).reshape(16, 16, 3)
    first, again, other = (sampler(clean, key) for key in (1, 1, 2))
    assert all(map(np.array_equal, first, again)) and not np.array_equal(first[0], other[0])
    assert np.array_equal(first[1], clean) and first[2].shape == clean.shape
    assert noise_sampler.NoiseSampler(sampler.noise)(clean, 1)[2] is None


@pytest.mark.parametrize(
    ("given", "sigma", "noise"),
    [
        ({"sigma": "0-55"}, (0, 55), None),
        ({"sigma": "25"}, 25, None),
        ({"sigma": "2.5 - 2.5"}, 2.5, None),
        ({"noise": "gaussian(0-55)"}, (0, 55), None),
        ({"noise": "gaussian(25.0)"}, 25, None),
        ({"noise": "gaussian(0-55), poisson(1-3)"}, 15, "gaussian(sigma=0-55), poisson(alpha=1-3)"),
    ],
)
def test_settings_of_the_noise(given, sigma, noise):
    recipe, _ = configure(model_specs.resolve("dncnn(weights=None)"), "small", given, None)
    assert (recipe.sigma, recipe.noise) == (sigma, noise)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"sigma": "55-0"}, "sigma: expected"),
        ({"sigma": "0-55", "noise": "poisson(2)"}, "expected sigma or noise, got both"),
        ({"noise": "unknown"}, "expected noise specs"),
        ({"noise": "poisson(alpha=3-1)"}, "minimum of a range before its maximum"),
        ({"noise": "real"}, "recorded"),
    ],
)
def test_other_settings_are_refused(folder, given, words):
    with pytest.raises(BadInput, match=words):
        train("dncnn", folder / "out", settings={**given, "nc": "4", "nb": "3"})
    assert not (folder / "out").exists()


def test_the_noise_of_a_recipe_is_what_the_card_says():
    for settings, specs in (
        ({}, "gaussian(sigma=15)"),
        ({"sigma": (0, 55)}, "gaussian(sigma=0-55)"),
        ({"noise": "poisson(alpha=1-3), isp"}, ["poisson(alpha=1-3)", "isp"]),
    ):
        assert noise_sampler.noise_of(with_settings(PRESETS["small"], **settings)).specs == specs


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "settings", "specs"),
    [
        ("net.py:Net", {"sigma": "0-55"}, "gaussian(sigma=0-55)"),
        ("net.py:Net", {"noise": "poisson(alpha=1-3), speckle(0.02)"}, ["poisson(alpha=1-3)", "speckle(var=0.02)"]),
        ("dncnn", {"noise": "isp, jpeg(quality=20-90)", "nc": "4", "nb": "3"}, ["isp", "jpeg(quality=20-90)"]),
    ],
)
def test_a_training_is_on_the_card_and_resumed_to_the_bit(folder, name, settings, specs):
    whole = train(name, folder / "whole", settings=settings, iterations=6)
    assert card_of(whole)["trained_on"]["noise"] == specs
    options = {"settings": {**settings, "schedule": "steps"}}
    train(name, folder / "parts", **options, iterations=3)
    extended = train(name, folder / "parts", **options, iterations=3, extend=6)
    straight = train(name, folder / "straight", **options, iterations=6)
    assert extended.read_bytes() == straight.read_bytes()
    known = model_specs.resolve(f"{name}(weights='{whole}')")
    assert training_noise.of_card(known.card).specs == specs
    assert model_specs.load_model(f"{name}(weights='{whole}')")(torch.rand(1, 3, 16, 16)).isfinite().all()
    assert len(card_of(whole)["psnr_held_out"]) == 7


@pytest.mark.slow
def test_what_cannot_be_told_or_drawn_is_refused(folder):
    for name, data, noise in (("net.py:Net", "photos", "isp"), ("net.py:Grey", "grey", "isp")):
        with pytest.raises(BadInput, match="noise: expected noises"):
            train(name, folder / "out", data=data, settings={"noise": noise})
    with pytest.raises(BadInput, match="remove it"):
        train("net.py:Net(level='true')", folder / "out")
    assert train("net.py:Grey", folder / "out", data="grey", settings={"noise": "poisson(1-3)"}).exists()


@pytest.mark.slow
def test_another_version_of_a_noise_is_another_training(folder, monkeypatch):
    train("dncnn", folder / "out", settings={"noise": "poisson(2)", "nc": "4", "nb": "3"})
    monkeypatch.setattr(Poisson, "version", 99)
    with pytest.raises(BadInput, match="noise_versions"):
        train("dncnn", folder / "out", settings={"noise": "poisson(2)", "nc": "4", "nb": "3"})
