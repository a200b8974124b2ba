"""The convention of bias-free CNNs (Mohan et al., ICLR 2020)."""

from bench.protocols import UNCLIPPED, Protocol

PROTOCOL = Protocol(
    name="bfcnn",
    border=0,
    storage=UNCLIPPED,
    rounds_scores=False,
    definition=(
        "Noise is added in floating point and neither clipped nor rounded. Output and noisy image are clipped to "
        "[0, 1] for their scores, and not rounded. No border is cropped. The published noise draws are not known: "
        "noise is keyed by image and seed."
    ),
    source="Mohan et al., bias-free CNNs, ICLR 2020, published evaluation",
)
