"""What every noise is: an immutable set of parameters that can be called on an image."""

import abc
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
    groups: ClassVar[tuple] = ("all",)  # names that sweep this noise with others
    random: ClassVar[bool] = True  # whether it draws from `rng` at all
    keeps_clean: ClassVar[bool] = True  # whether the clean image returned is the one that was given
    needs_colour: ClassVar[bool] = False  # whether it says nothing of greyscale images, (H, W, 1)
    recorded: ClassVar[bool] = False  # whether it lies in pairs of images and cannot be drawn (recorded.py)
    title: ClassVar[str] = ""  # for people
    formula: ClassVar[str] = ""  # one line, y the noisy and x the clean image
    source: ClassVar[str] = ""  # who defined it

    @abc.abstractmethod
    def __call__(self, clean, rng):
        """Return (noisy, clean), float32, noisy unclipped, for a clean float image (H, W, C) in [0, 1].

        The clean image returned is the one to compare with; it may differ from the one given, where a noise
        processes the image anew. The input is never modified; the result depends on it and on `rng` alone: a
        `numpy.random.Generator`, or a `LegacyGenerator` to repeat published numbers.
        """

    def check_number(self, field, low=0.0, high=1e6):
        """Make the field a float, 25.0 for 25; raise ValueError unless it is a number in [low, high]."""
        value = getattr(self, field)
        is_number = isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)
        if not (is_number and low <= value <= high):
            raise ValueError(
                f"{type(self).__name__}: {field} is {shortened(value)}, wanted a number from {low:g} to {high:,.10g}"
            )
        object.__setattr__(self, field, float(value) + 0.0)  # + 0.0 makes -0.0 the same as 0.0

    def check_integer(self, field, low, high):
        """Make the field an int, 3 for 3.0; raise ValueError unless it is a whole number in [low, high]."""
        value = getattr(self, field)
        is_number = isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)
        if not (is_number and low <= value <= high and value == int(value)):
            raise ValueError(
                f"{type(self).__name__}: {field} is {shortened(value)}, wanted a whole number from {low} to {high}"
            )
        object.__setattr__(self, field, int(value))

    def check_choice(self, field, choices):
        """Raise ValueError unless the field is one of the choices."""
        value = getattr(self, field)
        if value not in choices:
            wanted = " or ".join(repr(choice) for choice in choices)
            raise ValueError(f"{type(self).__name__}: {field} is {shortened(value)}, wanted {wanted}")


def shortened(value):
    """Return a value as it is written, its middle left out where that is long."""
    if isinstance(value, int) and value.bit_length() > 200:  # text of huge integers is slow, or refused by Python
        return f"an integer of {value.bit_length()} bits"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:40]}...{text[-10:]}"


def as_image(clean):
    """Return the image as float32 (H, W, C), not copied where it is that already, or raise ValueError."""
    clean = np.asarray(clean)
    if clean.ndim != 3 or clean.dtype.kind != "f" or clean.size == 0:
        raise ValueError(f"clean is {clean.dtype} {clean.shape}, wanted floats in [0, 1] of shape (H, W, C)")
    return clean.astype(np.float32, copy=False)
