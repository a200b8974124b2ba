"""Protocols of other papers, against their definitions written out in NumPy."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from skimage.metrics import structural_similarity

import bench
from bench import protocols
from bench.metrics import psnr
from bench.noise import noises
from bench.protocols import load_protocol

NETWORKS = """
import torch
from torch import nn

class Offset(nn.Module):  # not a multiple of an 8-bit level
    def forward(self, x):
        return x + 0.3 / 255

class Size(nn.Module):
    def forward(self, x):
        y = x.clone()
        y[..., 0, 0] = x.shape[-2] / 255
        y[..., 0, 1] = x.shape[-1] / 255
        y[..., 1, 0] = x[..., -1, 0]  # which an extension repeats
        return y
"""


@pytest.fixture
def clean():
    """A photograph-like image, uint8 (45, 50, 3), with black and white parts."""
    small = np.random.default_rng(3).integers(-60, 316, (6, 7, 3)).clip(0, 255).astype(np.uint8)
    return np.asarray(Image.fromarray(small).resize((50, 45), Image.Resampling.BICUBIC))


@pytest.fixture
def own(tmp_path):
    (tmp_path / "own.py").write_text(NETWORKS)
    return str(tmp_path / "own.py")


def drawn(text, clean):
    """The noise of a run before it is stored, float32."""
    noise = noises.load_noise(text)
    return noises.draw(noise, clean.astype(np.float32) / 255, 0, load_protocol("stored"))[0]


@pytest.mark.parametrize("text", ["gaussian(sigma=50)", "correlated(sigma=55)", "poisson(alpha=3.5)"])
def test_idf_truncates_its_noise(clean, text):
    expected = (255 * drawn(text, clean).astype(np.float64)).clip(0, 255).astype(np.uint8)
    np.testing.assert_array_equal(bench.noisy(clean, text, protocol="idf"), expected)


@pytest.mark.parametrize("text", ["speckle(var=0.04)", "salt_pepper(density=0.02)", "mixture(level=4)"])
def test_idf_rounds_other_noise(clean, text):
    np.testing.assert_array_equal(bench.noisy(clean, text, protocol="idf"), bench.noisy(clean, text))


def test_poisson_of_idf_lies_on_the_published_lattice(clean):
    """floor(255 clip(x + alpha (k / v - x))), v = 2^ceil(log2(distinct values)), for an integer k."""
    alpha, v = 3.5, 2 ** np.ceil(np.log2(len(np.unique(clean))))
    noisy = bench.noisy(clean, f"poisson(alpha={alpha})", protocol="idf").astype(int)
    k = np.arange(2 * v + 1)
    on_lattice = 0
    for x in np.unique(clean):
        reached = np.floor(255 * (x / 255 + alpha * (k / v - x / 255)).clip(0, 1) + 1e-9)
        on_lattice += np.isin(noisy[clean == x], reached).sum()
    assert on_lattice == noisy.size
    rounded = bench.noisy(clean, f"poisson(alpha={alpha})").astype(int)
    assert (noisy <= rounded).all() and (noisy < rounded).mean() > 0.3


def test_truncation_keeps_levels_that_float32_cannot_hold():
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    np.testing.assert_array_equal(bench.noisy(ramp, "gaussian(sigma=0)", protocol="idf"), ramp)


def test_clipdenoising_draws_as_numpy_does_after_seed_0(clean):
    x = clean / 255
    gaussian = (x + np.random.RandomState(0).normal(0, 50 / 255, x.shape)).astype(np.float32)
    np.testing.assert_allclose(bench.noisy(clean, "gaussian(sigma=50)", protocol="clipdenoising"), gaussian, atol=1e-6)
    field = np.random.RandomState(0).normal(0, 55 / 255, x.shape)
    correlated = x + np.stack([ndimage.uniform_filter(field[..., c], 3, mode="reflect") for c in range(3)], -1)
    made = bench.noisy(clean, "correlated(sigma=55)", protocol="clipdenoising")
    np.testing.assert_allclose(made, correlated, atol=1e-6)
    assert gaussian.min() < 0 and made.min() < 0 and made.max() > 1  # not clipped
    v = 2 ** np.ceil(np.log2(len(np.unique(clean))))
    poisson = x + 3.5 * (np.random.RandomState(0).poisson(x * v) / v - x)
    made = bench.noisy(clean, "poisson(alpha=3.5)", protocol="clipdenoising")
    np.testing.assert_allclose(made, poisson.clip(0, 1), atol=1e-6)
    assert poisson.max() > 1.2 and np.abs(made * 255 - np.rint(made * 255)).max() > 0.4  # clipped, not rounded


def test_clipdenoising_pads_to_32_and_crops(clean, own, tmp_path):
    output = bench.denoise(f"{own}:Size", clean, "gaussian(sigma=15)", protocol="clipdenoising")
    noisy = bench.noisy(clean, "gaussian(sigma=15)", protocol="clipdenoising")
    assert output.shape == clean.shape
    assert (output[0, 0] == 64).all() and (output[0, 1] == 64).all()  # from 45 x 50
    reflected = noisy[2 * 44 - 63, 0].clip(0, 1)  # row 63 of the extended image
    np.testing.assert_allclose(output[1, 0] / 255, reflected, atol=0.5 / 255 + 1e-6)
    assert (bench.denoise(f"{own}:Size", clean, "gaussian(sigma=15)", protocol="float")[0, 0] == 45).all()


@pytest.mark.parametrize(("protocol", "clipped"), [("buifd", True), ("bfcnn", False)])
def test_floats_are_clipped_or_not_and_never_rounded(clean, protocol, clipped):
    for text in ("gaussian(sigma=50)", "poisson(alpha=3)"):
        noisy = drawn(text, clean)
        expected = noisy.clip(0, 1) if clipped else noisy
        np.testing.assert_array_equal(bench.noisy(clean, text, protocol=protocol), expected)


@pytest.mark.parametrize("protocol", ["idf", "clipdenoising", "buifd", "bfcnn"])
def test_outputs_are_scored_as_clipped_floats(clean, own, tmp_path, protocol):
    options = {"metrics": "psnr, ssim, psnr_y", "protocol": protocol, "reference": None, "out": tmp_path / "run"}
    row = bench.run(f"{own}:Offset", "gaussian(sigma=25)", {"image": [clean]}, **options).rows.iloc[0]
    rules = load_protocol(protocol)
    noise = noises.load_noise("gaussian(sigma=25)")
    noisy = rules.noisy_input(noises.draw(noise, clean.astype(np.float32) / 255, 0, rules)[0], "gaussian")
    for column, image in (("psnr_noisy", noisy), ("psnr", noisy + np.float32(0.3 / 255))):
        squared = np.square(255 * image.astype(np.float64).clip(0, 1) - clean).mean()
        assert row[column] == pytest.approx(10 * np.log10(255**2 / squared), abs=1e-5)
    similarity = structural_similarity(
        255 * (noisy + np.float32(0.3 / 255)).astype(np.float64).clip(0, 1),
        clean.astype(np.float64),
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
        channel_axis=-1,
    )
    assert row["ssim"] == pytest.approx(similarity, abs=1e-6)
    assert np.isfinite(row["psnr_y"])


def test_scores_of_single_images_are_not_rounded_either(clean):
    output = clean / 255 + 0.3 / 255
    inside = output <= 1
    expected = 10 * np.log10(255**2 / (0.09 * inside.mean()))
    assert bench.score(output, clean, "psnr", "bfcnn")["psnr"] == pytest.approx(expected, abs=1e-3)
    assert bench.score(output, clean, "psnr", "stored")["psnr"] == psnr.MAX_PSNR


def test_a_metric_that_takes_bytes_gets_bytes(clean, tmp_path):
    (tmp_path / "mine.py").write_text(
        "import torch\nfrom bench.metrics import Metric\n\n"
        "def against(clean):\n    assert clean.dtype == torch.uint8\n"
        "    return lambda output: float(output.dtype == torch.uint8)\n\n"
        "METRIC = Metric('mine', against, 'Mine', True)\n"
    )
    assert bench.score(clean / 255, clean, [f"{tmp_path}/mine.py:METRIC"], "idf") == {"mine": 1.0}


def test_every_protocol_is_listed():
    assert {"idf", "clipdenoising", "buifd", "bfcnn"} <= set(protocols.names())


@pytest.mark.parametrize(("sigma", "published"), [(10, 28.26), (50, 14.92), (100, 10.31)])
def test_noisy_bsd68_has_the_published_psnr_under_bfcnn(shared, sigma, published):
    """Mohan et al., ICLR 2020: PSNR of the clipped noisy images."""
    rules, noise = load_protocol("bfcnn"), noises.load_noise(f"gaussian(sigma={sigma})")
    scores = []
    for file in sorted((shared / "data/test/BSD68").glob("*.png")):
        image = np.asarray(Image.open(file))[..., None].astype(np.float32) / 255
        noisy = rules.noisy_input(noises.draw(noise, image, 0, rules)[0], "gaussian")
        scores.append(psnr.score(rules.as_scored(noisy), rules.as_scored(image)))
    assert len(scores) == 68 and np.mean(scores) == pytest.approx(published, abs=0.01)
