"""What is wrong with outputs, so that they have no scores; and what is doubtful, so that their scores say little."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import numpy as np

from bench.core.errors import described
from bench.datasets.channels import described as described_shape
from bench.datasets.output_files import OutputFile, read_scored
from bench.noise import noises
from bench.outputs.matching import Matched
from bench.outputs.noisy_set import Key, NoisyImage, NoisySet
from bench.protocols import Protocol
from noise_zoo.identification.registration import MAX_PATCHES, problem_of

MAX_SIDE = 256  # pixels of the centre crop that is searched for shifts
MAX_LISTED = 3  # names in a sentence
NO_OUTPUT = "no output file"


@dataclass
class Checked:
    """The outputs of one method after reading all of them.

    hashes    `noises.pixel_hash` of each output as it is scored
    reasons   why others have no scores
    problems  the reasons, without their numbers -> (the first one, all noisy images that have one like it)
    doubts    sentence -> the outputs that it is about
    """

    hashes: dict[Key, str] = field(default_factory=dict)
    reasons: dict[Key, str] = field(default_factory=dict)
    problems: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    doubts: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @property
    def warnings(self) -> list[str]:
        """The doubts as sentences."""
        return [f"{text}: {counted(names)}" for text, names in self.doubts.items()]

    def fail(self, image: NoisyImage, reason: str) -> None:
        """The noisy image has no output that can be scored."""
        self.reasons[image.key] = reason
        alike = re.sub(r"[\d.]+", "#", reason.removeprefix(f"{reason.split(':')[0]}:"))
        self.problems.setdefault(alike, (reason, []))[1].append(image.name)


Pair = tuple[np.ndarray, np.ndarray]  # an output and its clean image, uint8 (H, W, C)


def check(noisy: NoisySet, found: Matched) -> Checked:
    """Read every output and compare it with its clean image."""
    checked, seen = Checked(), {}
    for _, images in groupby(noisy.images, key=lambda image: image.folder):
        folder = _Placement()
        for image in images:
            if image.key not in found.files:
                checked.fail(image, NO_OUTPUT)
            elif pair := _read_pair(image, found.files[image.key], noisy.protocol, checked, seen):
                folder.add(image.name, pair)
        for text, names in folder.doubts.items():
            checked.doubts[text] += names
    return checked


@dataclass
class _Placement:
    """Which outputs of a folder are shifted, of other content or in another channel order.

    Each is tested; if none or all of them are misplaced, the first ones are tested together, which finds more.
    """

    names: list[str] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    found: dict[str, list[str]] = field(default_factory=dict)

    def add(self, name: str, pair: Pair) -> None:
        self.names.append(name)
        self.pairs = [*self.pairs, pair][:MAX_PATCHES]
        if problem := problem_of([pair], "output"):
            self.found.setdefault(problem, []).append(name)

    @property
    def doubts(self) -> dict[str, list[str]]:
        """Sentence -> the outputs that it is about."""
        if self.pairs and sum(map(len, self.found.values())) in (0, len(self.names)):
            together = problem_of(self.pairs, "output")
            return {together: self.names} if together else self.found
        return self.found


def _read_pair(
    image: NoisyImage, path: Path, rules: Protocol, checked: Checked, seen: dict[str, NoisyImage]
) -> Pair | None:
    """The centres of an output and of its clean image; None if it cannot be scored or is a copy."""
    clean = image.target()
    try:
        output = read_scored(path, clean.shape[-1], rules)
    except (ValueError, OSError) as error:
        checked.fail(image, described(error))
        return None
    if output.pixels.shape != clean.shape:
        shapes = [described_shape(pixels.shape) for pixels in (clean, output.pixels)]
        cause = _cause(output.pixels.shape, clean.shape)
        checked.fail(image, f"{path.name}: expected {shapes[0]}, got {shapes[1]}{cause}")
        return None
    checked.hashes[image.key] = pixel_hash = hash_of(output)
    for remark in output.remarks:
        checked.doubts[remark].append(image.name)
    other = seen.setdefault(pixel_hash, image)
    if other is not image and (not image.pixel_hash or other.pixel_hash != image.pixel_hash):
        checked.doubts["the same pixels as the output of another noisy image"].append(f"{image.name} = {other.name}")
    for text, same in (
        ("the output is the noisy image itself", pixel_hash == image.pixel_hash),
        ("the output is the clean image itself", np.array_equal(output.in_8_bits, clean)),
    ):
        if same:
            checked.doubts[text].append(image.name)
            return None
    return _centre(output.in_8_bits), _centre(clean)


def hash_of(output: OutputFile) -> str:
    """The hash of an output's pixels, as of other images."""
    return noises.pixel_hash(output.in_floats)


def _cause(shape: tuple[int, ...], expected: tuple[int, ...]) -> str:
    """The likely cause of another shape, in brackets."""
    if shape[:2] == expected[:2]:
        return ""
    if shape[:2] == expected[1::-1]:
        return " (width and height exchanged)"
    if shape[0] <= expected[0] and shape[1] <= expected[1]:
        return " (cropped?)"
    return " (padded?)" if shape[0] >= expected[0] and shape[1] >= expected[1] else ""


def _centre(pixels: np.ndarray) -> np.ndarray:
    top, left = (max(0, (side - MAX_SIDE) // 2) for side in pixels.shape[:2])
    return pixels[top : top + MAX_SIDE, left : left + MAX_SIDE]


def counted(names: list[str]) -> str:
    """A count with up to three names: '2 outputs (a, b)'."""
    some = f"{', '.join(names[:MAX_LISTED])}{', ...' if len(names) > MAX_LISTED else ''}"
    return f"{len(names)} output{'s' * (len(names) != 1)} ({some})"
