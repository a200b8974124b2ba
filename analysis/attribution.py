"""Which input pixels decide the structure in a window of the output: local attribution maps (LAM).

The gradient of the structure (the sum of gradient magnitudes in the window) with respect to the input is summed along
a path from the blurred image, which has no structure, to the image. The sum over all pixels is what the image has more
of it than the blurred one: `completeness` says how well the steps of the path add up to that.

Source: Gu & Dong, Interpreting Super-Resolution Networks with Local Attribution Maps, CVPR 2021 (the map, the blur path
and the diffusion index); Sundararajan et al., ICML 2017 (completeness).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

BLUR = 4.0  # deviation in pixels where the path starts


@dataclass(frozen=True)
class Window:
    """A square of the output by its top left pixel."""

    top: int
    left: int
    side: int

    def cut(self, image: Tensor) -> Tensor:
        return image[..., self.top : self.top + self.side, self.left : self.left + self.side]


@dataclass(frozen=True)
class Attribution:
    """A map (H, W) whose sum is `difference` up to the path's steps.

    difference     structure in the window of the output, for the image less for the blurred one
    """

    map: np.ndarray
    difference: float

    @property
    def completeness(self) -> float:
        """Sum of the map over the difference: 1 where the steps are fine enough."""
        return float(self.map.sum() / self.difference)

    @property
    def diffusion_index(self) -> float:
        """0 where one pixel decides all, 100 where all pixels count alike (one less the Gini coefficient)."""
        return 100 * (1 - gini(np.abs(self.map)))

    def within(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """(pixels from the window, rising; share of the map's absolute value that is no further away)."""
        height, width = self.map.shape
        rows, columns = (
            np.maximum(0, np.maximum(first - np.arange(length), np.arange(length) - first - window.side + 1))
            for first, length in ((window.top, height), (window.left, width))
        )
        distance = np.hypot(rows[:, None], columns).ravel()
        order = np.argsort(distance, kind="stable")
        share = np.abs(self.map).ravel()[order].cumsum()
        last = np.flatnonzero(np.diff(distance[order], append=np.inf) > 0)  # the last pixel at each distance
        return distance[order][last], share[last] / share[-1]

    def reach(self, window: Window, share: float) -> float:
        """How far from the window, in pixels, one has to go for a share of the map's absolute value."""
        distance, within = self.within(window)
        return float(distance[np.searchsorted(within, share)])


def structure(image: Tensor, window: Window) -> Tensor:
    """Sum of gradient magnitudes in a window of (1, C, H, W)."""
    vertical = F.pad(image[..., 1:, :] - image[..., :-1, :], (0, 0, 0, 1))
    horizontal = F.pad(image[..., 1:] - image[..., :-1], (0, 1))
    return window.cut((vertical**2 + horizontal**2 + 1e-12).sqrt()).sum()


def blurred(image: Tensor, deviation: float) -> Tensor:
    """(1, C, H, W) after a Gaussian filter over reflected borders; deviation in pixels, 0 for the image itself."""
    if deviation == 0:
        return image
    radius = min(ceil(4 * deviation), min(image.shape[-2:]) - 1)
    place = torch.arange(-radius, radius + 1, dtype=image.dtype, device=image.device)
    kernel = torch.exp(-(place**2) / (2 * deviation**2))
    kernel = (kernel / kernel.sum()).expand(image.shape[1], 1, 1, -1)  # (C, 1, 1, K)
    padded = F.pad(image, (radius,) * 4, "reflect")
    across = F.conv2d(padded, kernel, groups=image.shape[1])
    return F.conv2d(across, kernel.transpose(2, 3), groups=image.shape[1])


def attribute(network: Callable[[Tensor], Tensor], image: Tensor, window: Window, steps: int = 32) -> Attribution:
    """The map of an image (1, C, H, W) for a window of the network's output of the same size.

    The path is made of `steps` pieces, with the gradient in the middle of each. Raises ValueError for a window that is
    not inside, and where the output does not differ between the image and the blurred one.
    """
    height, width = image.shape[-2:]
    if not (0 <= window.top <= height - window.side and 0 <= window.left <= width - window.side):
        raise ValueError(f"the window {window} is not inside an image of {height} rows and {width} columns")
    deviations = np.linspace(BLUR, 0, 2 * steps + 1)  # ends and middles of the pieces
    found = torch.zeros(image.shape[-2:], dtype=torch.float64)
    with torch.enable_grad():
        for start in range(0, 2 * steps, 2):
            before, after = (blurred(image, deviations[place]) for place in (start, start + 2))
            middle = blurred(image, deviations[start + 1]).detach().requires_grad_()
            inside = structure(network(middle), window)
            if not inside.requires_grad:
                raise ValueError("the output has no gradient: the network runs under no_grad, or detaches its input")
            (gradient,) = torch.autograd.grad(inside, middle)
            found += (gradient * (after - before)).sum((0, 1)).double().cpu()
    with torch.no_grad():
        difference = (structure(network(image), window) - structure(network(blurred(image, BLUR)), window)).item()
    if abs(difference) < 1e-9:
        raise ValueError("the window of the output is the same for the image and the blurred one: nothing to attribute")
    return Attribution(found.numpy(), difference)


def gini(values: np.ndarray) -> float:
    """Gini coefficient of values from 0: 0 where all are equal, near 1 where one has all."""
    ordered = np.sort(np.ravel(values))
    place = np.arange(1, ordered.size + 1)
    return float(((2 * place - ordered.size - 1) * ordered).sum() / (ordered.size * ordered.sum()))
