"""ZS-N2N: its network, halves and losses against the paper's formulas; keyed randomness; that it denoises."""

import numpy as np
import pytest
import torch
from torch import nn

from baselines.zsn2n import ZSN2N, halves, loss


@pytest.fixture
def noisy():
    """(1, 3, 17, 22) in about [0, 1]."""
    generator = torch.Generator().manual_seed(0)
    ramp = torch.linspace(0.2, 0.8, 22).expand(1, 3, 17, 22)
    return ramp + 0.1 * torch.randn(ramp.shape, generator=generator)


def test_halves_are_the_means_of_the_diagonals(noisy):
    x = noisy[..., :16, :]  # an odd last row is dropped
    first, second = halves(noisy)
    torch.testing.assert_close(first, (x[..., ::2, 1::2] + x[..., 1::2, ::2]) / 2)
    torch.testing.assert_close(second, (x[..., ::2, ::2] + x[..., 1::2, 1::2]) / 2)


def test_loss_is_that_of_the_paper(noisy):
    network = nn.Conv2d(3, 3, 3, padding=1)
    y1, y2 = (one.double() for one in halves(noisy))
    f = network.double()

    def squared(one, other):
        return ((one - other) ** 2).mean().item()

    d1, d2 = halves(noisy.double() - f(noisy.double()))
    residual = squared(y1 - f(y1), y2) / 2 + squared(y2 - f(y2), y1) / 2
    consistency = squared(y1 - f(y1), d1) / 2 + squared(y2 - f(y2), d2) / 2
    assert loss(f, noisy.double()).item() == pytest.approx(residual + consistency)


def test_its_network_has_the_published_number_of_parameters(noisy, monkeypatch):
    counted = []
    monkeypatch.setattr(
        torch.optim, "Adam", lambda parameters, lr, adam=torch.optim.Adam: adam(seen(list(parameters), counted), lr)
    )
    ZSN2N(iterations=1)(noisy)
    assert counted == [22275]  # about 22K


def seen(parameters, counted):
    counted.append(sum(one.numel() for one in parameters))
    return parameters


@torch.inference_mode()
def test_outputs_depend_on_the_key_alone(noisy):
    method = ZSN2N(iterations=3)
    torch.manual_seed(1)
    first = method(noisy, keys=[5])
    state = torch.get_rng_state()
    np.testing.assert_array_equal(first, method(noisy, keys=[5]))
    assert torch.equal(state, torch.get_rng_state())
    assert not torch.equal(first, method(noisy, keys=[2**100 + 6]))
    both = method(noisy.expand(2, -1, -1, -1), keys=[6, 5])
    torch.testing.assert_close(both[1:], first)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(method(noisy, keys=[5]), first)


@torch.inference_mode()
@pytest.mark.parametrize("channels", [1, 3])
def test_it_removes_noise(channels):
    clean = torch.linspace(0.1, 0.9, 32).expand(1, channels, 32, 32)
    noisy = clean + 0.1 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    error = (ZSN2N(iterations=150)(noisy) - clean).square().mean()
    assert error < 0.3 * (noisy - clean).square().mean()
