"""PSNR and SSIM against scikit-image and against the official code's values."""

import json

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from bench.metrics import crop_border, psnr, ssim


def pair(height=40, width=33, channels=3, seed=0):
    random = np.random.default_rng(seed)
    clean = random.integers(0, 256, (height, width, channels), dtype=np.uint8)
    return np.clip(clean + random.normal(0, 12, clean.shape), 0, 255).astype(np.uint8), clean


@pytest.mark.parametrize("shape", [(40, 33, 3), (11, 11, 3), (64, 12, 1), (300, 20, 3), (138, 12, 3), (139, 12, 3)])
def test_equal_to_scikit_image(shape):
    output, clean = pair(*shape)
    assert psnr.score(output, clean) == pytest.approx(peak_signal_noise_ratio(clean, output, data_range=255), abs=1e-12)
    theirs = structural_similarity(clean, output, channel_axis=2, data_range=255, gaussian_weights=True, sigma=1.5,
                                   use_sample_covariance=False)  # fmt: skip
    assert ssim.score(output, clean) == pytest.approx(theirs, abs=1e-12)


def test_equal_to_the_official_values(shared):
    golden = json.loads((shared / "golden/metrics/metrics_golden.json").read_text())["micro"]
    arrays = np.load(shared / "golden/metrics/micro.npz")
    first, second = (arrays[name] for name in arrays.files[:2])
    for border, suffix in ((0, "b0"), (1, "b1")):
        a, b = crop_border(first, border), crop_border(second, border)
        assert psnr.score(a, b) == pytest.approx(golden[f"psnr_{suffix}"], abs=1e-9)
        assert ssim.score(a, b) == pytest.approx(golden[f"ssim_{suffix}"], abs=1e-9)


def test_equal_images_are_capped():
    _, clean = pair()
    assert psnr.score(clean, clean) == 100
    assert ssim.score(clean, clean) == pytest.approx(1, abs=1e-12)


def test_one_error_for_all_pixels_and_channels():
    clean = np.zeros((16, 16, 3), np.uint8)
    output = clean.copy()
    output[0, 0, 0] = 16  # one of 768 values off by 16: MSE 1/3
    assert psnr.score(output, clean) == pytest.approx(10 * np.log10(255**2 * 3), abs=1e-12)


def test_too_small_for_a_window():
    output, clean = pair(10, 40)
    with pytest.raises(ValueError, match="at least 11x11 pixels, and 10x40 came"):
        ssim.score(output, clean)
