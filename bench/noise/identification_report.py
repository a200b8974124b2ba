"""What `bench noise identify` prints: the verdict, and what it rests on."""

from __future__ import annotations

import math

from bench.noise import noises
from noise_zoo.chain import Chain
from noise_zoo.identification import Identification
from noise_zoo.identification.fit import Level

WORDS = {
    "sigma": "Gaussian noise, sigma",
    "photons": "photon noise, photons at white",
    "var": "speckle, var",
    "density": "impulses, density",
}
NO_SPEC = (
    "no spec is given: isp and random_mixture draw new parameters for each image; JPEG over noise and recorded noise "
    "follow no law of single pixels"
)
WIDE = 1.96  # standard errors of a 95% interval


def lines(found: Identification) -> list[str]:
    """The verdict in plain sentences; the first is a spec where a noise was named."""
    seen = f"{found.samples:,} samples of {found.images} image{'s' if found.images > 1 else ''}"
    if found.problem:
        return [found.problem, f"  no noise is named: expected two versions of one picture, pixel for pixel ({seen})"]
    if found.noise:
        return _named(found, seen)
    if not found.components:
        return [f"no noise: the noisy images equal the clean ones ({seen})"]
    first = ["no noise of the zoo explains these images; as a sum of independent components they show"]
    first += [f"  {WORDS[name]} {number(level.value)}   {interval(level)}" for name, level in parts(found)]
    first += [f"  which explains {found.explained:.1%} of {seen}: {confidence(found)}"]
    return [*first, *_correlations(found), *_brightness(found), f"  {NO_SPEC}"]


def _named(found: Identification, seen: str) -> list[str]:
    spec = noises.canonical(found.noise)
    if not found.noise.random:
        return [
            spec,
            f"  made again, it is equal to the byte wherever that was tried, in corners of the images ({seen})",
        ]
    several = isinstance(found.noise, Chain) or found.level is found.components.get("photons")
    levels = [f"  {WORDS[name]} {number(level.value)}   {interval(level)}" for name, level in parts(found)]
    if not several and found.level.error:
        spec = f"{spec}   {interval(found.level)}"
    return [
        spec,
        *(levels if several else ()),
        f"  it explains {found.explained:.1%} of {seen}",
        f"  {found.structure}",
    ]


def _brightness(found: Identification) -> list[str]:
    """Mean of noisy - clean: by brightness where it is more than chance, else in the middle tones."""
    if not found.brightness:
        return [f"  mean of noisy - clean in the middle tones: {found.shift:+.2f} of 255"]
    classes = ", ".join(f"{mean:+.1f} at {clean:.0f}" for clean, mean in found.brightness)
    return [f"  the brightness differs, by an offset, a factor or a tone curve: mean of noisy - clean {classes} of 255"]


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
    if found.brightness:
        return "low confidence, for the brightness differs too"
    if not found.structure:
        return "low confidence, for neighbours share noise in a way that no component has"
    if found.doubtful:
        return "low confidence, for means, variances or correlations of the images differ from theirs"
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
