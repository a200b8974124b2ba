"""Noise2VST: the spline and its inverse, the blind spot, keyed randomness; that it adapts a Gaussian denoiser."""

import numpy as np
import pytest
import torch
from torch import nn

from baselines.noise2vst import Noise2VST, Transform


class Blur(nn.Module):
    def forward(self, x):
        return nn.functional.avg_pool2d(nn.functional.pad(x, (1, 1, 1, 1), "reflect"), 3, 1)


@pytest.fixture
def image():
    return torch.rand(3, 24, 20, generator=torch.Generator().manual_seed(0)) * 1.4 - 0.2


def warped(knots=6):
    """An increasing spline with steps that differ."""
    steps = torch.linspace(-3, 0, knots)
    return Transform(torch.tensor(0.0), torch.tensor(1.0), steps, torch.zeros(2))


def test_it_starts_as_the_identity(image):
    start = Transform.identity(image, 128)
    unit = (image - start.low) / start.span
    assert unit.min() == 0 and unit.max() == 1
    torch.testing.assert_close(start.forward(unit), unit, atol=1e-5, rtol=0)
    torch.testing.assert_close(start.inverse(unit), unit, atol=1e-5, rtol=0)


def test_the_spline_interpolates_its_knots_and_is_linear_outside():
    transform = warped()
    values = transform.values.numpy()
    x = np.linspace(0, 1, 101, dtype=np.float32)
    np.testing.assert_allclose(transform.forward(torch.from_numpy(x)), np.interp(x, np.linspace(0, 1, 6), values), 1e-5)
    assert (np.diff(values) > 0).all()
    wide = torch.linspace(-0.5, 1.5, 41)
    np.testing.assert_allclose(np.diff(transform.forward(wide), 2)[32:], 0, atol=1e-6)
    torch.testing.assert_close(transform.inverse(transform.forward(wide)), wide, atol=1e-5, rtol=0)


def test_a_line_is_added_to_the_inverse():
    plain = warped()
    lined = Transform(plain.low, plain.span, plain.steps, torch.tensor([0.5, -0.1]))
    z = torch.linspace(-1, 2, 7)
    torch.testing.assert_close(lined.inverse(z), plain.inverse(z) + 0.5 * z - 0.1)


def test_predicted_pixels_are_not_seen_by_the_network(image):
    """Their own values have no influence on the prediction: the loss of a constant shift of them shows it."""
    start = Transform.identity(image, 16)
    seen = []

    class Spy(nn.Module):
        def forward(self, x):
            seen.append(x)
            return x

    patches = ((image - start.low) / start.span)[None, :, :16, :16]
    for value in (0.0, 1.0):
        changed = patches.clone()
        rng = np.random.Generator(np.random.Philox(key=3))
        channel, top, left = (int(rng.integers(end)) for end in (3, 4, 4))
        changed[:, channel, top::4, left::4] = value
        Noise2VST(Spy())._loss(start, changed, [0], np.random.Generator(np.random.Philox(key=3)))
    torch.testing.assert_close(seen[0], seen[1])


@torch.inference_mode()
def test_outputs_depend_on_the_key_alone(image):
    method, x = Noise2VST(Blur(), iterations=3, patch=16), image[None]
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = method(x, keys=[5])
    np.testing.assert_array_equal(first, method(x, keys=[5]))
    assert torch.equal(state, torch.get_rng_state())
    assert not torch.equal(first, method(x, keys=[6]))
    torch.testing.assert_close(method(x.expand(2, -1, -1, -1), keys=[6, 5])[1:], first)
    torch.testing.assert_close(method(x, fitted=method.fit(x, [5])), first)


@torch.inference_mode()
def test_fitting_lowers_the_error_of_hidden_pixels():
    """Signal-dependent noise on a bimodal image: the fitted transform beats the identity, without the clean image."""
    generator = torch.Generator().manual_seed(0)
    clean = (torch.linspace(0, 6.28, 64).sin()[:, None] * torch.linspace(0, 6.28, 64).cos()).expand(1, 1, 64, 64) / 3
    clean = clean + 0.4
    noisy = clean + 0.3 * clean * torch.randn(clean.shape, generator=generator)
    method = Noise2VST(Blur(), iterations=60)
    fitted = method.fit(noisy, [0])[0]
    start = Transform.identity(noisy[0], 128)
    unit = (noisy - start.low) / start.span
    losses = [
        np.mean([method._loss(one, unit, [0], np.random.Generator(np.random.Philox(key=k))) for k in range(8)])
        for one in (start, fitted)
    ]
    assert losses[1] < losses[0]
