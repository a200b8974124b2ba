"""What a model was trained on: noise specs in which a number may be a range, `gaussian(sigma=0-55)`.

A noise is in distribution for a model where it is one of these, each parameter equal or within its range; all other
noise is out of distribution (OOD). Weights say so on their card, a network of a user's file in its class:
`trained_on = "gaussian(sigma=25)"`.
"""

from __future__ import annotations

import dataclasses
import numbers
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bench import spec
from bench.errors import BadInput
from bench.noise import noises
from noise_zoo.noise import Noise

NUMBER = r"\d*\.?\d+(?:[eE][-+]?\d+)?"
RANGE = re.compile(rf"(?<=[=(,\[\s])({NUMBER})\s*-\s*({NUMBER})(?=\s*[,)\]])")
SENTENCE = re.compile(r"(?:.*\W)?Gaussian, sigma ([\d.]+)(?: of 255)?")  # on cards of old
UNKNOWN = "unknown"


@dataclass(frozen=True)
class TrainingNoise:
    """Noises of which numbers may be ranges: pairs (least, greatest), equal but for their numbers.

    ranges   empty where the training noise is not known, and of a network that was not trained
    trained  False for methods without training, whose `ranges` are what their presets were chosen at, and for
             untrained networks
    """

    ranges: tuple[tuple[Noise, Noise], ...] = ()
    trained: bool = True

    @property
    def known(self) -> bool:
        """Whether it is known what noise is in distribution."""
        return bool(self.ranges) or not self.trained

    @property
    def text(self) -> str:
        """'gaussian(sigma=0-55)'; '' where nothing is known, or nothing was trained on."""
        return ", ".join(_text(*pair) for pair in self.ranges)

    @property
    def description(self) -> str:
        """For people: the text, 'unknown', or that there was no training."""
        if self.trained:
            return self.text or UNKNOWN
        return f"none: not trained, presets chosen at {self.text}" if self.ranges else "none: not trained"

    @property
    def specs(self) -> str | list[str]:
        """As a card has it: a spec, or a list of several."""
        texts = [_text(*pair) for pair in self.ranges]
        return texts[0] if len(texts) == 1 else texts

    def covers(self, noise: str) -> bool:
        """Whether a noise, given by its spec, is in distribution."""
        try:
            loaded = noises.load_noise(noise)
        except BadInput:  # of a file that is not here, so that none was trained on it here either
            return False
        return any(_within(loaded, *pair) for pair in self.ranges)


NOT_KNOWN = TrainingNoise()
NOT_TRAINED = TrainingNoise(trained=False)


def parse(text: str | Iterable[str]) -> TrainingNoise:
    """'gaussian(sigma=0-55), poisson(alpha=2)', or a list of such; 'unknown'. Raises BadInput."""
    parts = [part for one in ([text] if isinstance(text, str) else text) for part in spec.split(one)]
    if not parts or parts == [UNKNOWN]:
        return NOT_KNOWN
    return TrainingNoise(tuple(map(_pair, parts)))


def _pair(part: str) -> tuple[Noise, Noise]:
    """'gaussian(sigma=0-55)' -> gaussian(sigma=0) and gaussian(sigma=55). Raises BadInput."""
    try:
        least, greatest = (noises.load_noise(RANGE.sub(rf"\{end}", part)) for end in (1, 2))
    except BadInput as error:
        raise BadInput(
            f"training noise: expected a noise spec such as gaussian(sigma=25) or gaussian(sigma=0-55), got {part!r} "
            f"({error})"
        ) from error
    if not _within(least, least, greatest):
        raise BadInput(f"training noise: expected the minimum of a range before its maximum, got {part!r}")
    return least, greatest


def _within(value: Any, least: Any, greatest: Any) -> bool:
    """Whether a noise, or a value of its fields, lies between two others, field by field."""
    if isinstance(value, Noise):
        same = type(value) is type(least) and type(value) is type(greatest)
        names = [field.name for field in dataclasses.fields(value)] if same else []
        return same and all(_within(*(getattr(one, name) for one in (value, least, greatest))) for name in names)
    if isinstance(value, list | tuple):
        if not (isinstance(least, list | tuple) and len(value) == len(least) == len(greatest)):
            return False
        return all(map(_within, value, least, greatest))
    if all(isinstance(one, numbers.Real) for one in (value, least, greatest)):
        return least <= value <= greatest
    return value == least == greatest


def _text(least: Noise, greatest: Noise) -> str:
    """The canonical spec, with `minimum-maximum` where the two differ."""
    return spec.format_value(_merged(least, greatest))


@dataclass(frozen=True)
class _Range:
    """Two numbers, written 0-55."""

    minimum: float
    maximum: float

    def __repr__(self) -> str:
        return f"{spec.format_value(self.minimum)}-{spec.format_value(self.maximum)}"


def _merged(least: Any, greatest: Any) -> Any:
    """Two noises of one class, or two values of a field -> what stands for both in a spec."""
    if isinstance(least, Noise):
        ends = noises.as_spec(least), noises.as_spec(greatest)
        shown = dict.fromkeys(name for end in ends for name, _ in end.kwargs)
        values = ((name, _merged(getattr(least, name), getattr(greatest, name))) for name in shown)
        several = spec.variadic(type(least))
        parts = _merged(getattr(least, several), getattr(greatest, several)) if several else ()
        return spec.Spec(ends[0].name, tuple(parts), tuple(values))
    if isinstance(least, list | tuple):
        return tuple(map(_merged, least, greatest))
    return least if least == greatest else _Range(least, greatest)


def of_card(card: Mapping[str, Any]) -> TrainingNoise:
    """What the card of weights says; not known where it says nothing, or nothing that is a spec."""
    said = card.get("trained_on")
    said = said.get("noise") if isinstance(said, Mapping) else said
    if not said:
        return NOT_KNOWN
    if isinstance(said, str) and (sentence := SENTENCE.fullmatch(said)):
        said = f"gaussian(sigma={sentence[1]})"
    try:
        return parse(said)
    except (BadInput, TypeError):  # free text, as cards of old have it: pages show it as it is
        return NOT_KNOWN


def of_model(card: Mapping[str, Any], weights: str, size: str) -> TrainingNoise:
    """The training noise of a model of a run by what its manifest says: its card, weights' name and size."""
    if "libraries" in card:  # a classical method: see baselines.classical
        return TrainingNoise(parse(noises.REFERENCE).ranges, trained=False)
    if weights == "none" and size != "own":
        return NOT_TRAINED
    return of_card(card)


def described(card: Mapping[str, Any]) -> str:
    """'380 images of BSDS400, gaussian(sigma=15)', as far as a card knows; '' where it knows nothing."""
    said = card.get("trained_on") or {}
    if isinstance(said, str):
        said = {"data": said}
        if of_card(card).known:  # the noise is in the text
            return said["data"]
    noise = of_card(card).description if of_card(card).known else said.get("noise", "")
    count = f"{said['images']} images of " if "images" in said else ""
    data = f"{count}{said['data']}" if said.get("data") else ""
    if not of_card(card).known:
        noise = f"training noise unknown{f' ({noise})' if noise else ''}" if data or noise else ""
    return ", ".join(filter(None, [data, noise]))
