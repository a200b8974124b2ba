"""Histograms and mean shifts against NumPy and SciPy."""

import numpy as np
import pytest
import torch
from scipy import stats

from analysis.brightness import MAX_GROUPS, Brightness


@pytest.fixture
def images():
    """Eight clean images, and outputs that are brighter in red by 5 on average, and darker in blue by an own amount."""
    random = np.random.default_rng(0)
    clean = random.integers(20, 230, size=(8, 3, 16, 16))
    output = clean + np.array([5, 0, -2])[:, None, None] + random.integers(-3, 4, size=(8, 3, 1, 1))
    return torch.from_numpy(output).to(torch.uint8), torch.from_numpy(clean).to(torch.uint8)


def added(output, clean):
    found = Brightness()
    for place in range(len(output)):
        found.add(output[place : place + 1], clean[place : place + 1], place)
    return found


def test_densities_are_histograms(images):
    density = added(*images).density()
    for channel in range(3):
        wanted, _ = np.histogram(images[0][:, channel], np.arange(257), density=True)
        np.testing.assert_allclose(density[channel], wanted)


def test_the_shift_is_the_difference_of_the_means_with_student_s_interval(images):
    found = added(*images).shift()
    difference = (images[0].numpy().astype(float) - images[1].numpy()).mean((2, 3))  # (8, 3)
    difference = np.c_[difference, difference.mean(1)]
    low, high = stats.t.interval(0.95, 7, difference.mean(0), stats.sem(difference))
    np.testing.assert_allclose([found.value, found.low, found.high], [difference.mean(0), low, high])


def test_a_dark_shift_does_not_wrap_around():
    dark, bright = torch.zeros(1, 3, 2, 2, dtype=torch.uint8), torch.full((1, 3, 2, 2), 255, dtype=torch.uint8)
    assert added(dark, bright).shift().value == pytest.approx([-255] * 4)
    assert np.isnan(added(dark, bright).shift().low).all()


def test_photographs_share_groups(images):
    found = Brightness()
    for place in range(8):
        for again in range(MAX_GROUPS):
            found.add(images[0][place : place + 1], images[1][place : place + 1], place * MAX_GROUPS + again)
    assert np.ptp(found._pixels) == 0 and len(found._pixels) == MAX_GROUPS
