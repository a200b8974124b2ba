"""What every noise is: an immutable set of parameters that can be called on an image."""

import abc
import math
import numbers
from typing import ClassVar

import numpy as np


class Noise(abc.ABC):
    """Maps a clean image and a generator to (noisy, clean), both float32 (H, W, C), clean in [0, 1].

    A subclass is a `@dataclass(frozen=True)` in a file of its own, named after it. Its first field is its
    level, without a default; options follow. Defaults never change, because keys leave them out. What given
    parameters draw never changes either: a new definition or a new stream is a new `version`.
    """

    version: ClassVar[int] = 1
    axis: ClassVar[str] = ""  # the field that is the level; empty where the noise has none
    levels: ClassVar[tuple] = ()  # the levels that a sweep visits
    title: ClassVar[str]  # for people
    formula: ClassVar[str]  # one line, y the noisy and x the clean image
    source: ClassVar[str]  # who defined it

    @abc.abstractmethod
    def __call__(self, clean, rng):
        """Return (noisy, clean), float32, noisy unclipped, for a clean float image (H, W, C) in [0, 1].

        The clean image returned is the one to compare with; it may differ from the one given, where a noise
        processes the image anew. The input is never modified; the result depends on it and on `rng` alone: a
        `numpy.random.Generator`, or a `LegacyGenerator` to repeat published numbers.
        """

    def check_number(self, field, low=0.0, high=math.inf):
        """Make the field a float, 25.0 for 25; raise ValueError unless it is finite and in [low, high]."""
        value = getattr(self, field)
        is_number = isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)
        if not (is_number and math.isfinite(value) and low <= value <= high):
            bounds = f"from {low:g} up" if high == math.inf else f"from {low:g} to {high:g}"
            raise ValueError(f"{type(self).__name__}: {field} is {value!r}, wanted a finite number {bounds}")
        object.__setattr__(self, field, float(value) + 0.0)  # + 0.0 makes -0.0 the same as 0.0

    def check_choice(self, field, choices):
        """Raise ValueError unless the field is one of the choices."""
        value = getattr(self, field)
        if value not in choices:
            wanted = " or ".join(repr(choice) for choice in choices)
            raise ValueError(f"{type(self).__name__}: {field} is {value!r}, wanted {wanted}")


def as_image(clean):
    """Return the image as float32 (H, W, C), not copied where it is that already, or raise ValueError."""
    clean = np.asarray(clean)
    if clean.ndim != 3 or clean.dtype.kind != "f" or clean.size == 0:
        raise ValueError(f"clean is {clean.dtype} {clean.shape}, wanted floats in [0, 1] of shape (H, W, C)")
    return clean.astype(np.float32, copy=False)
