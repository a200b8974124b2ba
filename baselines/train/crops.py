"""Random crops of images in memory, and input masks, drawn on the device from one generator."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

MASKED_VALUE = -0.1  # of a masked input pixel in the official code


class Crops:
    """Random crops of images in memory, (B, C, crop, crop) in [0, 1], each with one of 8 flips and rotations.

    Images are uint8 (H, W, C), all of the same C, and stay so on the device.
    """

    def __init__(self, images: list[np.ndarray], crop: int, device: torch.device):
        self.crop = crop
        large = [image for image in images if min(image.shape[:2]) >= crop]
        if not large:
            raise ValueError(
                f"expected images of at least {crop}x{crop} pixels (the crop), got {len(images)} smaller ones"
            )
        sizes = torch.tensor([image.shape[:2] for image in large])
        ends = sizes.prod(1).cumsum(0)
        channels = large[0].shape[2]
        self.pixels = torch.empty(int(ends[-1]), channels, dtype=torch.uint8, device=device)  # (P, C)
        for image, end in zip(large, ends.tolist(), strict=True):
            flat = np.require(image, requirements="CW").reshape(-1, channels)
            self.pixels[end - len(flat) : end] = torch.from_numpy(flat)
        self.start = torch.cat([torch.zeros(1, dtype=torch.long), ends[:-1]]).to(device)
        self.height, self.width = sizes.to(device).unbind(1)

    def __call__(self, batch: int, generator: torch.Generator) -> Tensor:
        """`batch` random crops, (B, C, crop, crop) in [0, 1]."""
        device, last = self.pixels.device, self.crop - 1
        which = torch.randint(len(self.start), (batch,), device=device, generator=generator)
        place = torch.rand(2, batch, device=device, generator=generator, dtype=torch.float64)
        flips = torch.randint(2, (3, batch, 1, 1), device=device, generator=generator, dtype=torch.bool)
        top = (place[0] * (self.height[which] - last)).long()
        left = (place[1] * (self.width[which] - last)).long()
        side = torch.arange(self.crop, device=device)
        row, column = side[:, None].expand(batch, -1, self.crop), side[None, :].expand(batch, self.crop, -1)
        row, column = torch.where(flips[0], column, row), torch.where(flips[0], row, column)
        row, column = torch.where(flips[1], last - row, row), torch.where(flips[2], last - column, column)
        at = self.start[which].view(-1, 1, 1) + (top.view(-1, 1, 1) + row) * self.width[which].view(-1, 1, 1)
        crops = self.pixels[at + left.view(-1, 1, 1) + column].permute(0, 3, 1, 2)  # (B, C, crop, crop)
        return crops.contiguous().float() / 255


def hidden_pixels(x: Tensor, percentages: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Boolean input mask (B, 1, H, W) for (B, C, H, W), True where hidden; one percentage is drawn per sample."""
    low, high = percentages
    percent = torch.randint(low, high + 1, (len(x), 1, 1, 1), device=x.device, generator=generator)
    drawn = torch.rand(len(x), 1, *x.shape[-2:], device=x.device, generator=generator)
    return drawn < percent / 100


def mask_input(x: Tensor, percentages: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Set randomly chosen pixels of (B, C, H, W) to -0.1 in all channels (the official input mask)."""
    return torch.where(hidden_pixels(x, percentages, generator), MASKED_VALUE, x)
