"""Noise that lies in pairs has a name and a level, and cannot be drawn."""

import numpy as np
import pytest

from noise_zoo.monte_carlo import MonteCarlo
from noise_zoo.real import Real


@pytest.mark.parametrize("noise", [Real(), MonteCarlo(64)])
def test_it_cannot_be_drawn(noise):
    with pytest.raises(ValueError, match="mc-mini"):
        noise(np.zeros((4, 4, 3), np.float32), np.random.default_rng(0))
    assert noise.groups == () and not noise.random


def test_samples_are_whole_numbers():
    assert MonteCarlo(64.0) == MonteCarlo(64)
    for wrong in (0, 1.5, "64"):
        with pytest.raises(ValueError, match="spp"):
            MonteCarlo(wrong)
