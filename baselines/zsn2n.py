"""ZSN2N: zero-shot Noise2Noise, a small network trained on each noisy image alone (Mansour & Heckel, CVPR 2023).

Input and output (B, C, H, W) in [0, 1], from 4x4. Two images of half the size, the means of the two diagonals of all
2x2 pixels, have the same content and independent noise: the network learns to map one to the other, and to agree on
them with what it makes of the whole image. It assumes zero-mean noise that is independent from pixel to pixel. The
number of iterations is fixed, and does not depend on the noise. Random numbers depend on the image's key alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from baselines.layers.test_time import initialized, learning
from baselines.layers.validation import integer, positive

TITLE = "ZS-N2N"
PAPER = "Mansour & Heckel, Zero-Shot Noise2Noise: Efficient Image Denoising without any Data, CVPR 2023"
LICENCE = "written here (MIT)"
LIBRARIES = ("torch",)
RECEPTIVE_FIELD = "whole image"
TEST_TIME_TRAINING = True
FIRST_DIAGONAL, SECOND_DIAGONAL = ((0.5, 0), (0, 0.5)), ((0, 0.5), (0.5, 0))


class ZSN2N(nn.Module):
    """x - f(x), f of two 3x3 convolutions and a 1x1 one, trained on x.

    iterations  of Adam, each on the whole image
    width       channels of f
    lr          learning rate, halved after every `halve_every` iterations
    """

    takes_keys = True

    def __init__(self, iterations=2000, width=48, lr=1e-3, halve_every=1000):
        super().__init__()
        integer(1, iterations=iterations, width=width, halve_every=halve_every)
        positive(lr=lr)
        self.iterations, self.width, self.lr, self.halve_every = iterations, width, lr, halve_every

    def forward(self, x: Tensor, keys: Sequence[int] | None = None) -> Tensor:
        """Denoise (B, C, H, W), one image after the other; `keys`: one integer per image, None: key 0 for all."""
        keys = [0] * len(x) if keys is None else keys
        with learning(x) as images:
            outputs = [self._denoised(image[None], key) for image, key in zip(images, keys, strict=True)]
        return torch.cat(outputs)

    def _denoised(self, image: Tensor, key: int) -> Tensor:
        """(1, C, H, W) -> the same, by a network trained on it."""
        channels = image.shape[1]
        with torch.device("meta"):  # draws no random numbers
            network = nn.Sequential(
                nn.Conv2d(channels, self.width, 3, padding=1),
                nn.LeakyReLU(0.2, inplace=True),
                nn.Conv2d(self.width, self.width, 3, padding=1),
                nn.LeakyReLU(0.2, inplace=True),
                nn.Conv2d(self.width, channels, 1),
            )
        initialized(network, key).to(image.device)
        optimizer = torch.optim.Adam(network.parameters(), self.lr)
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, self.halve_every, 0.5)
        for _ in range(self.iterations):
            optimizer.zero_grad()
            loss(network, image).backward()
            optimizer.step()
            schedule.step()
        with torch.no_grad():
            return image - network(image)


def halves(image: Tensor) -> tuple[Tensor, Tensor]:
    """(B, C, H, W) -> the means of the two diagonals of all 2x2 pixels, (B, C, H // 2, W // 2) each."""
    channels = image.shape[1]
    return tuple(
        F.conv2d(image, image.new_tensor(diagonal).expand(channels, 1, 2, 2), stride=2, groups=channels)
        for diagonal in (SECOND_DIAGONAL, FIRST_DIAGONAL)
    )


def loss(network: nn.Module, image: Tensor) -> Tensor:
    """The residual and the consistency loss of a network that predicts the noise of (1, C, H, W)."""
    first, second = halves(image)
    clean_first, clean_second = first - network(first), second - network(second)
    whole_first, whole_second = halves(image - network(image))
    residual = F.mse_loss(clean_first, second) + F.mse_loss(clean_second, first)
    consistency = F.mse_loss(clean_first, whole_first) + F.mse_loss(clean_second, whole_second)
    return (residual + consistency) / 2


def describe_level(**parameters) -> str:
    """Text on the noise level, for cards."""
    return "not used"


def bytes_per_pixel(width=48, **others) -> int:
    """Peak memory of the training in float32, bytes per pixel; measured on a CPU."""
    return 40 * width


network = ZSN2N
