"""The network of masked image training and of its unmasked baseline (Chen et al., CVPR 2023).

It is not SwinIR plus masks: the first convolution is 1x1, and neither of SwinIR's two long skips is there, so that
the image itself has to pass through the transformer. Input and output (B, 3, H, W) in [0, 1], from 8x8.

Attention mask: in every block, after the norm, `attention_mask` percent of the tokens, chosen independently, are set
to zero; q, k and v of such a token are the biases. Nothing is rescaled. The published network masks at test
time too, without a seed; here an evaluated mask is a function of the image's key alone (NumPy's Philox), so that an
output is the same on any device and in any batch. `mask_samples` is the number of draws to average.

Input mask, in training only: the official code hides pixels, which the training does before the network sees them
(`baselines.train.crops`). The paper hides embedded tokens: `forward(x, hidden=...)`, which become zero
or a learned token.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from baselines.layers import swin
from baselines.layers.swin import SwinBody
from baselines.layers.validation import boolean, integer

DESCRIPTION = "the network of ours, baseline and dropout, with {depths} blocks and {embed_dim} channels,"


class MaskedSwinIR(SwinBody):
    """mean + conv_last(conv_after_body(features(conv_first(x - mean)))).

    attention_mask  percentage of masked tokens, in [0, 100); 0 is the unmasked baseline
    mask_at_test    mask in evaluation too, as published
    mask_samples    number of independent masks that evaluation averages over
    mask_token      value of a hidden token, 'zero' or 'learned', if training masks tokens instead of pixels
    """

    def __init__(
        self,
        in_chans=3,
        embed_dim=60,
        depths=(6,) * 4,
        num_heads=(6,) * 4,
        window_size=8,
        mlp_ratio=2.0,
        drop_path_rate=0.1,
        resi_connection="3conv",
        attention_mask=0,
        mask_at_test=True,
        mask_samples=1,
        mask_token="zero",
    ):
        super().__init__(
            in_chans,
            embed_dim,
            depths,
            num_heads,
            window_size,
            mlp_ratio,
            drop_path_rate,
            resi_connection,
            first_kernel=1,
        )
        if not isinstance(attention_mask, int | float) or not 0 <= attention_mask < 100:
            raise ValueError(f"attention_mask: expected a percentage from 0 to less than 100, got {attention_mask!r}")
        integer(1, mask_samples=mask_samples)
        boolean(mask_at_test=mask_at_test)
        if mask_token not in ("zero", "learned"):
            raise ValueError(f"mask_token: expected 'zero' or 'learned', got {mask_token!r}")
        self.attention_mask, self.mask_at_test, self.mask_samples = attention_mask, mask_at_test, mask_samples
        self.mask_token = nn.Parameter(torch.zeros(embed_dim)) if mask_token == "learned" else None
        if self.mask_token is not None:
            nn.init.trunc_normal_(self.mask_token, std=0.02)

    @property
    def takes_keys(self) -> bool:
        """Whether an output in evaluation depends on the images' keys."""
        return bool(self.attention_mask) and self.mask_at_test

    @property
    def float32_layers(self) -> list[nn.Module]:
        """The convolutions: bfloat16 costs accuracy there, and they are a small part of the computation."""
        return [module for module in self.modules() if isinstance(module, nn.Conv2d)]

    def forward(self, x: Tensor, keys: Sequence[int] | None = None, hidden: Tensor | None = None) -> Tensor:
        """Denoise (B, 3, H, W) in [0, 1].

        `keys`: one integer in [0, 2**128) per image, for its masks; None: key 0 for all images.

        `hidden`, (B, 1, H, W) of 0 and 1, in training: the pixels whose embedded tokens become the mask token.
        """
        height, width = x.shape[-2:]
        image = self.pad(x) - self.mean
        keys = [0] * len(x) if keys is None else keys
        if len(keys) != len(x):
            raise ValueError(f"keys: expected one per image ({len(x)}), got {len(keys)}")
        if not self.training and not self.takes_keys:
            return self._denoise(image, None)[..., :height, :width]
        if self.training:
            hidden = None if hidden is None else self.pad(hidden.to(x.dtype))
            return self._denoise(image, self._training_masks(image), hidden)[..., :height, :width]
        random = [np.random.Generator(np.random.Philox(key=int(key))) for key in keys]
        total = self._denoise(image, self._keyed_masks(image, random))
        for _ in range(self.mask_samples - 1):
            total = total + self._denoise(image, self._keyed_masks(image, random))
        return (total / self.mask_samples)[..., :height, :width]

    def _denoise(self, image: Tensor, keeps: Iterator[Tensor] | None, hidden: Tensor | None = None) -> Tensor:
        return self.mean + self.conv_last(self._deep(image, keeps, hidden))

    def _deep(self, image: Tensor, keeps: Iterator[Tensor] | None, hidden: Tensor | None) -> Tensor:
        """Input of the last convolution, (B, C, H, W)."""
        return self.conv_after_body(self.features(self.conv_first(image), keeps, hidden, self.mask_token))

    def _mask_shape(self, image: Tensor) -> tuple[int, int]:
        """(windows, tokens in a window) of one image."""
        return image.shape[-2] * image.shape[-1] // self.window_size**2, self.window_size**2

    def _keyed_masks(self, image: Tensor, random: list[np.random.Generator]) -> Iterator[Tensor]:
        """One mask per block, (B, windows, tokens), 1 for a kept token; each image draws from its own generator."""
        while True:
            draws = np.stack([r.random(self._mask_shape(image), dtype=np.float32) for r in random])
            yield torch.from_numpy(draws >= self.attention_mask / 100).to(image.device)

    def _training_masks(self, image: Tensor) -> Iterator[Tensor] | None:
        if not self.attention_mask:
            return None
        shape = (len(image), *self._mask_shape(image))
        return (
            torch.rand(shape, device=image.device, generator=self.generator) >= self.attention_mask / 100
            for _ in iter(int, 1)
        )


def infer(tensors: Mapping[str, Tensor]) -> dict:
    """Infer the parameters from tensors; masks have no tensors, except for a learned mask token."""
    learned = {"mask_token": "learned"} if "mask_token" in tensors else {}
    return swin.infer_body(tensors, first_kernel=1) | learned


def receptive_field(depths=(6,) * 4, window_size=8, resi_connection="3conv", **others) -> int:
    """Side of the receptive field in pixels (the maximum over output pixels)."""
    return swin.receptive_field(depths, window_size, resi_connection, first_kernel=1)


def bytes_per_pixel(embed_dim=60, **others) -> int:
    """Peak memory of an evaluation in float32, bytes per pixel, with copies inside torch; measured on a CPU."""
    return 48 * embed_dim
