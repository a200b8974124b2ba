"""Composition of noises."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from noise_zoo.noise import Images, Noise, Random


@dataclass(frozen=True, init=False)
class Chain(Noise):
    """Applies two or more noises to (H, W, C) in [0, 1] in this order, without clipping in between.

    A chain inside a chain is flattened. A noise that changes the clean image (isp) must be the first: later, it would
    put the noise before it into the ground truth.

    Source: user-defined mixtures in the sense of Chen et al., CVPR 2023.
    """

    groups: ClassVar[tuple[str, ...]] = ()
    title: ClassVar[str] = "Chain"
    formula: ClassVar[str] = "y = nₖ(… n₂(n₁(x))), nᵢ the i-th noise"
    source: ClassVar[str] = "user-defined composition"

    parts: tuple[Noise, ...]

    def __init__(self, *parts: Noise) -> None:
        flat = tuple(link for part in parts for link in (part.parts if isinstance(part, Chain) else (part,)))
        others = [part for part in flat if not isinstance(part, Noise)]
        if others:
            raise ValueError(f"Chain: expected noises such as gaussian(sigma=10), got {others[0]!r}")
        if len(flat) < 2:
            raise ValueError(f"Chain: expected at least two noises, got {len(flat)}")
        late = [part for part in flat[1:] if not part.keeps_clean]
        if late:
            raise ValueError(f"Chain: {late[0]} changes the clean image: put it first")
        object.__setattr__(self, "parts", flat)

    @property
    def version(self) -> int:  # type: ignore[override]
        """Increases with the version of any part."""
        return 1 + sum(part.version - 1 for part in self.parts)

    @property
    def random(self) -> bool:  # type: ignore[override]
        return any(part.random for part in self.parts)

    @property
    def keeps_clean(self) -> bool:  # type: ignore[override]
        return self.parts[0].keeps_clean

    @property
    def needs_colour(self) -> bool:  # type: ignore[override]
        return any(part.needs_colour for part in self.parts)

    def __call__(self, clean: np.ndarray, rng: Random) -> Images:
        noisy, target = self.parts[0](clean, rng)
        for part in self.parts[1:]:
            noisy, _ = part(noisy, rng)
        return noisy, target
