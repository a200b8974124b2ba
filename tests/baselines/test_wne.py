"""WNE: its formula for direct and residual networks, equivariance, and masked training."""

import numpy as np
import pytest
import torch
from torch import nn

from baselines.dncnn import DnCNN
from baselines.train.recipe import PRESETS, with_settings
from baselines.train.training import Trainer
from baselines.wne import WNE


@pytest.fixture
def noisy():
    """Two images of different brightness and contrast, (2, 3, 20, 24)."""
    random = torch.rand(2, 3, 20, 24, generator=torch.Generator().manual_seed(0))
    return random * torch.tensor([1.0, 0.2]).view(2, 1, 1, 1) + torch.tensor([0.0, 0.7]).view(2, 1, 1, 1)


@torch.no_grad()
def test_it_is_the_formula_of_the_paper(noisy):
    network = DnCNN(nc=4, nb=3).eval()
    for image, output in zip(noisy, WNE(network)(noisy), strict=True):
        pixels = image.numpy().astype(np.float64)
        m, s = pixels.mean(), pixels.std(ddof=1)
        normalized = torch.from_numpy((pixels - m) / s).float()[None]
        torch.testing.assert_close(output, (network(normalized) * s + m)[0].float())  # direct
        torch.testing.assert_close(output, (image - network.model(normalized) * s)[0].float())  # residual


@torch.no_grad()
def test_output_follows_brightness_and_contrast(noisy):
    network = WNE(DnCNN(nc=4, nb=3).eval())
    torch.testing.assert_close(network(0.3 * noisy + 0.5), 0.3 * network(noisy) + 0.5)


@torch.no_grad()
def test_a_constant_image_stays_finite():
    assert WNE(DnCNN(nc=4, nb=3))(torch.full((1, 3, 8, 8), 0.5)).isfinite().all()


def test_statistics_of_training_are_those_before_pixels_are_masked():
    seen = []

    class Spy(nn.Conv2d):
        def forward(self, x):
            seen.append(x.detach())
            return super().forward(x)

    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)]
    recipe = with_settings(PRESETS["small"], batch=2, crop=16, input_mask=(100, 100), precision="float32")
    Trainer(Spy(3, 3, 1), images, recipe, torch.device("cpu"), wrap=WNE).step()
    values = seen[-1].flatten(1)
    assert (values.std(1) < 1e-5).all()  # each pixel is masked: -0.1, normalized by the image that the mask hides
    assert (values.mean(1) < -1).all()
