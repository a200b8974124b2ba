"""The convention of KAIR, SwinIR and Restormer, for reproducing published numbers."""

from bench.protocols import UNCLIPPED, Protocol

PROTOCOL = Protocol(
    name="float",
    storage=UNCLIPPED,
    border=0,
    legacy_seed=0,
    definition=(
        "Noise is added in floating point and neither clipped nor rounded. It is drawn from a new NumPy "
        "RandomState(0) for every image (height x width x channels), so that images of equal size share one noise "
        "field, as in the published code. Output and noisy image are scored in 8 bits, over all channels, without "
        "cropping a border."
    ),
    source="KAIR, SwinIR, Restormer",
)
