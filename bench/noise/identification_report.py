"""Report of `bench noise identify`: the noise found, its levels with intervals, and the evidence."""

from __future__ import annotations

import math

from bench.noise import noises
from noise_zoo.chain import Chain
from noise_zoo.identification import Identification
from noise_zoo.identification.fit import Level
from noise_zoo.noise import Noise

COMPONENT_LABELS = {
    "sigma": "Gaussian noise, sigma",
    "photons": "photon noise, photons at white",
    "var": "speckle, var",
    "density": "impulses, density",
}
NO_SPEC = (
    "no spec: isp and random_mixture draw new parameters for each image; JPEG after noise and recorded noise are not "
    "noise of independent pixels"
)
WIDE = 1.96  # standard errors of a 95% interval


def lines(found: Identification) -> list[str]:
    """Return the report as lines; the first one is a spec if a noise was identified."""
    seen = f"{found.samples:,} samples of {found.images} image{'s' if found.images > 1 else ''}"
    if found.problem:
        return [found.problem, f"  no noise is identified: expected two aligned versions of one image ({seen})"]
    if found.noise:
        return _named(found, found.noise, seen)
    if not found.components:
        return [f"no noise: the noisy images equal the clean ones ({seen})"]
    first = ["no known noise fits these images; fitted as a sum of independent components:"]
    first += [f"  {COMPONENT_LABELS[name]} {number(level.value)}   {interval(level)}" for name, level in parts(found)]
    first += [f"  explains {found.explained:.1%} of {seen}: {confidence(found)}"]
    return [*first, *_correlations(found), *_brightness(found), f"  {NO_SPEC}"]


def _named(found: Identification, noise: Noise, seen: str) -> list[str]:
    spec = noises.canonical(noise)
    if not noise.random:
        return [
            spec,
            f"  reproduces the noisy images exactly in all tested corners ({seen})",
        ]
    several = isinstance(noise, Chain) or found.level is found.components.get("photons")
    levels = [f"  {COMPONENT_LABELS[name]} {number(level.value)}   {interval(level)}" for name, level in parts(found)]
    if not several and found.level and found.level.error:
        spec = f"{spec}   {interval(found.level)}"
    return [
        spec,
        *(levels if several else ()),
        f"  explains {found.explained:.1%} of {seen}",
        f"  {found.structure}",
    ]


def _brightness(found: Identification) -> list[str]:
    """Report the mean of noisy - clean: by brightness if it is significant, else in the middle tones."""
    if not found.brightness:
        return [f"  mean of noisy - clean in the middle tones: {found.shift:+.2f} 8-bit levels"]
    classes = ", ".join(f"{mean:+.1f} at {clean:.0f}" for clean, mean in found.brightness)
    return [f"  the brightness differs (offset, gain or tone curve): mean of noisy - clean {classes} (8-bit levels)"]


def parts(found: Identification) -> list[tuple[str, Level]]:
    """Return the components in the order of COMPONENT_LABELS."""
    return [(name, found.components[name]) for name in COMPONENT_LABELS if name in found.components]


def interval(level: Level) -> str:
    """Format '95% interval 24.9 to 25.1'."""
    low, high = level.value - WIDE * level.error, level.value + WIDE * level.error
    return f"95% interval {number(max(low, 0.0))} to {number(high)}"


def number(value: float) -> str:
    """Format with four significant digits."""
    return f"{value:.4g}"


def confidence(found: Identification) -> str:
    """Return the confidence in the components, with the reason if it is low."""
    if found.brightness:
        return "low confidence, because the brightness differs as well"
    if not found.structure:
        return "low confidence, because neighbours are correlated as in no component"
    if found.doubtful:
        return "low confidence, because means, variances or correlations do not fit"
    if found.explained >= 0.99:
        return "high confidence"
    return "fair confidence" if found.explained >= 0.96 else "low confidence, because samples are left unexplained"


def _correlations(found: Identification) -> list[str]:
    lags = {"right": (0, 1), "down": (1, 0), "diagonal": (1, 1), "2 pixels right": (0, 2)}
    shown = [f"{name} {found.lags[lag].value:+.2f}" for name, lag in lags.items()]
    if not math.isnan(found.channels.value):
        shown.append(f"channels {found.channels.value:+.2f}")
    structure = f" ({found.structure})" if found.structure else ""
    return [f"  correlation of neighbours: {', '.join(shown)}{structure}"]
