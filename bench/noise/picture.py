"""Noisy versions of an image, as they are stored and scored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import datasets
from bench.core.errors import BadInput
from bench.metrics import crop_border, psnr, ssim
from bench.noise import noises
from bench.protocols import Protocol, load_protocol, to_bytes
from noise_zoo.noise import Noise


@dataclass(frozen=True)
class NoisyVersion:
    """An image under a noise: unclipped float32 (H, W, 1 or 3), its stored uint8 pixels, and their scores.

    `clean` is the target, which some noises make themselves. PSNR in dB; SSIM is None for images below its window.
    """

    noise: Noise
    noisy: np.ndarray
    clean: np.ndarray
    stored: np.ndarray  # uint8
    target: np.ndarray  # uint8
    psnr: float
    ssim: float | None

    @property
    def label(self) -> str:
        """Canonical spec of the noise."""
        return noises.canonical(self.noise)


def read(path: Path) -> np.ndarray:
    """Read a user's image file as uint8 (H, W, 1 or 3). Raises BadInput."""
    try:
        return datasets.read_file(path)
    except ValueError as error:
        raise BadInput(str(error)) from error


def noisy_version(pixels: np.ndarray, noise: Noise, seed: int = 0, protocol: str = "stored") -> NoisyVersion:
    """Draw a noise on uint8 (H, W, 1 or 3); store and score the result by a protocol. Raises BadInput."""
    rules = load_protocol(protocol)
    clean = pixels.astype(np.float32) / 255
    noisy, target = noises.draw(noise, clean, seed, rules)
    return _scored(noise, noisy, target, rules)


def recorded_version(image: datasets.CleanImage, noise: Noise, protocol: str = "stored") -> NoisyVersion:
    """Score the recorded noisy image of a pair by a protocol. Raises ValueError if it cannot be read."""
    clean, (noisy,) = image.read_with([noise])
    return _scored(noise, noisy, clean, load_protocol(protocol))


def _scored(noise: Noise, noisy: np.ndarray, target: np.ndarray, rules: Protocol) -> NoisyVersion:
    given = rules.noisy_input(noisy, noises.noise_name(noise))
    stored, goal = to_bytes(given), to_bytes(target)
    scored = crop_border(rules.as_scored(given), rules.border), crop_border(rules.as_scored(target), rules.border)
    similarity = ssim.score(*scored) if min(scored[0].shape[:2]) >= ssim.WINDOW_SIZE else None
    return NoisyVersion(noise, noisy, target, stored, goal, psnr.score(*scored), similarity)
