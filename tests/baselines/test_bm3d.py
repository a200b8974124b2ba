"""BM3D through the authors' optional package: what it gives when called directly, and one line where it is absent."""

import sys

import numpy as np
import pytest
import torch

from baselines import bm3d
from baselines.bm3d import BM3D
from baselines.layers.classical import noise_level
from bench import datasets, protocols
from bench.metrics import psnr
from bench.noise import noises, picture


def test_without_the_package_a_line_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "bm3d", None)
    with pytest.raises(ValueError) as error:
        BM3D()
    wanted = (
        "the package bm3d is not installed: pip install bm3d (licence: non-commercial use only (Tampere University))"
    )
    assert str(error.value) == wanted


def test_a_wrong_profile_is_told():
    with pytest.raises(ValueError, match="profile: .*'lc'"):
        BM3D(profile="lc")


@pytest.fixture(scope="module")
def package():
    return pytest.importorskip("bm3d", reason="needs the package bm3d (non-commercial use only)")


@pytest.fixture(scope="module")
def photograph():
    """(noisy, clean) part of a colour photograph, uint8 (64, 64, 3), Gaussian 15."""
    image = datasets.load_dataset("builtin").images[0].read()[60:124, 80:144]
    pixels = np.rint(image * 255).astype(np.uint8)
    found = picture.noisy_version(pixels, noises.load_noise("gaussian(sigma=15)"))
    return found.stored, found.target


def tensor(image):
    return torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255


@pytest.mark.parametrize("sigma", ["estimated", 15])
def test_output_is_the_package_s(package, photograph, sigma):
    """And the same again: one thread."""
    noisy, clean = photograph
    x = tensor(noisy)
    image = x[0].permute(1, 2, 0).double().numpy()
    single = package.BM3DProfile()
    single.num_threads = 1
    expected = package.bm3d_rgb(image, noise_level(image) if sigma == "estimated" else 15 / 255, single)
    output = BM3D(sigma=sigma)(x)
    found = output[0].permute(1, 2, 0).numpy()
    assert np.abs(found - expected).max() < 1e-7
    assert torch.equal(BM3D(sigma=sigma)(x), output)
    assert psnr.score(protocols.to_bytes(found), clean) > psnr.METRIC.score(noisy, clean) + 6


def test_images_that_the_package_cannot_take_are_refused(package):
    """It crashes on 8x8, and divides by zero where a colour is flat."""
    with pytest.raises(ValueError, match=f"{bm3d.MIN_SIDE}x{bm3d.MIN_SIDE}, got 15x40"):
        BM3D()(torch.rand(1, 3, 15, 40))
    grey = torch.rand(1, 1, 20, 20).expand(1, 3, 20, 20)
    with pytest.raises(ValueError, match="flat"):
        BM3D()(grey)
    flat = torch.full((1, 3, 20, 20), 0.5)
    assert torch.equal(BM3D()(flat), flat)


def test_a_greyscale_image_has_one_channel(package, photograph):
    x = tensor(photograph[0])[:, 1:2]
    single = package.BM3DProfile()
    single.num_threads = 1
    expected = package.bm3d(x[0, 0].double().numpy(), 15 / 255, single)
    assert np.abs(BM3D(sigma=15)(x)[0, 0].numpy() - expected).max() < 1e-7
