"""Spectra against filters whose response is known, white noise, Parseval, and the jackknife by hand."""

import numpy as np
import pytest
import torch
from scipy import ndimage, stats

from analysis.detail import BANDS, EDGES, RANGES, Spectrum, _band_of

MIDDLE = (EDGES[1:] + EDGES[:-1]) / 2


@pytest.fixture
def clean():
    """Twelve colour patches of 64x64 with power at all frequencies."""
    random = np.random.default_rng(0)
    return torch.from_numpy(ndimage.gaussian_filter(random.normal(0.5, 0.4, size=(12, 3, 64, 64)), (0, 0, 0.6, 0.6)))


def added(images, clean):
    found = Spectrum()
    for place in range(len(images)):
        found.add(images[place : place + 1], clean[place : place + 1], place)
    return found


def test_a_blur_keeps_what_its_response_says(clean):
    blurred = torch.from_numpy(ndimage.gaussian_filter(clean.numpy(), (0, 0, 1.0, 1.0), truncate=8))
    wanted = np.exp(-2 * np.pi**2 * MIDDLE**2)
    np.testing.assert_allclose(added(blurred, clean).kept(), wanted, atol=0.02)


def test_the_image_itself_is_kept_and_an_empty_one_is_not(clean):
    np.testing.assert_allclose(added(clean, clean).kept(), 1)
    np.testing.assert_allclose(added(0 * clean, clean).kept(), 0, atol=1e-12)
    assert added(clean, clean).error.sum() == 0


def test_white_noise_has_its_variance_everywhere_and_takes_nothing(clean):
    noise = torch.from_numpy(np.random.default_rng(1).normal(0, 0.2, size=(200, 3, 64, 64)))
    many = clean.repeat(17, 1, 1, 1)[:200]
    found = added(many + noise, many)
    np.testing.assert_allclose(found.power(found.error), 0.04, rtol=0.1)
    np.testing.assert_allclose(found.power(found.error)[2:], 0.04, rtol=0.03)
    np.testing.assert_allclose(found.kept()[2:], 1, atol=0.05)


def test_a_wave_is_in_the_band_of_its_frequency():
    x = torch.arange(64.0)
    wave = torch.cos(2 * torch.pi * 0.3 * x).expand(1, 1, 64, 64)
    found = added(wave, torch.zeros_like(wave))
    assert np.argmax(found.error.sum(0)) == int(0.3 / 0.5 * BANDS)


@pytest.mark.parametrize("side", [16, 33, 64])
def test_bands_and_corners_hold_all_of_the_power(side):
    """Parseval: with the corners it would be the windowed sum of squares."""
    assert len(np.unique(_band_of(side))) <= BANDS + 1
    images = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 1, side, side)))
    found = added(images, torch.zeros_like(images))
    window = np.outer(*[np.hanning(side + 1)[:-1]] * 2)
    spectrum = np.abs(np.fft.fft2(images[0, 0].numpy() * window / np.sqrt((window**2).sum()))) ** 2
    frequency = np.fft.fftfreq(side)
    inside = np.hypot(frequency[:, None], frequency) <= 0.5
    assert found.error.sum() == pytest.approx(spectrum[inside].sum())
    assert found.count.sum() == inside.sum()


def test_ranges_are_whole_bands():
    for low, high in RANGES.values():
        assert (low * BANDS / 0.5).is_integer() and (high * BANDS / 0.5).is_integer()


def test_ranges_and_their_bounds_are_the_jackknife_by_hand(clean):
    blurred = torch.from_numpy(ndimage.gaussian_filter(clean.numpy(), (0, 0, 1.0, 1.0)))
    found = added(blurred, clean)
    parts = [added(blurred[i : i + 1], clean[i : i + 1]) for i in range(12)]
    fine = slice(BANDS // 2, BANDS)
    above, below = (np.array([getattr(one, name)[:, fine].sum() for one in parts]) for name in ("common", "clean"))
    without = (above.sum() - above) / (below.sum() - below)
    error = np.sqrt(11 / 12 * ((without - without.mean()) ** 2).sum())
    kept = found.kept_in("fine")
    assert kept.value == pytest.approx(above.sum() / below.sum())
    assert kept.high - kept.value == pytest.approx(stats.t.ppf(0.975, 11) * error)
    assert 0 < kept.value < found.kept_in("middle").value < found.kept_in("coarse").value < 1


def test_errors_are_compared_with_those_of_the_noisy_input(clean):
    noise = torch.from_numpy(np.random.default_rng(1).normal(0, 0.2, size=clean.shape))
    noisy = added(clean + noise, clean)
    half = added(clean + noise / 2, clean).error_in("middle", noisy)
    assert (half.value, half.low, half.high) == pytest.approx([20 * np.log10(0.5)] * 3)
    two = added(clean[:2] + noise[:2], clean[:2])
    assert np.isnan(two.error_in("fine", two).low) and two.error_in("fine", two).value == 0
