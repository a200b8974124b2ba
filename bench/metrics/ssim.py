"""Structural similarity, Wang et al., TIP 2004, as in MATLAB and KAIR, the mean over channels.

11x11 Gaussian window of deviation 1.5, K = 0.01 and 0.03, population covariance, only where the whole window fits
(5 pixels are lost at each side).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bench.metrics import Metric

if TYPE_CHECKING:
    import torch

WINDOW, DEVIATION = 11, 1.5
STRIP = 128  # rows at once: memory does not grow with the height of the image


def against(clean: torch.Tensor) -> Callable[[torch.Tensor], float]:
    """SSIM of uint8 (H, W, C), at least 11x11. Equals scikit-image's structural_similarity to 1e-12 with
    gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255."""
    height, width, _ = clean.shape
    if min(height, width) < WINDOW:
        raise ValueError(f"SSIM needs at least {WINDOW}x{WINDOW} pixels, and {height}x{width} came")
    return lambda output: _score(output, clean)


def _score(output: torch.Tensor, clean: torch.Tensor) -> float:
    import torch

    place = torch.arange(WINDOW, dtype=torch.float64, device=clean.device) - WINDOW // 2
    window = torch.exp(-(place**2) / (2 * DEVIATION**2))
    window = window / window.sum()
    strips = range(0, output.shape[0] - WINDOW + 1, STRIP)
    sums = [
        _sum_of_rows(*(image[top : top + STRIP + WINDOW - 1] for image in (output, clean)), window) for top in strips
    ]
    return sum(sums) / ((output.shape[0] - WINDOW + 1) * (output.shape[1] - WINDOW + 1) * output.shape[2])


def _sum_of_rows(output: torch.Tensor, clean: torch.Tensor, window: torch.Tensor) -> float:
    """Sum of the structural similarity over the places where the whole window fits."""
    import torch
    import torch.nn.functional as F

    x, y = (image.double().permute(2, 0, 1) for image in (output, clean))  # (C, H, W)
    stacked = torch.stack([x, y, x * x, y * y, x * y]).flatten(0, 1)[:, None]  # (5C, 1, H, W)
    filtered = F.conv2d(F.conv2d(stacked, window.view(1, 1, -1, 1)), window.view(1, 1, 1, -1))
    mean_x, mean_y, xx, yy, xy = filtered.view(5, len(x), *filtered.shape[-2:])
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    structure = (2 * (xy - mean_x * mean_y) + c2) / (xx - mean_x**2 + yy - mean_y**2 + c2)
    return float((structure * (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)).sum())


METRIC = Metric(
    name="ssim",
    against=against,
    title="SSIM",
    higher_is_better=True,
    meaning="structural similarity; higher is better",
    words="11x11 Gaussian window of deviation 1.5, K 0.01 and 0.03, population covariance, where the whole window fits "
    "(5 pixels are lost at each side); the mean over the three channels of an image in 8 bits",
    source="Wang et al., TIP 2004, as in MATLAB and KAIR",
)
score = METRIC.score  # of a pair of arrays
