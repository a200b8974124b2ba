"""The plain formulations that benchmarks time are the networks that ship: else their ratios would say nothing."""

import pytest
import torch

from bench.models.model_specs import resolve
from tests.benchmarks.plain import plain

NETWORKS = ("ours(weights=None, mask_at_test=False)", "baseline", "swinir", "restormer", "rnan(weights=None)")


@pytest.mark.parametrize("text", NETWORKS)
def test_is_the_shipped_network(text):
    shipped = resolve(text).load()
    x = torch.rand(1, 3, 40, 48, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        y, expected = shipped(x), plain(shipped)(x)
    assert not torch.equal(y, x)
    torch.testing.assert_close(y, expected, rtol=0, atol=2e-6)
