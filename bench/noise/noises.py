"""Noises by spec, and the random streams that they draw from.

The noise of an image is a function of the clean pixels, the noise's canonical spec and version, and the seed, and of
nothing else: not the order, the batch, the worker or the machine.
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import numbers
from typing import Any

import numpy as np

import noise_zoo
from bench import isolation, registry, spec
from bench.errors import BadInput, described, unknown
from noise_zoo.legacy import LegacyGenerator
from noise_zoo.noise import Noise
from noise_zoo.real import Real
from noise_zoo.recorded import Applied

Images = tuple[np.ndarray, np.ndarray]
REFERENCE = "gaussian(sigma=15)"  # what our networks are trained on; PSNR drops are counted from it by default


def names() -> list[str]:
    return sorted({*noise_zoo.names(), *registry.entry_points("noise")})


def groups() -> list[str]:
    """The names that sweep several noises."""
    return sorted({group for name in noise_zoo.names() for group in noise_class(name).groups})


def noise_class(name: str) -> type[Noise]:
    """The class behind a noise's name. Raises BadInput with the nearest names, or with what is wrong with the class."""
    if name in noise_zoo.names():
        return getattr(noise_zoo, noise_zoo.class_name(name))
    found = registry.user_defined("noise", name)
    if found is None:
        raise unknown("noise", name, names())
    problem = _problem(found)
    if problem:
        raise BadInput(f"noise {name!r} {problem}")
    return isolation.guarded_class(found, isolation.call_context(found))


def _problem(found: Any) -> str:
    """What keeps an object from outside from being a noise; '' where nothing does."""
    if not isinstance(found, type) or not issubclass(found, Noise):
        kind = f"the class {found.__name__}" if isinstance(found, type) else f"an object of type {type(found).__name__}"
        return f"is {kind}, wanted one that inherits noise_zoo.noise.Noise"
    if inspect.isabstract(found):
        return "has no __call__(self, clean, rng) that returns (noisy, clean)"
    if not dataclasses.is_dataclass(found) or not found.__dataclass_params__.frozen:
        return "is no frozen dataclass: write @dataclass(frozen=True) above the class"
    fields = [field.name for field in dataclasses.fields(found)]
    if found.axis and found.axis not in fields:
        return f"says that its level is {found.axis!r}, and has no such field: {', '.join(fields) or 'it has none'}"
    return ""


def load_noise(text: str | spec.Spec) -> Noise:
    """The noise that a spec names: a frozen dataclass, (clean, rng) -> (noisy, clean).

    A spec without a level is an error that lists the levels of the literature: `load_noise("gaussian(sigma=25)")`.
    """
    parsed = spec.parse(text) if isinstance(text, str) else text
    swept = _sweep(parsed)
    if swept:
        listed = ", ".join(map(spec.format_value, swept))
        raise BadInput(f"noise {parsed.name!r} needs its {noise_class(parsed.name).axis}; in the literature: {listed}")
    return spec.build(noise_class(parsed.name), _nested(parsed), "noise")


def _nested(parsed: spec.Spec) -> spec.Spec:
    """The spec with the noises that it names in the place of their specs."""

    def loaded(value: Any) -> Any:
        if isinstance(value, spec.Spec) and value.bare and value.name not in names() and ":" not in value.name:
            raise BadInput(f"{value.name} in {parsed.name}(...) is neither a noise nor a value: text stands in quotes")
        return load_noise(value) if isinstance(value, spec.Spec) else value

    kwargs = tuple((key, loaded(value)) for key, value in parsed.kwargs)
    return spec.Spec(parsed.name, tuple(map(loaded, parsed.args)), kwargs)


def _sweep(parsed: spec.Spec) -> list[spec.Spec]:
    """A spec without its level -> one for each level of the literature; others -> nothing."""
    cls = noise_class(parsed.name)
    if parsed.args or cls.axis in dict(parsed.kwargs):
        return []
    return [spec.Spec(parsed.name, (), ((cls.axis, level), *parsed.kwargs)) for level in cls.levels]


def expand(text: str) -> list[Noise]:
    """The noises of a list of specs; one without its level sweeps its levels, a group sweeps all of its noises."""
    singles: list[spec.Spec] = []
    for part in map(spec.parse, spec.split(text)):
        group = part.bare and part.name not in names() and part.name in groups()
        if not group and part.name not in names() and ":" not in part.name:
            raise unknown("noise", part.name, [*names(), *groups()])
        members = _members(part.name) if group else [part]
        singles += [single for member in members for single in _sweep(member) or [member]]
    if not singles:
        raise BadInput("no noise was named: write --noise mixture, --noise all, or --noise 'gaussian(sigma=25)'")
    unique: dict[str, Noise] = {}
    for noise in map(load_noise, singles):
        first = unique.setdefault(canonical(noise), noise)
        if version(first) != version(noise):
            raise BadInput(f"two files are both called {canonical(noise)}: rename one of them")
    return list(unique.values())


def _members(group: str) -> list[spec.Spec]:
    """The noises of a group, each without parameters; those of other packages are looked up for `all` alone."""
    candidates = names() if group == "all" else noise_zoo.names()
    return [spec.Spec(name) for name in candidates if group in noise_class(name).groups]


def named(noise: Noise) -> Noise:
    """The noise that rows name: of noisy files that a known noise has made, that noise.

    One that is not here, or is of another version by now, is a recorded noise of that name.
    """
    if not isinstance(noise, Applied):
        return noise
    try:
        found = load_noise(noise.spec)
        return found if version(found) == noise.made_by else Real(f"{noise.spec}, version {noise.made_by}")
    except BadInput:
        return Real(noise.spec)


def noise_name(noise: Noise) -> str:
    """`salt_pepper` of a SaltPepper, the module's name; of noises from outside the entry point's, or `file.py:Name`."""
    noise = named(noise)
    module = type(noise).__module__
    return module.rpartition(".")[2] if module.startswith("noise_zoo.") else registry.origin("noise", type(noise)).name


def version(noise: Noise) -> int:
    """The version of a noise's definition; of one from outside a number made of its source, which an edit changes."""
    noise = named(noise)
    parts = [value for value in _values(noise) if isinstance(value, Noise)]
    if type(noise).__module__.startswith("noise_zoo."):
        outside = [version(part) - part.version for part in parts]
        return noise.version + sum(outside)
    source = registry.origin("noise", type(noise)).source_hash
    return int(stream_key(source, noise.version, *map(version, parts)) % 10**12) if source else noise.version


def is_ours(noise: Noise) -> bool:
    """Whether neither the noise nor any that it is made of is a user's."""
    parts = [value for value in _values(noise) if isinstance(value, Noise)]
    return type(noise).__module__.startswith("noise_zoo.") and all(map(is_ours, parts))


def _values(noise: Noise) -> list[Any]:
    """The values of a noise's fields, those in tuples one by one."""
    values = [getattr(noise, field.name) for field in dataclasses.fields(noise)]
    return [item for value in values for item in (value if isinstance(value, tuple) else (value,))]


def canonical(noise: Noise) -> str:
    """The one text of a noise, `gaussian(sigma=25)`."""
    return spec.format_value(as_spec(named(noise)))


def as_spec(value: Any) -> Any:
    """A noise -> the Spec that makes it, noises among its parameters too; all else as it is."""
    return spec.from_dataclass(noise_name(value), value, as_spec) if isinstance(value, Noise) else value


def level(noise: Noise) -> float | None:
    """The noise's place on its own axis, or None if it has no axis."""
    noise = named(noise)
    value = getattr(noise, noise.axis) if noise.axis else None
    return float(value) if isinstance(value, numbers.Real) else None


def card(noise: Noise) -> dict[str, str]:
    """What a reader wants to know of a noise of this name."""
    noise = named(noise)
    return {"title": noise.title, "formula": noise.formula, "source": noise.source, "axis": noise.axis}


def apply(noise: Noise, clean: np.ndarray, random: np.random.Generator | LegacyGenerator) -> Images:
    """(noisy, clean), float32 (H, W, C). Raises BadInput for whatever a user's noise raises, or does wrong."""
    if noise.needs_colour and clean.shape[-1] == 1:
        raise BadInput(f"noise {canonical(noise)} is for colour images, got a greyscale one: name another noise for it")
    try:
        noisy, target = noise(clean, random)
        noisy, target = (np.asarray(image, np.float32) for image in (noisy, target))
    except (Exception, SystemExit) as error:
        raise BadInput(f"noise {canonical(noise)} failed: {described(error)}") from error
    if noisy.shape != clean.shape or target.shape != clean.shape:
        raise BadInput(f"noise {canonical(noise)} made {noisy.shape} and {target.shape} of an image {clean.shape}")
    if not (np.isfinite(noisy).all() and np.isfinite(target).all()):
        raise BadInput(f"noise {canonical(noise)} made values that are not finite")
    return noisy, target


def for_channels(chosen: list[Noise], channels: int) -> tuple[list[Noise], list[str]]:
    """The noises that images of 1 or 3 channels can have, and a sentence on the others. Raises BadInput for none."""
    kept = [noise for noise in chosen if channels == 3 or not noise.needs_colour]
    skipped = ", ".join(canonical(noise) for noise in chosen if noise not in kept)
    if not kept:
        raise BadInput(f"noise {skipped} is for colour images, got greyscale: name another noise, or colour images")
    return kept, [f"{skipped} skipped: it is for colour images, got greyscale"] if skipped else []


def pixel_hash(image: np.ndarray) -> str:
    """SHA-256 of an image's size and float32 pixels, (H, W, C) in [0, 1]."""
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(np.ascontiguousarray(image, dtype="<f4").tobytes())
    return digest.hexdigest()


def stream_key(*parts: Any) -> int:
    """A 128-bit integer from the text of the parts: the seed of a generator, the key of a mask."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little")


def generator(clean_hash: str, noise: Noise, seed: int) -> np.random.Generator:
    """The random stream of one image under one noise and seed (SFC64: half the time of Philox for normals)."""
    return np.random.Generator(np.random.SFC64(stream_key("noise", clean_hash, canonical(noise), version(noise), seed)))


def mask_key(clean_hash: str, noise: Noise, seed: int) -> int:
    """The key of a randomized network for one image under one noise and seed."""
    return stream_key("network", clean_hash, canonical(noise), version(noise), seed)
