"""What is wrong with outputs, so that they have no scores; and what is doubtful, so that their scores say little."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.core.errors import described
from bench.datasets.channels import described as described_shape
from bench.noise import noises
from bench.outputs.matching import Matched
from bench.outputs.noisy_set import Key, NoisyImage, NoisySet
from bench.outputs.reading import OutputFile, in_channels, read
from noise_zoo.identification.registration import problem_of

MAX_SIDE = 256  # pixels of the centre crop that is searched for shifts
MAX_LISTED = 3  # names in a sentence
NO_OUTPUT = "no output for"


@dataclass
class Checked:
    """The outputs of one method after reading all of them.

    hashes   `noises.pixel_hash` of each output as it is scored
    reasons  why others have no scores
    doubts   sentence -> the outputs that it is about
    """

    hashes: dict[Key, str] = field(default_factory=dict)
    reasons: dict[Key, str] = field(default_factory=dict)
    doubts: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    problems: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @property
    def warnings(self) -> list[str]:
        """The doubts as sentences."""
        return [f"{text}: {counted(names)}" for text, names in self.doubts.items()]


def check(noisy: NoisySet, found: Matched) -> Checked:
    """Read every output and compare it with its clean image. Raises ValueError for a clean image that has changed."""
    checked, seen = Checked(), {}
    for image in noisy.images:
        if image.key not in found.files:
            checked.problems[NO_OUTPUT].append(image.name)
            checked.reasons[image.key] = "no output file"
            continue
        _check_one(image, found.files[image.key], image.target(), checked, seen)
    return checked


def _check_one(image: NoisyImage, path: Path, clean: np.ndarray, checked: Checked, seen: dict[str, NoisyImage]) -> None:
    try:
        output = in_channels(read(path), clean.shape[-1])
    except (ValueError, OSError) as error:
        checked.problems[described(error).replace(path.name, "a file", 1)].append(image.name)
        checked.reasons[image.key] = described(error)
        return
    if output.pixels.shape != clean.shape:
        reason = f"expected {described_shape(clean.shape)}, got {described_shape(output.pixels.shape)}"
        checked.problems[reason + _cause(output.pixels.shape, clean.shape)].append(image.name)
        checked.reasons[image.key] = reason
        return
    pixel_hash = hash_of(output)
    checked.hashes[image.key] = pixel_hash
    for remark in (*output.remarks, *_doubts(image, output.pixels, clean, pixel_hash)):
        checked.doubts[remark].append(image.name)
    other = seen.setdefault(pixel_hash, image)
    if other is not image and (not image.pixel_hash or other.pixel_hash != image.pixel_hash):
        checked.doubts["the same pixels as the output of another noisy image"].append(f"{image.name} = {other.name}")


def hash_of(output: OutputFile) -> str:
    """The hash of an output's pixels, as of other images."""
    return noises.pixel_hash(output.pixels.astype(np.float32) / 255)


def _cause(shape: tuple[int, ...], expected: tuple[int, ...]) -> str:
    """The likely cause of another shape, in brackets."""
    if shape[:2] == expected[1::-1]:
        return " (width and height exchanged)"
    if shape[:2] == expected[:2]:
        return ""
    if shape[0] <= expected[0] and shape[1] <= expected[1]:
        return " (cropped?)"
    return " (padded?)" if shape[0] >= expected[0] and shape[1] >= expected[1] else ""


def _doubts(image: NoisyImage, pixels: np.ndarray, clean: np.ndarray, pixel_hash: str) -> Iterator[str]:
    """Sentences on an output that is a copy of another image, shifted, of other content or in another channel order."""
    if pixel_hash == image.pixel_hash:
        yield "the output is the noisy image itself"
    elif np.array_equal(pixels, clean):
        yield "the output is the clean image itself"
    elif problem := problem_of([(_centre(pixels), _centre(clean))], "output"):
        yield problem


def _centre(pixels: np.ndarray) -> np.ndarray:
    top, left = (max(0, (side - MAX_SIDE) // 2) for side in pixels.shape[:2])
    return pixels[top : top + MAX_SIDE, left : left + MAX_SIDE]


def counted(names: list[str]) -> str:
    """A count with up to three names: '2 outputs (a, b)'."""
    some = f"{', '.join(names[:MAX_LISTED])}{', ...' if len(names) > MAX_LISTED else ''}"
    return f"{len(names)} output{'s' * (len(names) != 1)} ({some})"
