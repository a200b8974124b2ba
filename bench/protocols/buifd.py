"""The convention of BUIFD (El Helou & Suesstrunk, TIP 2020)."""

from bench.protocols import CLIPPED, Protocol

PROTOCOL = Protocol(
    name="buifd",
    border=0,
    storage=CLIPPED,
    rounds_scores=False,
    definition=(
        "The noisy image is clipped to [0, 1] and not rounded, and so is the output. No border is cropped. The "
        "published noise draws are not known: noise is keyed by image and seed. The published networks take BGR: that "
        "is a matter of their weights."
    ),
    source="El Helou & Suesstrunk, BUIFD, TIP 2020, published test script",
)
