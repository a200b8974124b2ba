"""Local attribution maps (LAM): which input pixels the structure in a window of the output depends on.

The gradient of the structure (the sum of gradient magnitudes in the window) with respect to the input is integrated
along a path from the blurred image, which has no structure, to the image. The sum of the map is the structure of the
image minus that of the blurred image; `completeness` says how well the steps of the path add up to it.

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

BLUR = 4.0  # standard deviation, in pixels, of the image where the path starts


@dataclass(frozen=True)
class Window:
    """A square of `side` pixels of the output, by its top left pixel."""

    top: int
    left: int
    side: int

    def cut(self, image: Tensor) -> Tensor:
        """The window of an image: (..., H, W) -> (..., side, side)."""
        return image[..., self.top : self.top + self.side, self.left : self.left + self.side]


@dataclass(frozen=True)
class Attribution:
    """A map (H, W) of contributions to the structure in a window of the output.

    difference   structure for the image minus structure for the blurred image, which is the sum of an exact map
    """

    map: np.ndarray
    difference: float

    @property
    def completeness(self) -> float:
        """Sum of the map divided by the difference: 1 for steps that are fine enough."""
        return float(self.map.sum() / self.difference)

    @property
    def diffusion_index(self) -> float:
        """100 (1 - Gini coefficient): 0 if one pixel has all of the map, 100 if all have the same share."""
        return 100 * (1 - gini(np.abs(self.map)))

    def within(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """(distances from the window in pixels, ascending; share of the absolute map within each distance)."""
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
        """Distance from the window, in pixels, within which a share in [0, 1] of the absolute map lies."""
        distance, within = self.within(window)
        return float(distance[np.searchsorted(within, share)])


def structure(image: Tensor, window: Window) -> Tensor:
    """Sum of the gradient magnitudes, by forward differences, of an image (1, C, H, W) in a window; a scalar tensor."""
    vertical = F.pad(image[..., 1:, :] - image[..., :-1, :], (0, 0, 0, 1))
    horizontal = F.pad(image[..., 1:] - image[..., :-1], (0, 1))
    return window.cut((vertical**2 + horizontal**2 + 1e-12).sqrt()).sum()


def blurred(image: Tensor, sigma: float) -> Tensor:
    """(1, C, H, W) after a Gaussian filter with reflected borders; `sigma` in pixels, 0 for the image itself."""
    if sigma == 0:
        return image
    radius = min(ceil(4 * sigma), min(image.shape[-2:]) - 1)
    offset = torch.arange(-radius, radius + 1, dtype=image.dtype, device=image.device)
    kernel = torch.exp(-(offset**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).expand(image.shape[1], 1, 1, -1)  # (C, 1, 1, K)
    padded = F.pad(image, (radius,) * 4, "reflect")
    across = F.conv2d(padded, kernel, groups=image.shape[1])
    return F.conv2d(across, kernel.transpose(2, 3), groups=image.shape[1])


def attribute(network: Callable[[Tensor], Tensor], image: Tensor, window: Window, steps: int = 32) -> Attribution:
    """Local attribution map of an image (1, C, H, W) in [0, 1] for a window of the network's output of the same size.

    network   (1, C, H, W) -> (1, C, H, W), differentiable
    steps     of the path; the gradient is taken in the middle of each

    Raises ValueError for a window outside the image, an output without a gradient, and an output that is the same for
    the image and the blurred image. Source: Gu & Dong, CVPR 2021.
    """
    height, width = image.shape[-2:]
    if not (0 <= window.top <= height - window.side and 0 <= window.left <= width - window.side):
        raise ValueError(f"expected a window inside {height} rows and {width} columns, got {window}")
    sigmas = np.linspace(BLUR, 0, 2 * steps + 1)  # ends and middles of the steps
    total = torch.zeros(image.shape[-2:], dtype=torch.float64)
    with torch.enable_grad():
        for start in range(0, 2 * steps, 2):
            before, after = (blurred(image, sigmas[end]) for end in (start, start + 2))
            middle = blurred(image, sigmas[start + 1]).detach().requires_grad_()
            target = structure(network(middle), window)
            if not target.requires_grad:
                raise ValueError("expected an output with a gradient, got none: the network detaches its input")
            (gradient,) = torch.autograd.grad(target, middle)
            total += (gradient * (after - before)).sum((0, 1)).double().cpu()
    with torch.no_grad():
        difference = (structure(network(image), window) - structure(network(blurred(image, BLUR)), window)).item()
    if abs(difference) < 1e-9:
        raise ValueError("expected structure in the window of the output, got none that blurring removes: move it")
    return Attribution(total.numpy(), difference)


def gini(values: np.ndarray) -> float:
    """Gini coefficient of non-negative values of any shape, in [0, 1): 0 if all are equal, near 1 if one has all."""
    ordered = np.sort(np.ravel(values))
    rank = np.arange(1, ordered.size + 1)
    return float(((2 * rank - ordered.size - 1) * ordered).sum() / (ordered.size * ordered.sum()))
