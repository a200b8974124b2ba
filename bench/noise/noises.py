"""Noises by spec, and the random streams that they draw from.

The noise of an image depends only on the clean pixels, the canonical spec and version of the noise, and the seed: not
on order, batch, worker or machine.
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import numbers
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from typing import Any, TypeAlias

import numpy as np

import noise_zoo
from bench import registry, spec
from bench.core import isolation
from bench.core.errors import BadInput, described, unknown
from bench.protocols import Protocol
from noise_zoo.legacy import LegacyGenerator
from noise_zoo.noise import Noise
from noise_zoo.real import Real
from noise_zoo.recorded import Applied

Images = tuple[np.ndarray, np.ndarray]
GivenNoises: TypeAlias = "str | Noise | Iterable[GivenNoises]"  # specs and noises
REFERENCE = "gaussian(sigma=15)"  # default reference noise, and the training noise of the shipped networks


def names() -> list[str]:
    """Return the names of all noises, those of installed plugins included."""
    return sorted({*noise_zoo.names(), *registry.entry_points("noise")})


def groups() -> list[str]:
    """Return the names of the groups of noises."""
    return sorted({group for name in noise_zoo.names() for group in noise_class(name).groups})


def noise_class(name: str) -> type[Noise]:
    """Return the class of a noise by name. Raises BadInput for an unknown name or a class that is not a noise."""
    if name in noise_zoo.names():
        return getattr(noise_zoo, noise_zoo.class_name(name))
    found = registry.user_defined("noise", name)
    if found is None:
        raise unknown("noise", name, names())
    problem = _problem(found)
    if problem:
        raise BadInput(f"noise {name!r}: {problem}")
    return isolation.guarded_class(found, isolation.call_context(found))


def _problem(found: Any) -> str:
    """Return why a user-defined object is not a noise, or ''."""
    if not isinstance(found, type) or not issubclass(found, Noise):
        kind = f"the class {found.__name__}" if isinstance(found, type) else f"an object of type {type(found).__name__}"
        return f"expected a subclass of noise_zoo.noise.Noise, got {kind}: see CONTRIBUTING.md"
    if inspect.isabstract(found):
        return "expected a method __call__(self, clean, rng) that returns (noisy, clean), got none"
    if not dataclasses.is_dataclass(found) or not found.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        return "expected a frozen dataclass, got another class: write @dataclass(frozen=True) above it"
    fields = [field.name for field in dataclasses.fields(found)]
    if found.axis and found.axis not in fields:
        return f"axis: expected one of its fields ({', '.join(fields) or 'it has none'}), got {found.axis!r}"
    return ""


def load_noise(text: str | spec.Spec) -> Noise:
    """Load a noise by spec, `load_noise("gaussian(sigma=25)")`: a frozen dataclass, (clean, rng) -> (noisy, clean).

    Raises BadInput for an unknown noise, and for a spec without its level, with the levels of the literature.
    """
    parsed = spec.parse(text) if isinstance(text, str) else text
    swept = _sweep(parsed)
    if swept:
        listed = ", ".join(map(spec.format_value, swept))
        axis = noise_class(parsed.name).axis
        raise BadInput(
            f"noise {parsed.name}: expected a value for {axis}, got none: levels of the literature are {listed}"
        )
    return spec.build(noise_class(parsed.name), _nested(parsed), "noise")


def _nested(parsed: spec.Spec) -> spec.Spec:
    """Replace the specs of noises among the parameters by the noises."""

    def loaded(value: Any) -> Any:
        if isinstance(value, spec.Spec) and value.bare and value.name not in names() and ":" not in value.name:
            raise BadInput(f"{parsed.name}: expected a noise or a value, got {value.name}: put text in quotes")
        return load_noise(value) if isinstance(value, spec.Spec) else value

    kwargs = tuple((key, loaded(value)) for key, value in parsed.kwargs)
    return spec.Spec(parsed.name, tuple(map(loaded, parsed.args)), kwargs)


def _sweep(parsed: spec.Spec) -> list[spec.Spec]:
    """Return a spec without a level at each level of the literature; [] for a spec with one."""
    cls = noise_class(parsed.name)
    if parsed.args or cls.axis in dict(parsed.kwargs):
        return []
    return [spec.Spec(parsed.name, (), ((cls.axis, level), *parsed.kwargs)) for level in cls.levels]


def expand(given: GivenNoises) -> list[Noise]:
    """Return the noises of a list of specs; a noise without a level gives all its levels, a group all its noises.

    From Python the list may have noises among its specs. Raises BadInput.
    """
    singles: list[spec.Spec | Noise] = []
    for part in _parts(given):
        if isinstance(part, Noise):
            singles.append(from_object(part))
            continue
        group = part.bare and part.name not in names() and part.name in groups()
        if not group and part.name not in names() and ":" not in part.name:
            raise unknown("noise", part.name, [*names(), *groups()])
        members = _members(part.name) if group else [part]
        singles += [single for member in members for single in _sweep(member) or [member]]
    if not singles:
        raise BadInput(
            "expected a noise, got an empty list: use e.g. --noise 'gaussian(sigma=25)', --noise mixture or --noise all"
        )
    unique: dict[str, Noise] = {}
    for noise in (one if isinstance(one, Noise) else load_noise(one) for one in singles):
        first = unique.setdefault(canonical(noise), noise)
        if version(first) != version(noise):
            raise BadInput(f"expected one file per noise, got two of {canonical(noise)}: rename one of them")
    return list(unique.values())


def _parts(given: GivenNoises) -> Iterator[spec.Spec | Noise]:
    """Yield the specs and noises of a list."""
    if isinstance(given, str):
        yield from map(spec.parse, spec.split(given))
    elif isinstance(given, Noise):
        yield given
    elif isinstance(given, Iterable):
        for item in given:
            yield from _parts(item)
    else:
        raise BadInput(f"expected the spec of a noise or a noise, got an object of type {type(given).__name__}")


def from_object(noise: Noise) -> Noise:
    """Return a noise that was made in Python, after a check of its class. Raises BadInput.

    Pixels depend on the version of a noise, which a user-defined class has from its source: it must have one.
    """
    parts = [value for value in values_of(noise) if isinstance(value, Noise)]
    for part in parts:
        from_object(part)
    cls = type(noise)
    if cls.__module__.startswith("noise_zoo."):
        return noise
    if problem := _problem(cls):
        raise BadInput(f"noise {cls.__name__}: {problem}")
    if not registry.origin("noise", cls).source_hash:
        raise BadInput(
            f"noise {cls.__name__}: expected a class whose source can be identified, got one that was typed "
            "in, changed after its import, or uses code of a notebook: put it into a file and start Python "
            "again"
        )
    isolation.guarded_class(cls, isolation.call_context(cls))
    return noise


def _members(group: str) -> list[spec.Spec]:
    """Return the noises of a group without parameters; those of plugins are only part of `all`."""
    candidates = names() if group == "all" else noise_zoo.names()
    return [spec.Spec(name) for name in candidates if group in noise_class(name).groups]


def named(noise: Noise) -> Noise:
    """Return the noise that rows name: for noisy files of `bench noise apply` the noise that made them.

    If that noise is not installed, or only in another version, it is a recorded noise of that name.
    """
    if not isinstance(noise, Applied):
        return noise
    try:
        found = load_noise(noise.spec)
        return found if version(found) == noise.made_by else Real(f"{noise.spec}, version {noise.made_by}")
    except BadInput:
        return Real(noise.spec)


def noise_name(noise: Noise) -> str:
    """Return the name in specs: the module of a noise of the zoo, else the entry point or `file.py:Name`."""
    noise = named(noise)
    module = type(noise).__module__
    return module.rpartition(".")[2] if module.startswith("noise_zoo.") else registry.origin("noise", type(noise)).name


def version(noise: Noise) -> int:
    """Return the version of a noise's definition; of a user-defined noise a hash of its source, which edits change."""
    noise = named(noise)
    parts = [value for value in values_of(noise) if isinstance(value, Noise)]
    if type(noise).__module__.startswith("noise_zoo."):
        nested = [version(part) - part.version for part in parts]
        return noise.version + sum(nested)
    source = registry.origin("noise", type(noise)).source_hash
    return int(stream_key(source, noise.version, *map(version, parts)) % 10**12) if source else noise.version


def is_ours(noise: Noise) -> bool:
    """Whether a noise and all its parts belong to the zoo, and none is user-defined."""
    parts = [value for value in values_of(noise) if isinstance(value, Noise)]
    return type(noise).__module__.startswith("noise_zoo.") and all(map(is_ours, parts))


def values_of(noise: Noise) -> list[Any]:
    """Return the values of a noise's fields, with tuples flattened."""
    values = [getattr(noise, field.name) for field in dataclasses.fields(noise)]
    return [item for value in values for item in (value if isinstance(value, tuple) else (value,))]


def canonical(noise: Noise) -> str:
    """Return the canonical spec of a noise, `gaussian(sigma=25)`."""
    return spec.format_value(as_spec(named(noise)))


def as_spec(value: Any) -> Any:
    """Return the Spec of a noise, nested ones included; other values are returned as they are."""
    return spec.from_dataclass(noise_name(value), value, as_spec) if isinstance(value, Noise) else value


def level(noise: Noise) -> float | None:
    """Return the level of a noise on its axis, or None without an axis."""
    noise = named(noise)
    value = getattr(noise, noise.axis) if noise.axis else None
    return float(value) if isinstance(value, numbers.Real) else None


def card(noise: Noise) -> dict[str, str]:
    """Return title, formula, source and axis of a noise for reports."""
    noise = named(noise)
    return {"title": noise.title, "formula": noise.formula, "source": noise.source, "axis": noise.axis}


def apply(noise: Noise, clean: np.ndarray, random: np.random.Generator | LegacyGenerator) -> Images:
    """Draw a noise on a clean image, float32 (H, W, C) in [0, 1]; return (noisy, clean), not clipped.

    Raises BadInput if the noise raises an error or returns other shapes or values that are not finite.
    """
    if noise.needs_colour and clean.shape[-1] == 1:
        raise BadInput(f"noise {canonical(noise)}: expected a colour image, got a greyscale one: choose another noise")
    try:
        noisy, target = noise(clean, random)
        noisy, target = (np.asarray(image, np.float32) for image in (noisy, target))
    except Exception as error:
        raise BadInput(f"noise {canonical(noise)} failed: {described(error)}") from error
    if noisy.shape != clean.shape or target.shape != clean.shape:
        raise BadInput(
            f"noise {canonical(noise)}: expected two images {clean.shape}, got {noisy.shape} and {target.shape}"
        )
    if not (np.isfinite(noisy).all() and np.isfinite(target).all()):
        raise BadInput(f"noise {canonical(noise)}: expected finite values, got NaN or infinity")
    return noisy, target


def standard_deviation(noise: Noise, clean: np.ndarray) -> np.ndarray:
    """Return the standard deviation of a noise on a clean image, both float32 (H, W, C), before clipping and rounding.

    Raises BadInput for a noise without one, or that returns something else.
    """
    if not noise.has_standard_deviation:
        raise BadInput(
            f"level='true': expected a noise with a known standard deviation, got {canonical(noise)}: write "
            "level='estimated' or a number"
        )
    try:
        with nullcontext() if is_ours(noise) else isolation.in_scope_of(type(noise)):
            found = np.array(np.broadcast_to(noise.standard_deviation(clean), clean.shape), np.float32)
    except Exception as error:  # of a user-defined noise
        raise BadInput(f"noise {canonical(noise)}: standard_deviation failed: {described(error)}") from error
    if not (np.isfinite(found).all() and (found >= 0).all()):
        raise BadInput(f"noise {canonical(noise)}: standard_deviation: expected finite values from 0, got others")
    return found


def for_channels(chosen: list[Noise], channels: int) -> tuple[list[Noise], list[str]]:
    """Return the noises for images of 1 or 3 channels, and a note on the skipped. Raises BadInput if none is left."""
    kept = [noise for noise in chosen if channels == 3 or not noise.needs_colour]
    skipped = ", ".join(canonical(noise) for noise in chosen if noise not in kept)
    if not kept:
        raise BadInput(f"noise {skipped}: expected colour images, got greyscale: choose another noise or colour images")
    return kept, [f"{skipped} skipped: expected colour images, got greyscale"] if skipped else []


def pixel_hash(image: np.ndarray) -> str:
    """Return the SHA-256 of an image's shape and float32 pixels, (H, W, C) in [0, 1]."""
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(np.ascontiguousarray(image, dtype="<f4").tobytes())
    return digest.hexdigest()


def stream_key(*parts: Any) -> int:
    """Hash parts to a 128-bit integer: the seed of a generator or the key of a mask."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little")


def draw(noise: Noise, clean: np.ndarray, seed: int, protocol: Protocol, image_hash: str = "") -> Images:
    """Draw a noise on a clean image, float32 (H, W, C) in [0, 1] -> (noisy, target), not clipped: the pixels of a run.

    Random numbers are keyed by the image's pixels (their `image_hash`, if known), the noise and the seed, unless the
    protocol starts a legacy generator for every image. Raises BadInput if a user-defined noise fails.
    """
    if protocol.legacy_seed is not None:
        return apply(noise, clean, LegacyGenerator(protocol.legacy_seed + seed))
    return apply(noise, clean, generator(image_hash or pixel_hash(clean), noise, seed))


def network_input(noise: Noise, clean: np.ndarray, seed: int, protocol: Protocol, image_hash: str = "") -> Images:
    """`draw`, and the noisy image as the protocol gives it to networks: (input, target), float32 (H, W, C)."""
    noisy, target = draw(noise, clean, seed, protocol, image_hash)
    return protocol.noisy_input(noisy), target


def generator(clean_hash: str, noise: Noise, seed: int) -> np.random.Generator:
    """Return the generator for an image, a noise and a seed (SFC64: normals in half the time of Philox)."""
    return np.random.Generator(np.random.SFC64(stream_key("noise", clean_hash, canonical(noise), version(noise), seed)))


def mask_key(clean_hash: str, noise: Noise, seed: int) -> int:
    """Return the key of a randomized network for an image, a noise and a seed."""
    return stream_key("network", clean_hash, canonical(noise), version(noise), seed)
