"""The camera's steps against the published pipeline (golden values) and against the plain formulas."""

import json

import numpy as np
import pytest

from noise_zoo import camera
from noise_zoo.camera import Camera
from noise_zoo.isp import exposed
from tests.noise_zoo import plain


@pytest.fixture
def golden(shared):
    return np.load(shared / "golden/isp/isp_golden.npz")


@pytest.fixture
def known(golden):
    """The camera of the golden values."""
    rgb_gain, red, blue = golden["gains"]
    return Camera(red, blue, rgb_gain, camera.colour_matrix(golden["ccm_weights"]))


def planes(image):
    return np.ascontiguousarray(np.moveaxis(image, -1, 0))


def agree(ours, theirs):
    return ours.shape == theirs.shape and np.abs(ours - theirs).max() < 1e-6


def test_colour_matrices(known, golden):
    assert agree(np.array(known.rgb_to_camera), golden["ccm"])
    assert agree(known.camera_to_rgb, golden["cam2rgb"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_curves(dtype, golden, shared):
    scalars = json.loads((shared / "golden/isp/isp_golden.json").read_text())["scalars"]
    for y, x in scalars["inverse_smoothstep"].items():
        assert camera.inverse_tone_curve(float(y)) == pytest.approx(x, abs=1e-12)
    assert agree(camera.to_linear(planes(golden["img"]).astype(dtype)), planes(golden["gamma_expansion"]))
    x = np.array([float(value) for value in scalars["gamma_compression"]]).astype(dtype)
    assert agree(camera.to_display(x, full=False), np.array(list(scalars["gamma_compression"].values())))
    y = np.array(list(scalars["gamma_compression"].values()))
    assert agree(camera.to_display(x, full=True), 3 * y**2 - 2 * y**3)


def test_inverse_colours_and_gains(known, golden):
    linear = planes(golden["gamma_expansion"])
    colours = np.stack([camera.weighted(weights, linear) for weights in known.rgb_to_camera])
    assert agree(colours, planes(golden["apply_ccm"]))
    gains = np.array([1 / known.red_gain, 1, 1 / known.blue_gain]) / known.rgb_gain
    safe = np.stack([camera.safe_gain(gain, colours.mean(axis=0)) for gain in gains])
    assert agree(safe, planes(golden["safe_gains"]))
    assert agree(safe * colours, planes(golden["safe_invert_gains"]))


def test_a_gain_above_one_is_kept_in_highlights():
    assert camera.safe_gain(1.2, np.array([0.5, 1.0])) == 1.2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_unprocess(dtype, known, golden):
    assert agree(camera.unprocess(planes(golden["img"]).astype(dtype), known), planes(golden["mosaic"]))


def test_raw_noise(golden):
    shot, read = 0.01, 0.0005
    assert np.allclose(golden["noise_variance"], shot * golden["mosaic"] + read, rtol=0, atol=1e-9)
    noisy = exposed(planes(golden["mosaic"]), shot, read, planes(golden["std_normal"]))
    assert agree(noisy, planes(golden["noisy_raw"]))


def test_demosaic(golden):
    ours = camera.demosaic(planes(golden["mosaic"]))
    assert agree(ours, planes(golden["demosaic"]))


def test_process(known, golden):
    assert agree(camera.process(planes(golden["mosaic"]), known, full=False), planes(golden["process"]))
    assert agree(camera.process(planes(golden["mosaic"]), known, full=True), planes(golden["process_full"]))
    assert agree(camera.process(planes(golden["noisy_raw"]), known, full=False), planes(golden["process_noisy"]))


@pytest.mark.parametrize("size", [(1, 1), (1, 3), (4, 1), (8, 12)])
def test_demosaic_is_a_triangle_filter(size):
    raw = np.random.default_rng(0).random((*size, 4))
    assert np.allclose(camera.demosaic(planes(raw)), planes(plain.demosaic(raw)), rtol=0, atol=1e-15)


def test_curves_are_the_formulas():
    x = np.concatenate([[0, 1e-9, 1e-8, 1e-6], np.linspace(0, 1, 100_001)])
    gamma = np.maximum(x, 1e-8) ** (1 / 2.2)
    assert np.allclose(camera.to_display(x, full=False), gamma, rtol=0, atol=2e-7)
    assert np.allclose(camera.to_display(x, full=True), gamma**2 * (3 - 2 * gamma), rtol=0, atol=2e-7)
    assert np.allclose(camera.to_display(x.astype(np.float32), full=True), gamma**2 * (3 - 2 * gamma), atol=5e-7)
    y = camera.inverse_tone_curve(x)
    assert np.allclose(3 * y**2 - 2 * y**3, x, rtol=0, atol=1e-14)


def test_eight_bit_values_take_the_short_way_to_the_same_light():
    levels = np.arange(256).astype(np.float32)[None, :, None] / np.float32(255)
    short = camera.to_linear(levels)
    between = np.concatenate([levels.ravel(), [np.float32(0.1234)]])  # one other value: the long way for all
    assert np.array_equal(camera.to_linear(between)[:256], short.ravel())
