"""Networks that take the noise level: how they say so, and what they get."""

import pytest
import torch
from torch import nn

from baselines.layers import non_blind


class Map(nn.Module):
    def forward(self, x, sigma):
        return x


class Scalar(nn.Module):
    scalar_sigma = True

    def forward(self, x, noise_level_map):
        return x


class Optional(nn.Module):
    def forward(self, x, sigma=0.1):
        return x


def test_a_parameter_without_default_declares_it():
    assert non_blind.level_argument(Map()) == non_blind.level_argument(Map) == "sigma"
    assert non_blind.level_argument(Scalar()) == "noise_level_map"
    for blind in (Optional(), nn.Conv2d(3, 3, 1), nn.Module(), len):
        assert non_blind.level_argument(blind) is None


def test_a_map_or_a_scalar_with_the_power_of_all_channels_and_pixels():
    deviation = torch.tensor([[0.1, 0.3], [0.2, 0.2]]).view(1, 2, 1, 2)
    (found,) = non_blind.level_input(Map(), deviation).values()
    assert found.shape == (1, 1, 1, 2)
    assert found.flatten().tolist() == pytest.approx([(0.05 / 2) ** 0.5, (0.13 / 2) ** 0.5])
    scalar = non_blind.level_input(Scalar(), deviation)["noise_level_map"]
    assert scalar.shape == (1, 1, 1, 1) and scalar.item() == pytest.approx((0.18 / 4) ** 0.5)
    one = deviation[:, :1]
    assert torch.equal(non_blind.level_input(Map(), one)["sigma"], one)
    assert non_blind.level_input(nn.Identity(), deviation) == {}


def test_the_estimate_is_of_each_image_by_itself():
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(2, 3, 96, 96, generator=generator) * torch.tensor([15.0, 50.0]).view(2, 1, 1, 1) / 255
    found = non_blind.estimated_deviation(0.5 + noise)
    assert found.shape == (2, 1, 96, 96)
    assert (255 * found[:, 0, 0, 0]).tolist() == pytest.approx([15, 50], rel=0.05)


@pytest.mark.parametrize("level", ["other", -1, True, None, float("nan")])
def test_other_levels_are_refused(level):
    with pytest.raises(ValueError, match="level: expected"):
        non_blind.check_level(level)
    assert [non_blind.check_level(one) for one in ("true", "estimated", 0, 15.5)] == ["true", "estimated", 0, 15.5]
