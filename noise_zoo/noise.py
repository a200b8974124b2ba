"""Base class of noises: immutable parameters and a call on an image."""

import abc
import dataclasses
import numbers
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from noise_zoo.legacy import LegacyGenerator

Images = tuple[np.ndarray, np.ndarray]  # (noisy, clean)
Random = np.random.Generator | LegacyGenerator


class Noise(abc.ABC):
    """Maps a clean image and a generator to (noisy, clean), both float32 (H, W, C), clean in [0, 1].

    A subclass is a `@dataclass(frozen=True)` in a file of the same name. Its first field is its level, without a
    default; options with defaults follow. Defaults never change, because row keys omit them. The samples drawn with
    given parameters never change either: a new definition or a new random stream is a new `version`.
    """

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]  # of a subclass, which is a dataclass
    version: ClassVar[int] = 1
    axis: ClassVar[str] = ""  # the field that is the level; empty if the noise has no level
    levels: ClassVar[tuple[float, ...]] = ()  # the levels of a sweep
    groups: ClassVar[tuple[str, ...]] = ("all",)  # group names that include this noise
    random: ClassVar[bool] = True  # whether it draws from `rng`
    keeps_clean: ClassVar[bool] = True  # whether it returns the clean image unchanged
    needs_colour: ClassVar[bool] = False  # whether it is undefined for greyscale images, (H, W, 1)
    recorded: ClassVar[bool] = False  # whether it exists in pairs of images only (recorded.py)
    title: ClassVar[str] = ""  # display name
    formula: ClassVar[str] = ""  # one line, y the noisy and x the clean image
    source: ClassVar[str] = ""  # reference

    @abc.abstractmethod
    def __call__(self, clean: np.ndarray, rng: Random) -> Images:
        """Return (noisy, clean), float32, noisy unclipped, for a clean float image (H, W, C) in [0, 1].

        The returned clean image is the ground truth for scores; it differs from the input if the noise processes
        the image (isp). The input is never modified. The result depends on the input and on `rng` only: a
        `numpy.random.Generator`, or a `LegacyGenerator` to reproduce published numbers.
        """

    def standard_deviation(self, clean: np.ndarray) -> np.ndarray:
        """Return the standard deviation of noisy - clean over draws, float32 (H, W, C), for (H, W, C) in [0, 1].

        It is that of the noise as drawn, before a protocol clips and rounds the noisy image. Raises ValueError for a
        noise without one: no random noise, a level that is drawn for each image, or recorded pairs. A subclass that has
        one overrides this.
        """
        raise ValueError(f"{type(self).__name__}: expected a noise with a known standard deviation, got one without")

    @property
    def has_standard_deviation(self) -> bool:
        """Whether `standard_deviation` is defined."""
        return type(self).standard_deviation is not Noise.standard_deviation

    def check_number(self, field: str, low: float = 0.0, high: float = 1e6) -> None:
        """Convert the field to float; raise ValueError unless it is a number in [low, high]."""
        value = getattr(self, field)
        is_number = isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)
        if not (is_number and low <= value <= high):
            raise ValueError(
                f"{type(self).__name__}: {field}: expected a number from {low:g} to {high:,.10g}, "
                f"got {shortened(value)}"
            )
        object.__setattr__(self, field, float(value) + 0.0)  # + 0.0 turns -0.0 into 0.0

    def check_integer(self, field: str, low: int, high: int) -> None:
        """Convert the field to int; raise ValueError unless it is an integer (3.0 is one) in [low, high]."""
        value = getattr(self, field)
        is_number = isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)
        if not (is_number and low <= value <= high and value == int(value)):
            raise ValueError(
                f"{type(self).__name__}: {field}: expected an integer from {low} to {high}, got {shortened(value)}"
            )
        object.__setattr__(self, field, int(value))

    def check_choice(self, field: str, choices: Sequence[Any]) -> None:
        """Raise ValueError unless the field is one of the choices."""
        value = getattr(self, field)
        if value not in choices:
            expected = " or ".join(repr(choice) for choice in choices)
            raise ValueError(f"{type(self).__name__}: {field}: expected {expected}, got {shortened(value)}")


def constant(clean: np.ndarray, value: float) -> np.ndarray:
    """Return an image of one value, float32, of the shape of `clean` (H, W, C)."""
    return np.full(as_image(clean).shape, value, np.float32)


def shortened(value: object) -> str:
    """Return repr(value), shortened in the middle if it is long."""
    if isinstance(value, int) and value.bit_length() > 200:  # Python refuses to print huge integers, or is slow
        return f"an integer of {value.bit_length()} bits"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:40]}...{text[-10:]}"


def as_image(clean: np.ndarray) -> np.ndarray:
    """Return the image as float32 (H, W, C), not copied if it is float32; raise ValueError for anything else."""
    clean = np.asarray(clean)
    if clean.ndim != 3 or clean.dtype.kind != "f" or clean.size == 0:
        raise ValueError(f"clean: expected floats in [0, 1] of shape (H, W, C), got {clean.dtype} {clean.shape}")
    return clean.astype(np.float32, copy=False)
