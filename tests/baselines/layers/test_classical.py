"""Classical methods: what the libraries give when they are called directly, and where the noise level comes from."""

import copy
import pickle

import numpy as np
import pytest
import torch
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle, denoise_wavelet, estimate_sigma

from baselines import nlm
from baselines.layers.classical import Classical, noise_level
from baselines.nlm import NonLocalMeans
from baselines.tv import TotalVariation
from baselines.wavelet import WaveletShrinkage
from bench import datasets, protocols
from bench.metrics import psnr
from bench.noise import noises, picture

METHODS = {"nlm": NonLocalMeans, "tv": TotalVariation, "wavelet": WaveletShrinkage}
PHOTOGRAPHS = datasets.load_dataset("builtin").images


def noisy(image, noise="gaussian(sigma=15)"):
    """(noisy, clean) 8-bit photographs, (H, W, 3)."""
    found = picture.noisy_version(np.rint(image.read() * 255).astype(np.uint8), noises.load_noise(noise))
    return found.stored, found.target


def tensor(image):
    """(H, W, 3) -> (1, 3, H, W) float32 in [0, 1]."""
    return torch.from_numpy(image).permute(2, 0, 1)[None].float() / (255 if image.dtype == np.uint8 else 1)


def image_of(output):
    """(1, 3, H, W) -> (H, W, 3)."""
    return output[0].permute(1, 2, 0).numpy()


@pytest.fixture(scope="module")
def astronaut():
    """A noisy colour photograph, (256, 256, 3) in [0, 1]: float64, of numbers that are float32."""
    return image_of(tensor(noisy(PHOTOGRAPHS[0])[0])).astype(np.float64)


# Where the noise level comes from


@pytest.mark.slow
@pytest.mark.oracle
@pytest.mark.parametrize("place", range(len(PHOTOGRAPHS)))
def test_the_estimate_is_scikit_image_s(place):
    for spec in ("gaussian(sigma=15)", "gaussian(sigma=50)", "salt_pepper(density=0.02)"):
        image = noisy(PHOTOGRAPHS[place], spec)[0] / 255
        assert noise_level(image) == pytest.approx(
            estimate_sigma(image, average_sigmas=True, channel_axis=-1), rel=1e-12
        )


@pytest.mark.slow
def test_the_estimate_sees_white_noise_and_misses_other_noise():
    """Of the 7 photographs: within a quarter for Gaussian 15; below 0.6 of the true deviation for the others."""
    for image in PHOTOGRAPHS:
        assert 255 * noise_level(noisy(image)[0] / 255) == pytest.approx(15, rel=0.25)
        for spec in ("salt_pepper(density=0.02)", "correlated(sigma=50)"):
            given, clean = noisy(image, spec)
            true = np.sqrt(np.mean((given.astype(float) - clean) ** 2))
            assert 255 * noise_level(given / 255) < 0.6 * true


@pytest.mark.parametrize("value", [0, 5, 9, 25, 128, 255])
def test_a_flat_image_has_no_noise(value):
    """At some of these values scikit-image's estimate is NaN, with a warning."""
    flat = np.full((16, 20, 3), value / 255)
    assert noise_level(flat) == 0
    for make in METHODS.values():
        assert torch.equal(make()(tensor(flat)), tensor(flat))


def test_a_flat_channel_counts_as_one_without_noise():
    image = np.random.default_rng(0).random((64, 64, 3)) * [1, 1, 0]
    of_two = estimate_sigma(image[..., :2], average_sigmas=True, channel_axis=-1)
    assert noise_level(image) == pytest.approx(of_two * 2 / 3, rel=1e-12)


@pytest.mark.parametrize("sigma", [-1, "estimate", True, None, float("inf"), float("nan"), (15,)])
def test_a_level_that_is_none_is_refused(sigma):
    with pytest.raises(ValueError, match="sigma: "):
        NonLocalMeans(sigma)


# What the libraries give


def directly(name, image, sigma):
    """A library's answer, called with all that the method's documentation states."""
    if name == "nlm":
        return denoise_nl_means(image, patch_size=3, patch_distance=6, h=0.5 * sigma, sigma=sigma, channel_axis=-1)
    if name == "tv":
        return denoise_tv_chambolle(image, weight=0.6 * sigma, channel_axis=-1)
    return denoise_wavelet(
        image, sigma=sigma, wavelet="sym8", wavelet_levels=4, convert2ycbcr=True, method="BayesShrink", channel_axis=-1
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("sigma", ["estimated", 15, 40.0])
def test_output_is_the_library_s(astronaut, name, sigma):
    level = estimate_sigma(astronaut, average_sigmas=True, channel_axis=-1) if sigma == "estimated" else sigma / 255
    output = image_of(METHODS[name](sigma=sigma)(tensor(astronaut)))
    assert np.abs(output - directly(name, astronaut, level)).max() < 1e-7  # the output is rounded to float32
    assert np.abs(output - astronaut).max() > 0.02


@pytest.mark.parametrize(
    ("method", "library"),
    [
        (NonLocalMeans(patch_size=5, patch_distance=4, h=0.08, fast_mode=False, sigma=15),
         lambda x: denoise_nl_means(x, 5, 4, 0.08, False, 15 / 255, channel_axis=-1)),
        (TotalVariation(weight=0.1, eps=1e-3, max_num_iter=20),
         lambda x: denoise_tv_chambolle(x, 0.1, 1e-3, 20, channel_axis=-1)),
        (TotalVariation(sigma=15, max_num_iter=3),
         lambda x: denoise_tv_chambolle(x, 9 / 255, max_num_iter=3, channel_axis=-1)),
        (WaveletShrinkage(15, "db2", "hard", 2, False, "VisuShrink"),
         lambda x: denoise_wavelet(x, 15 / 255, "db2", "hard", 2, False, "VisuShrink", channel_axis=-1)),
    ],
)  # fmt: skip
def test_parameters_are_the_library_s(astronaut, method, library):
    part = astronaut[100:164, 90:150]
    assert np.abs(image_of(method(tensor(part))) - library(part)).max() < 1e-7


@pytest.mark.slow
@pytest.mark.parametrize(("name", "mean"), [("nlm", 31.23), ("tv", 30.14), ("wavelet", 30.47)])
def test_photographs_come_closer_to_the_clean_ones(name, mean):
    """Every photograph of `builtin`, Gaussian 15, noisy 24.8 dB; the means were measured with scikit-image 0.26."""
    scores = []
    for image in PHOTOGRAPHS:
        given, clean = noisy(image)
        output = protocols.to_bytes(image_of(METHODS[name]()(tensor(given))))
        scores.append(psnr.score(output, clean))
        assert scores[-1] > psnr.score(given, clean) + 0.5
    assert np.mean(scores) == pytest.approx(mean, abs=0.05)


# As modules


@pytest.mark.parametrize("name", METHODS)
def test_images_of_a_batch_are_alone_and_inputs_are_left(astronaut, name):
    method = METHODS[name]()
    assert isinstance(method, Classical) and not list(method.parameters()) and not method.state_dict()
    batch = torch.cat([tensor(astronaut[:40, :33]), tensor(astronaut[60:100, 50:83] * 0.5)])
    given = batch.clone()
    output = method(batch)
    assert torch.equal(batch, given) and output.dtype == torch.float32 and output.is_contiguous()
    for place in range(2):
        assert torch.equal(output[place], method(batch[place : place + 1])[0])
    assert torch.equal(pickle.loads(pickle.dumps(copy.deepcopy(method)))(batch), output)


@pytest.mark.parametrize(
    ("name", "size"),
    [("nlm", (1, 1)), ("nlm", (1, 40)), ("nlm", (9, 31)), ("tv", (1, 1)), ("tv", (2, 3)), ("tv", (9, 31)),
     ("wavelet", (30, 30)), ("wavelet", (31, 130))],
)  # fmt: skip
def test_any_size(name, size):
    x = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0)) * 1.2 - 0.1
    for sigma in ("estimated", 15):
        output = METHODS[name](sigma)(x)
        assert output.shape == x.shape and output.isfinite().all()


def test_an_image_too_small_for_its_wavelet_is_refused():
    with pytest.raises(ValueError, match="30x30 .*'sym8', got 29x40"):
        WaveletShrinkage(15)(torch.rand(1, 3, 29, 40))
    assert WaveletShrinkage(15, wavelet="db1")(torch.rand(1, 3, 2, 40)).isfinite().all()


@pytest.mark.parametrize("name", METHODS)
def test_no_noise_is_no_change(astronaut, name):
    assert torch.equal(METHODS[name](sigma=0)(tensor(astronaut)), tensor(astronaut))


@pytest.mark.parametrize("options", [{}, {"patch_size": 5, "patch_distance": 3}, {"patch_size": 4}])
def test_the_receptive_field_of_nlm_with_a_known_level(options):
    """The farthest pixel that a change of the middle one changes; `h` is large, so that no weight vanishes."""
    x = torch.rand(1, 3, 61, 61, generator=torch.Generator().manual_seed(0))
    changed = x.clone()
    changed[..., 30, 30] += 0.5
    method = NonLocalMeans(sigma=0, h=1, **options)
    reached = torch.nonzero((method(changed) - method(x)).abs().amax((0, 1)) > 1e-7)
    assert 2 * (reached - 30).abs().max() + 1 == nlm.receptive_field(sigma=0, **options)
    assert nlm.receptive_field(**options) == "whole image"


@pytest.mark.parametrize(
    ("make", "options", "words"),
    [
        (NonLocalMeans, {"patch_size": 0}, "patch_size: "),
        (NonLocalMeans, {"patch_distance": 2.5}, "patch_distance: .*2.5"),
        (NonLocalMeans, {"h": 0}, "h: "),
        (TotalVariation, {"weight": -1}, "weight: "),
        (TotalVariation, {"weight": 0.1, "sigma": 15}, "weight 0.1, sigma 15"),
        (TotalVariation, {"eps": 0}, "eps: "),
        (TotalVariation, {"max_num_iter": 0}, "max_num_iter: "),
        (WaveletShrinkage, {"wavelet": "bior4.4"}, "wavelet: .*'bior4.4'"),
        (WaveletShrinkage, {"wavelet": "db"}, "wavelet: .*'db'"),
        (WaveletShrinkage, {"mode": "garrote"}, "mode: .*'garrote'"),
        (WaveletShrinkage, {"method": "visu"}, "method: .*'visu'"),
        (WaveletShrinkage, {"wavelet_levels": 0}, "wavelet_levels: "),
    ],
)
def test_wrong_parameters_are_told(make, options, words):
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        make(**options)


# Greyscale


def test_a_greyscale_image_is_what_the_libraries_take_for_one(astronaut):
    grey = astronaut[:96, :96].mean(-1).astype(np.float32).astype(np.float64)
    sigma = 15 / 255
    expected = {
        "nlm": denoise_nl_means(grey, 3, 6, sigma / 2, True, sigma, preserve_range=True),
        "tv": denoise_tv_chambolle(grey, 0.6 * sigma, 2e-4, 200),
        "wavelet": denoise_wavelet(grey, sigma, "sym8", "soft", 2, False, "BayesShrink"),
    }
    x = torch.from_numpy(grey)[None, None].float()
    for name, method in METHODS.items():
        output = method(sigma=15)(x)
        assert output.shape == x.shape
        np.testing.assert_allclose(output[0, 0].numpy(), expected[name], atol=1e-6)
