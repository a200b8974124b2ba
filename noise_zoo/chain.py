"""Noises one after the other: mixtures of your own."""

from dataclasses import dataclass
from typing import ClassVar

from noise_zoo.noise import Noise


@dataclass(frozen=True, init=False)
class Chain(Noise):
    """Applies two or more noises to (H, W, C) in [0, 1] in this order, from one stream, clipping nothing in between.

    A chain in a chain is the longer chain. A noise that makes a clean image of its own (isp) has to come first, since
    a later one would carry the noise before it into what counts as clean.

    Source: the composition of noises of Chen et al., CVPR 2023, left to the user.
    """

    groups: ClassVar[tuple] = ()
    title: ClassVar[str] = "Chain"
    formula: ClassVar[str] = "y = nₖ(… n₂(n₁(x))), nᵢ the i-th noise"
    source: ClassVar[str] = "your own composition"

    parts: tuple[Noise, ...]

    def __init__(self, *parts):
        flat = tuple(link for part in parts for link in (part.parts if isinstance(part, Chain) else (part,)))
        strangers = [part for part in flat if not isinstance(part, Noise)]
        if strangers:
            raise ValueError(f"Chain: {strangers[0]!r} came, wanted noises such as gaussian(sigma=10)")
        if len(flat) < 2:
            raise ValueError(f"Chain: {len(flat)} noises came, wanted two or more")
        late = [part for part in flat[1:] if not part.keeps_clean]
        if late:
            raise ValueError(f"Chain: {late[0]} makes a clean image of its own, so it has to come first")
        object.__setattr__(self, "parts", flat)

    @property
    def version(self):
        """Grows whenever the version of a part does."""
        return 1 + sum(part.version - 1 for part in self.parts)

    @property
    def random(self):
        return any(part.random for part in self.parts)

    @property
    def keeps_clean(self):
        return self.parts[0].keeps_clean

    @property
    def needs_colour(self):
        return any(part.needs_colour for part in self.parts)

    def __call__(self, clean, rng):
        noisy, target = self.parts[0](clean, rng)
        for part in self.parts[1:]:
            noisy, _ = part(noisy, rng)
        return noisy, target
