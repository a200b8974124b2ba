"""Scene: one image with its noise, for the analyses that are shown on an image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.analyses.core import measurements
from bench.core.environment import device_of
from bench.datasets import builtin
from bench.models.model_specs import Model
from bench.noise import noises, picture
from bench.protocols import Protocol, load_protocol
from noise_zoo.noise import Noise

DEFAULT_PHOTOGRAPH = builtin.PHOTOGRAPHS[1]  # chelsea


@dataclass(frozen=True)
class Scene:
    """A clean image and the noisy input, float32 (H, W, C) in [0, 1], with what the noise was made from.

    noise   None for no noise, where the input is the clean image
    """

    image: str
    clean: np.ndarray
    noisy: np.ndarray
    noise: Noise | None
    seed: int
    protocol: Protocol
    device: torch.device

    @property
    def noise_text(self) -> str:
        """The noise's canonical spec, or 'no noise'."""
        return noises.canonical(self.noise) if self.noise else "no noise"

    @property
    def settings(self) -> dict[str, Any]:
        """For saved results: what is needed to make the same input again."""
        height, width = self.clean.shape[:2]
        return {
            "image": self.image,
            "image_sha256": noises.pixel_hash(self.clean),
            "height": height,
            "width": width,
            "noise": noises.canonical(self.noise) if self.noise else None,
            "noise_versions": [noises.version(self.noise)] if self.noise else [],
            "seed": self.seed,
            "protocol": self.protocol.name,
            "device": str(self.device),
        }

    @property
    def labels(self) -> tuple[str, ...]:
        """What distinguishes the scene in a file name: image and noise."""
        return (Path(self.image).stem, *([noises.canonical(self.noise)] if self.noise else []))

    @property
    def title(self) -> str:
        """Image, size and noise: 'chelsea.png, 128x128, no noise'."""
        return f"{self.image}, {self.clean.shape[1]}x{self.clean.shape[0]}, {self.noise_text}"

    def measurement(self, measure: str, model: Model, value: float, **settings: Any) -> dict[str, Any]:
        """The row of a value of a model on this scene."""
        settings = {"image_sha256": self.settings["image_sha256"], **settings}
        where = {
            "dataset": self.image,
            "protocol": self.protocol.name,
            "device": str(self.device),
            "settings": measurements.settings_text(settings),
        }
        return measurements.row(
            measure, measurements.subject(model, "", self.noise, self.seed), where, estimate=[value]
        )


def load_scene(path: Path | None, side: int, noise: Noise | None, protocol: str, seed: int, device: str) -> Scene:
    """The centre of an image file (chelsea of builtin by default), at most `side` pixels wide and high, under a noise.

    Raises BadInput.
    """
    pixels = builtin.read_crop(DEFAULT_PHOTOGRAPH) if path is None else picture.read(path)
    height, width = (min(side, length) for length in pixels.shape[:2])
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    clean = pixels[top : top + height, left : left + width].astype(np.float32) / 255
    name = DEFAULT_PHOTOGRAPH.name if path is None else path.name
    return make_scene(name, clean, noise, seed, load_protocol(protocol), device_of(device))


def make_scene(
    image: str, clean: np.ndarray, noise: Noise | None, seed: int, protocol: Protocol, device: torch.device
) -> Scene:
    """A scene of a clean image, float32 (H, W, C) in [0, 1]."""
    noisy = noises.network_input(noise, clean, seed, protocol)[0] if noise else clean
    return Scene(image, clean, noisy, noise, seed, protocol, device)
