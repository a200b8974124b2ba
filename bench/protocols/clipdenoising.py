"""The convention of CLIPDenoising (Cheng et al., CVPR 2024), for reproducing its published numbers."""

from bench.protocols import CLIPPED, UNCLIPPED, Protocol

PROTOCOL = Protocol(
    name="clipdenoising",
    border=0,
    storage=UNCLIPPED,
    storage_of={"poisson": CLIPPED},
    rounds_scores=False,
    pad_to=32,
    legacy_seed=0,
    definition=(
        "Noise is added in floating point: poisson is clipped to [0, 1], all other noise is not. It is drawn from a "
        "new NumPy RandomState(0) for every image (height x width x channels). Images are extended by reflection at "
        "the bottom and right to multiples of 32 pixels, and outputs cropped, clipped to [0, 1] and not rounded. No "
        "border is cropped."
    ),
    source="Cheng et al., CLIPDenoising, CVPR 2024, published test script",
)
