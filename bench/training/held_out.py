"""PSNR on held-out images under a fixed list of noises, for test curves and cards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from baselines.layers.classical import ESTIMATED
from baselines.layers.non_blind import level_argument
from baselines.weights_io import checkpoints
from bench import datasets, protocols
from bench.core.errors import BadInput
from bench.metrics import psnr
from bench.models import inference
from bench.models.adapters import NonBlind, for_image
from bench.models.tiles import Tiled
from bench.models.tiling import Tiling
from bench.noise import noises

VALIDATION_NOISES = (
    "gaussian(sigma=15)",
    "gaussian(sigma=50)",
    "mixture(level=2)",
    "salt_pepper(density=0.02)",
    "correlated(sigma=50)",
    "speckle(var=0.04)",
    "poisson(alpha=3)",
)
CROP_SIDE = 128  # pixels, of the centre crops that are scored


@dataclass(frozen=True)
class HeldOutScorer:
    """Scores weights of a network: mean PSNR in dB by noise. Scores are deterministic: noise and masks are keyed.

    network  filled with the weights
    run      the network as it is run, perhaps in tiles
    takes    channels of the images that the network is for
    cases    (noise, noisy image (1, C, H, W), target, mask key) of each crop and noise
    """

    network: nn.Module
    run: nn.Module
    takes: int | None
    device: torch.device
    cases: list[tuple[str, Tensor, np.ndarray, int]]

    def __len__(self) -> int:
        """Number of noisy crops."""
        return len(self.cases)

    def __call__(
        self, weights: Mapping[str, Tensor], advanced: Callable[[int, int], None] = lambda done, total: None
    ) -> dict[str, float]:
        """Mean PSNR by noise; `advanced(done, total)` is called after each crop. Raises BadInput for outputs of NaN."""
        self.network.load_state_dict(weights)
        self.network.to(self.device).eval()
        scores: dict[str, list[float]] = {}
        for done, (noise, x, target, key) in enumerate(self.cases, 1):
            adapted = for_image(self.run, self.takes, x.shape[1])
            try:
                output = inference.denoise(adapted, x, [key], self.device)[0].permute(1, 2, 0).numpy()
            except ValueError as error:
                raise BadInput(f"held-out images under {noise}: {error}") from error
            scores.setdefault(noise, []).append(psnr.score(protocols.to_bytes(output), target))
            advanced(done, len(self))
        return {noise: float(np.mean(values)) for noise, values in scores.items()}


def scorer(
    network: nn.Module,
    images: dict[str, np.ndarray],
    device: torch.device,
    tiling: Tiling | None = None,
    takes: int | None = 3,
) -> HeldOutScorer | None:
    """A scorer on 128x128 centre crops of uint8 images, `stored` protocol; None if no image is large enough.

    tiling  of a network that always runs in tiles
    takes   channels of the images that the network is for
    """
    protocol = protocols.load_protocol("stored")
    cases = []
    for name, pixels in images.items():
        if min(pixels.shape[:2]) < CROP_SIDE:
            continue
        clean = datasets.centre_crop(pixels, CROP_SIDE, name).astype(np.float32) / 255
        digest = noises.pixel_hash(clean)
        for noise in map(noises.load_noise, VALIDATION_NOISES):
            noisy, target = noises.network_input(noise, clean, 0, protocol, digest)
            x = inference.to_batch(noisy)
            key = noises.mask_key(digest, noise, 0)
            cases.append((noises.canonical(noise), x, protocols.to_bytes(target), key))
    run = NonBlind(network, ESTIMATED) if level_argument(network) else network
    run = Tiled(run, tiling) if tiling else run
    return HeldOutScorer(network, run, takes, device, cases) if cases else None


def halved(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights rounded to half precision, as stored in a file."""
    return {key: checkpoints.halved(value).to(value.dtype) for key, value in weights.items()}
