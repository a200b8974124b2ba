"""Noise2VST: a variance-stabilizing transform fitted to each noisy image around a Gaussian denoiser.

Herbreteau & Unser, ICCV 2025: y = g(D(f(x))). The transform f is an increasing spline, piecewise linear between equally
spaced knots; g is its inverse plus a line. Both are fitted on the noisy image alone, through the frozen denoiser D, by
predicting pixels that D does not see: these are replaced by the mean of their four neighbours. It assumes zero-mean
noise that is independent from pixel to pixel. The number of iterations is fixed, and does not depend on the noise.
Random numbers depend on the image's key alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from baselines.layers.test_time import learning
from baselines.layers.validation import integer, positive
from baselines.layers.wrapper import Wrapper

TITLE = "Noise2VST"
PAPER = "Herbreteau & Unser, Self-Calibrated Variance-Stabilizing Transformations, ICCV 2025"
LICENCE = "written here (MIT); official code MIT"
TEST_TIME_TRAINING = True
MIN_STEP = 1e-6  # between the values of two knots, so that the spline increases
MASK_STRIDE = 4  # one of MASK_STRIDE x MASK_STRIDE pixels of one channel is predicted
DONUT = ((0, 0.25, 0), (0.25, 0, 0.25), (0, 0.25, 0))


@dataclass(frozen=True)
class Transform:
    """The transform of one image: x is moved to [0, 1] by `low` and `span`, then mapped by the spline.

    steps   (knots,): the spline at 0, then the logarithms of its steps from knot to knot, up to MIN_STEP
    line    (2,): slope and offset of the line that is added to the inverse
    """

    low: Tensor
    span: Tensor
    steps: Tensor
    line: Tensor

    @classmethod
    def identity(cls, image: Tensor, knots: int) -> Transform:
        """The transform that changes nothing but the range of an image (C, H, W)."""
        low, high = image.min(), image.max()
        span = torch.where(high > low, high - low, torch.ones_like(high))
        steps = torch.full((knots,), 1 / (knots - 1) - MIN_STEP).log()
        steps[0] = 0
        return cls(low, span, steps.to(image.device), torch.zeros(2, device=image.device))

    @property
    def values(self) -> Tensor:
        """The spline at its knots, increasing."""
        return torch.cat([self.steps[:1], self.steps[1:].exp() + MIN_STEP]).cumsum(0)

    def forward(self, unit: Tensor) -> Tensor:
        """f of values in [0, 1], any shape."""
        values, last = self.values, len(self.steps) - 1
        position = unit * last
        left = position.detach().floor().clamp(0, last - 1).long()
        return values[left] + (position - left) * (values[left + 1] - values[left])

    def inverse(self, transformed: Tensor) -> Tensor:
        """g of transformed values, any shape."""
        values, last = self.values, len(self.steps) - 1
        right = torch.searchsorted(values.detach(), transformed.detach().contiguous()).clamp(1, last)
        share = (transformed - values[right - 1]) / (values[right] - values[right - 1])
        return (right - 1 + share) / last + self.line[0] * transformed + self.line[1]


class Noise2VST(Wrapper):
    """g(D(f(x))) for a network D, with f and g fitted to each image.

    iterations  of Adam
    knots       of the spline
    patch       side of the square patches that it is fitted on, pixels; smaller images are patches themselves
    batch       patches per iteration
    lr          learning rate, divided by ten after each third of the iterations
    """

    takes_keys = True

    def __init__(self, network: nn.Module, iterations=2000, knots=128, patch=64, batch=4, lr=1e-2):
        super().__init__(network)
        integer(1, iterations=iterations, batch=batch)
        integer(2, knots=knots)
        integer(8, patch=patch)
        positive(lr=lr)
        self.iterations, self.knots, self.patch, self.batch, self.lr = iterations, knots, patch, batch, lr

    def fit(self, x: Tensor, keys: Sequence[int] | None = None) -> list[Transform]:
        """The transform of each image of (B, C, H, W)."""
        keys = [0] * len(x) if keys is None else keys
        with learning(x) as images:
            return [self._fitted(image, key) for image, key in zip(images, keys, strict=True)]

    def forward(
        self,
        x: Tensor,
        *inputs: Tensor,
        fitted: list[Transform] | None = None,
        keys: Sequence[int] | None = None,
        **options: Any,
    ) -> Tensor:
        """Denoise (B, C, H, W) in [0, 1], with transforms fitted to x, or to the images that it is a part of."""
        transforms = self.fit(x, keys) if fitted is None else fitted
        given = torch.stack([t.forward((image - t.low) / t.span) for t, image in zip(transforms, x, strict=True)])
        denoised = self.network(given, *inputs, **self._keys(keys), **options).float()
        units = (t.inverse(image) * t.span + t.low for t, image in zip(transforms, denoised, strict=True))
        return torch.stack(list(units))

    def _keys(self, keys: Sequence[int] | None) -> dict[str, Sequence[int]]:
        return {"keys": keys} if keys is not None and getattr(self.network, "takes_keys", False) else {}

    def _fitted(self, image: Tensor, key: int) -> Transform:
        """The transform fitted to an image (C, H, W)."""
        start = Transform.identity(image, self.knots)
        unit = (image - start.low) / start.span
        steps, line = start.steps.requires_grad_(), start.line.requires_grad_()
        transform = Transform(start.low, start.span, steps, line)
        optimizer = torch.optim.Adam([steps, line], self.lr)
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, max(1, self.iterations // 3), 0.1)
        rng = np.random.Generator(np.random.Philox(key=int(key) % 2**128))
        for _ in range(self.iterations):
            patches = torch.stack([self._patch(unit, rng) for _ in range(self.batch)])
            keys = [int(one) for one in rng.integers(2**63, size=self.batch)]
            steps.grad, line.grad = torch.autograd.grad(self._loss(transform, patches, keys, rng), [steps, line])
            optimizer.step()
            schedule.step()
        return Transform(start.low, start.span, steps.detach(), line.detach())

    def _patch(self, image: Tensor, rng: np.random.Generator) -> Tensor:
        """A patch of (C, H, W), flipped and rotated at random."""
        height, width = (min(self.patch, side) for side in image.shape[-2:])
        top, left = int(rng.integers(image.shape[-2] - height + 1)), int(rng.integers(image.shape[-1] - width + 1))
        patch = image[:, top : top + height, left : left + width]
        patch = patch.flip(-1) if rng.integers(2) else patch
        return patch.rot90(int(rng.integers(4)) if height == width else 2 * int(rng.integers(2)), (-2, -1))

    def _loss(self, transform: Transform, patches: Tensor, keys: Sequence[int], rng: np.random.Generator) -> Tensor:
        """Mean squared error of predicted pixels: those of a grid in one channel, which the network does not see."""
        channels = patches.shape[1]
        channel, top, left = (int(rng.integers(end)) for end in (channels, MASK_STRIDE, MASK_STRIDE))
        hidden = torch.zeros_like(patches, dtype=torch.bool)
        hidden[:, channel, top::MASK_STRIDE, left::MASK_STRIDE] = True
        given = transform.forward(patches)
        kernel = given.new_tensor(DONUT).expand(channels, 1, 3, 3)
        neighbours = F.conv2d(F.pad(given, (1, 1, 1, 1), "reflect"), kernel, groups=channels)
        predicted = transform.inverse(self.network(torch.where(hidden, neighbours, given), **self._keys(keys)))
        return F.mse_loss(predicted[hidden], patches[hidden])


wrapper = Noise2VST
