"""Training noise of models: noise specs in which a number may be a range, `gaussian(sigma=0-55)`.

A noise is in distribution for a model if it is one of these, with every parameter equal or within its range; all other
noise is out of distribution (OOD). The training noise is on the card of weights, or in the class of a user-defined
network: `trained_on = "gaussian(sigma=25)"`.
"""

from __future__ import annotations

import dataclasses
import numbers
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench import spec
from bench.core.errors import BadInput
from bench.noise import noises
from noise_zoo.noise import Noise

NUMBER = r"\d*\.?\d+(?:[eE][-+]?\d+)?"
RANGE = re.compile(rf"(?<=[=(,\[\s])({NUMBER})\s*-\s*({NUMBER})(?=\s*[,)\]])")
SENTENCE = re.compile(r"(?:.*\W)?Gaussian, sigma ([\d.]+)(?: of 255)?")  # on cards of earlier versions
UNKNOWN = "unknown"
NONE = "none"  # of a method without training


@dataclass(frozen=True)
class TrainingNoise:
    """Training noise as pairs of noises (minimum, maximum) that differ only in their numbers.

    ranges   () if the training noise is unknown, and for untrained networks
    trained  False for untrained networks, and for methods without training, whose `ranges` are the noise that their
             presets were chosen at
    """

    ranges: tuple[tuple[Noise, Noise], ...] = ()
    trained: bool = True

    @property
    def known(self) -> bool:
        """Whether it is known which noise is in distribution."""
        return bool(self.ranges) or not self.trained

    @property
    def text(self) -> str:
        """The specs as text, 'gaussian(sigma=0-55)'; '' if unknown or untrained."""
        return ", ".join(_text(*pair) for pair in self.ranges)

    @property
    def description(self) -> str:
        """The specs, 'unknown', or 'none: not trained', for pages and listings."""
        if self.trained:
            return self.text or UNKNOWN
        return f"none: not trained, presets chosen at {self.text}" if self.ranges else "none: not trained"

    @property
    def specs(self) -> str | list[str]:
        """The value for a card: one spec, or a list of several."""
        texts = [_text(*pair) for pair in self.ranges]
        return texts[0] if len(texts) == 1 else texts

    def sample(self, rng: np.random.Generator) -> Noise:
        """Draw one of the noises, each with the same probability, its numbers uniformly in their ranges."""
        return _drawn(*self.ranges[int(rng.integers(len(self.ranges)))], rng)

    def covers(self, noise: str) -> bool:
        """Whether a noise, given by its spec, is in distribution."""
        try:
            loaded = noises.load_noise(noise)
        except BadInput:  # a user-defined noise that is not available
            return False
        return any(_within(loaded, *pair) for pair in self.ranges)


NOT_KNOWN = TrainingNoise()
NOT_TRAINED = TrainingNoise(trained=False)


def parse(text: str | Iterable[str]) -> TrainingNoise:
    """Parse 'gaussian(sigma=0-55), poisson(alpha=2)', a list of such texts, or 'unknown'. Raises BadInput."""
    parts = [part for one in ([text] if isinstance(text, str) else text) for part in spec.split(one)]
    if not parts or parts == [UNKNOWN]:
        return NOT_KNOWN
    return TrainingNoise(tuple(map(_pair, parts)))


def _pair(part: str) -> tuple[Noise, Noise]:
    """Parse 'gaussian(sigma=0-55)' to gaussian(sigma=0) and gaussian(sigma=55). Raises BadInput."""
    try:
        minimum, maximum = (noises.load_noise(RANGE.sub(rf"\{end}", part)) for end in (1, 2))
    except BadInput as error:
        raise BadInput(
            f"training noise: expected a noise spec such as gaussian(sigma=25) or gaussian(sigma=0-55), got {part!r} "
            f"({error})"
        ) from error
    if not _within(minimum, minimum, maximum):
        raise BadInput(f"training noise: expected the minimum of a range before its maximum, got {part!r}")
    return minimum, maximum


def _within(value: Any, minimum: Any, maximum: Any) -> bool:
    """Whether a noise, or a value of its fields, lies between two others in every field."""
    if isinstance(value, Noise):
        same = type(value) is type(minimum) and type(value) is type(maximum)
        names = [field.name for field in dataclasses.fields(value)] if same else []
        return same and all(_within(*(getattr(one, name) for one in (value, minimum, maximum))) for name in names)
    if isinstance(value, list | tuple):
        if not (isinstance(minimum, list | tuple) and len(value) == len(minimum) == len(maximum)):
            return False
        return all(map(_within, value, minimum, maximum))
    if all(isinstance(one, numbers.Real) for one in (value, minimum, maximum)):
        return minimum <= value <= maximum
    return value == minimum == maximum


def _drawn(minimum: Any, maximum: Any, rng: np.random.Generator) -> Any:
    """A noise, or a value of a field, between two others: numbers are drawn uniformly, integers as integers."""
    if isinstance(minimum, Noise):
        names = [field.name for field in dataclasses.fields(minimum)]
        values = {name: _drawn(getattr(minimum, name), getattr(maximum, name), rng) for name in names}
        several = spec.variadic_name(type(minimum))
        parts = values.pop(several) if several else ()
        return type(minimum)(*parts, **values)
    if isinstance(minimum, list | tuple):
        return tuple(_drawn(*ends, rng) for ends in zip(minimum, maximum, strict=True))
    if minimum == maximum:
        return minimum
    if isinstance(minimum, int) and isinstance(maximum, int):
        return int(rng.integers(minimum, maximum, endpoint=True))
    return minimum + (maximum - minimum) * float(rng.random())


def _text(minimum: Noise, maximum: Noise) -> str:
    """Return the canonical spec, with `minimum-maximum` where the two noises differ."""
    return spec.format_value(_merged(minimum, maximum))


@dataclass(frozen=True)
class _Range:
    """A range of numbers, written 0-55."""

    minimum: float
    maximum: float

    def __repr__(self) -> str:
        return f"{spec.format_value(self.minimum)}-{spec.format_value(self.maximum)}"


def _merged(minimum: Any, maximum: Any) -> Any:
    """Merge two noises of one class, or two values of a field, to a spec or value with ranges."""
    if isinstance(minimum, Noise):
        ends = noises.as_spec(minimum), noises.as_spec(maximum)
        shown = dict.fromkeys(name for end in ends for name, _ in end.kwargs)
        values = ((name, _merged(getattr(minimum, name), getattr(maximum, name))) for name in shown)
        several = spec.variadic_name(type(minimum))
        parts = _merged(getattr(minimum, several), getattr(maximum, several)) if several else ()
        return spec.Spec(ends[0].name, tuple(parts), tuple(values))
    if isinstance(minimum, list | tuple):
        return tuple(map(_merged, minimum, maximum))
    return minimum if minimum == maximum else _Range(minimum, maximum)


def of_card(card: Mapping[str, Any]) -> TrainingNoise:
    """Return the training noise of a card of weights; NOT_KNOWN if it has none that is a spec."""
    stated = card.get("trained_on")
    stated = stated.get("noise") if isinstance(stated, Mapping) else stated
    if not stated:
        return NOT_KNOWN
    if stated == NONE:
        return NOT_TRAINED
    if isinstance(stated, str) and (sentence := SENTENCE.fullmatch(stated)):
        stated = f"gaussian(sigma={sentence[1]})"
    try:
        return parse(stated)
    except (BadInput, TypeError):  # free text on cards of earlier versions, which pages quote
        return NOT_KNOWN


def of_model(card: Mapping[str, Any], weights: str, size: str) -> TrainingNoise:
    """Return the training noise of a model of a run from its manifest: card, name of the weights, and size."""
    if "libraries" in card:  # a classical method: see baselines.layers.classical
        return TrainingNoise(parse(noises.REFERENCE).ranges, trained=False)
    if weights == "none" and size != "own":
        return NOT_TRAINED
    return of_card(card)


def described(card: Mapping[str, Any]) -> str:
    """Describe the training of a card, '380 images of BSDS400, gaussian(sigma=15)'; '' if nothing is known."""
    stated = card.get("trained_on") or {}
    if isinstance(stated, str):
        stated = {"data": stated}
        if of_card(card).known:  # the noise is in the text
            return stated["data"]
    noise = of_card(card).description if of_card(card).known else stated.get("noise", "")
    count = f"{stated['images']} images of " if "images" in stated else ""
    data = f"{count}{stated['data']}" if stated.get("data") else ""
    if not of_card(card).known:
        noise = f"training noise unknown{f' ({noise})' if noise else ''}" if data or noise else ""
    return ", ".join(filter(None, [data, noise]))
