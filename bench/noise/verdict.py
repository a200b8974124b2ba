"""What `bench noise identify` prints: the verdict, and what it rests on."""

from __future__ import annotations

import math

from bench import spec
from noise_zoo.identification import Identification
from noise_zoo.identification.fit import Level

WORDS = {
    "sigma": "Gaussian noise, sigma",
    "photons": "photon noise, photons at white",
    "var": "speckle, var",
    "density": "impulses, density",
}
WIDE = 1.96  # standard errors of a 95% interval


def lines(found: Identification) -> list[str]:
    """The verdict in plain sentences."""
    seen = f"{found.samples:,} samples of {found.images} image{'s' if found.images > 1 else ''}"
    if not found.components:
        return [f"no noise: the noisy images equal the clean ones ({seen})"]
    if found.name:
        level = {found.axis: float(f"{found.level.value:.4g}")}
        text = spec.format_value(spec.Spec(found.name, (), tuple({**level, **found.options}.items())))
        if found.level.error == 0:
            return [
                text,
                f"  made again, it is equal to the byte wherever that was tried, in corners of the images ({seen})",
            ]
        first = [f"{text}   {interval(found.level)}", f"  it explains {found.explained:.1%} of {seen}"]
        return [*first, f"  {found.structure}"]
    first = ["no single noise of the zoo explains these images; as a sum of independent components they show"]
    first += [f"  {WORDS[name]} {number(level.value)}   {interval(level)}" for name, level in parts(found)]
    first += [f"  which explains {found.explained:.1%} of {seen}: {confidence(found)}"]
    return [*first, *_correlations(found), f"  mean of noisy - clean in the middle tones: {found.shift:+.2f} of 255"]


def parts(found: Identification) -> list[tuple[str, Level]]:
    """The components in the order of WORDS."""
    return [(name, found.components[name]) for name in WORDS if name in found.components]


def interval(level: Level) -> str:
    """'95% interval 24.9 to 25.1'."""
    low, high = level.value - WIDE * level.error, level.value + WIDE * level.error
    return f"95% interval {number(max(low, 0.0))} to {number(high)}"


def number(value: float) -> str:
    """Four digits."""
    return f"{value:.4g}"


def confidence(found: Identification) -> str:
    """How much the components are worth, in words."""
    if not found.structure:
        return "low confidence, for neighbours share noise in a way that no component has"
    if found.explained >= 0.99:
        return "high confidence"
    return "fair confidence" if found.explained >= 0.96 else "low confidence, something else is in these images"


def _correlations(found: Identification) -> list[str]:
    places = {"right": (0, 1), "down": (1, 0), "diagonal": (1, 1), "two away": (0, 2)}
    shown = [f"{name} {found.lags[lag].value:+.2f}" for name, lag in places.items()]
    if not math.isnan(found.channels.value):
        shown.append(f"channels {found.channels.value:+.2f}")
    words = f" ({found.structure})" if found.structure else ""
    return [f"  correlation of neighbours: {', '.join(shown)}{words}"]
