"""Noises by spec, and the random streams that they draw from.

The noise of an image is a function of the clean pixels, the noise's canonical spec and version, and the seed, and of
nothing else: not the order, the batch, the worker or the machine.
"""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

import numpy as np

import noise_zoo
from bench import registry, spec
from bench.errors import BadInput, unknown

REFERENCE = "gaussian(sigma=15)"  # what every network is trained on; the gap is measured from here


def names() -> list[str]:
    return sorted({*noise_zoo.names(), *registry.entry_points("noise")})


def noise_class(name: str) -> type:
    """The class behind a noise's name. Raises BadInput with the nearest names."""
    if name in noise_zoo.names():
        return getattr(noise_zoo, noise_zoo.class_name(name))
    found = registry.outside("noise", name)
    if found is None:
        raise unknown("noise", name, names())
    return found


def load_noise(text: str | spec.Spec) -> Any:
    """The noise that a spec names: a frozen dataclass, (clean, rng) -> (noisy, clean).

    A name alone is an error that lists the levels of the literature: `load_noise("gaussian(sigma=25)")`.
    """
    parsed = spec.parse(text) if isinstance(text, str) else text
    cls = noise_class(parsed.name)
    required = [f.name for f in dataclasses.fields(cls) if f.default is dataclasses.MISSING]
    if parsed.bare and required:
        listed = ", ".join(f"{parsed.name}({cls.axis}={spec.format_value(level)})" for level in cls.levels)
        raise BadInput(f"noise {parsed.name!r} needs its {cls.axis}; levels in the literature: {listed}")
    return spec.build(cls, parsed, "noise")


def expand(text: str) -> list[Any]:
    """The noises of a list of specs: a bare name sweeps its levels, `all` is every noise that has levels."""
    noises = []
    for part in spec.split(text):
        parsed = spec.parse(part)
        if part == "all":
            swept = [noise_class(name) for name in noise_zoo.names()]
            noises += [cls(level) for cls in swept for level in cls.levels]
        elif parsed.bare and noise_class(parsed.name).levels:
            cls = noise_class(parsed.name)
            noises += [cls(level) for level in cls.levels]
        else:
            noises.append(load_noise(parsed))
    if not noises:
        raise BadInput("no noise was named: write --noise mixture, --noise all, or --noise 'gaussian(sigma=25)'")
    return list(dict.fromkeys(noises))


def noise_name(noise: Any) -> str:
    """`salt_pepper` of a SaltPepper: the module's name, which is the noise's."""
    return type(noise).__module__.rpartition(".")[2]


def canonical(noise: Any) -> str:
    """The one text of a noise, `gaussian(sigma=25)`."""
    return spec.canonical_dataclass(noise_name(noise), noise)


def level(noise: Any) -> float | None:
    """The noise's place on its own axis, or None if it has no axis."""
    axis = getattr(noise, "axis", None)
    return float(getattr(noise, axis)) if axis else None


def pixel_hash(image: np.ndarray) -> str:
    """SHA-256 of an image's size and float32 pixels, (H, W, C) in [0, 1]."""
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(np.ascontiguousarray(image, dtype="<f4").tobytes())
    return digest.hexdigest()


def stream_key(*parts: Any) -> int:
    """A 128-bit integer from the text of the parts: the seed of a generator, the key of a mask."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little")


def generator(clean_hash: str, noise: Any, seed: int) -> np.random.Generator:
    """The random stream of one image under one noise and seed (SFC64: half the time of Philox for normals)."""
    return np.random.Generator(np.random.SFC64(stream_key("noise", clean_hash, canonical(noise), noise.version, seed)))


def mask_key(clean_hash: str, noise: Any, seed: int) -> int:
    """The key of a randomized network for one image under one noise and seed."""
    return stream_key("network", clean_hash, canonical(noise), noise.version, seed)
