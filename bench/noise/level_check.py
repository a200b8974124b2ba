"""Warnings about noise levels in the wrong unit, which leave stored images nearly unchanged."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from bench.datasets import builtin, centre_crop
from bench.noise import noises
from bench.noise.picture import noisy_version
from bench.spec import format_value
from noise_zoo.noise import Noise

NEARLY_CLEAN_PSNR = 45.0  # dB as stored: gaussian(sigma=1.4), a third of the values are unchanged
SIDE = 96  # pixels: side of the crop that noises are tested on
UNITS = {
    "sigma": "sigma is a standard deviation in 8-bit levels, 0 to 255",
    "var": "var is the variance of the speckle factor, for images in [0, 1]",
    "alpha": "alpha scales the Poisson noise of 8-bit counts, which is alpha=1",
    "density": "density is the share of values that are replaced, 0 to 1",
    "peak": "peak is the number of photons at white",
}


def psnr_of(noise: Noise) -> float:
    """Return the PSNR in dB of a test image under a noise, as stored in 8 bits; 100 if no pixel changes."""
    pixels = centre_crop(builtin.read_crop(builtin.PHOTOGRAPHS[1]), SIDE, "")
    return noisy_version(pixels, noise).psnr


def weak_noise_warnings(chosen: Iterable[Noise]) -> Iterator[str]:
    """Yield a warning for each noise of the zoo (parts of chains included) that leaves images nearly unchanged.

    It states the unit of the level and suggests the level that was probably meant.
    """
    for noise in dict.fromkeys(part for one in chosen for part in _parts(one)):
        if (psnr := psnr_of(noise)) >= NEARLY_CLEAN_PSNR:
            units = [UNITS[field.name] for field in dataclasses.fields(noise) if field.name in UNITS]
            text = "; ".join([*units, _meant(noise)])
            yield f"{noises.canonical(noise)} leaves images nearly unchanged (PSNR {psnr:.1f} dB): {text}"


def _parts(noise: Noise) -> list[Noise]:
    """Return the parts of a noise that can be drawn; user-defined noise is skipped."""
    if parts := [one for one in noises.values_of(noise) if isinstance(one, Noise)]:
        return [deeper for part in parts for deeper in _parts(part)]
    drawn = not noise.recorded and type(noise).__module__.startswith("noise_zoo.")
    return [noise] if drawn else []


def _meant(noise: Noise) -> str:
    """Return 'did you mean gaussian(sigma=25.5)?' for levels of [0, 1] images, else the levels of the literature."""
    sigma = noises.level(noise)
    if noise.axis == "sigma" and sigma is not None and 0 < sigma <= 0.5:  # for images in [0, 1]
        return f"did you mean {noises.canonical(dataclasses.replace(noise, sigma=round(255 * sigma, 6)))}?"
    usual = ", ".join(map(format_value, noise.levels))
    return f"levels of the literature: {noise.axis} {usual}" if usual else "it changes no pixel"
