"""Attributions against closed forms: completeness, linear filters whose reach is known, SciPy's blur, Gini by pairs."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import ndimage

from analysis.attribute import BLUR, Attribution, Window, attribute, blurred, gini, structure


@pytest.fixture
def image():
    random = np.random.default_rng(0)
    return torch.from_numpy(ndimage.gaussian_filter(random.normal(0.5, 0.5, size=(1, 3, 40, 44)), (0, 0, 1, 1)))


WINDOW = Window(16, 20, 6)


def mean_filter(radius):
    kernel = torch.full((3, 1, 2 * radius + 1, 2 * radius + 1), 1 / (2 * radius + 1) ** 2, dtype=torch.float64)
    return lambda x: F.conv2d(F.pad(x, (radius,) * 4, "reflect"), kernel, groups=3)


@pytest.mark.oracle
def test_the_path_starts_at_scipy_s_blur(image):
    wanted = ndimage.gaussian_filter(image.numpy(), (0, 0, BLUR, BLUR), mode="mirror", truncate=4)
    np.testing.assert_allclose(blurred(image, BLUR), wanted, atol=1e-12)
    assert blurred(image, 0) is image


def test_structure_is_the_sum_of_gradient_magnitudes(image):
    pixels = image[0].numpy()
    vertical, horizontal = np.diff(pixels, axis=1)[:, :, :-1], np.diff(pixels, axis=2)[:, :-1]
    wanted = np.hypot(vertical, horizontal)[:, 16:22, 20:26].sum()
    assert structure(image, WINDOW).item() == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("network", [lambda x: x, mean_filter(2), lambda x: (4 * x).tanh() / 4])
def test_the_map_adds_up_to_the_difference(image, network):
    found = attribute(network, image, WINDOW, 48)
    assert found.difference > 0.1
    assert found.completeness == pytest.approx(1, abs=0.05)
    coarse = attribute(network, image, WINDOW, 2)
    assert abs(coarse.completeness - 1) > abs(found.completeness - 1)  # finer steps add up better


@pytest.mark.parametrize("radius", [0, 3])
def test_nothing_comes_from_beyond_the_reach_of_a_filter(image, radius):
    found = attribute(mean_filter(radius), image, WINDOW, 4)
    rows, columns = np.nonzero(found.map)
    # the window's gradients look one pixel further down and right
    assert (rows.min(), rows.max()) == (16 - radius, 22 + radius)
    assert (columns.min(), columns.max()) == (20 - radius, 26 + radius)
    distance, share = found.within(WINDOW)
    assert distance[0] == 0 and share[-1] == pytest.approx(1)
    assert share[np.searchsorted(distance, (radius + 1) * 2**0.5 + 1e-9)] == pytest.approx(1)


def test_a_wider_filter_has_a_higher_diffusion_index(image):
    indices = [attribute(mean_filter(radius), image, WINDOW, 4).diffusion_index for radius in (0, 2, 5)]
    assert 0 < indices[0] < indices[1] < indices[2] < 100


def test_distances_are_counted_from_the_window():
    weights = np.zeros((10, 10))
    weights[5, 5], weights[5, 9], weights[1, 1] = 1, -2, 1  # inside, 3 to the right, (3, 3) away
    distance, share = Attribution(weights, 1.0).within(Window(4, 4, 3))
    found = dict(zip(distance.tolist(), share.tolist(), strict=True))
    assert (found[0], found[2], found[3], found[np.hypot(3, 3)]) == (0.25, 0.25, 0.75, 1)


def test_gini_is_the_mean_difference_of_pairs():
    values = np.random.default_rng(0).exponential(size=200)
    by_pairs = np.abs(values[:, None] - values).mean() / (2 * values.mean())
    assert gini(values) == pytest.approx(by_pairs)
    assert gini(np.ones(50)) == pytest.approx(0) and gini(np.eye(1, 100)) == pytest.approx(0.99)


def test_bad_input(image):
    with pytest.raises(ValueError, match="40 rows"):
        attribute(lambda x: x, image, Window(36, 0, 6))
    with pytest.raises(ValueError, match="structure"):
        attribute(lambda x: 0 * x, image, WINDOW)
    with pytest.raises(ValueError, match="gradient"):
        attribute(torch.no_grad()(lambda x: x * 1), image, WINDOW)
