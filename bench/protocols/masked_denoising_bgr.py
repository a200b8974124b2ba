"""The convention of the published test script of masked image training, its LPIPS too."""

from bench.protocols import Protocol

PROTOCOL = Protocol(
    name="masked-denoising-bgr",
    store_noise=True,
    border=1,
    lpips_order="BGR",
    definition=(
        "As masked-denoising, and LPIPS is fed BGR as the published script does: for comparing with its LPIPS alone, "
        "which is not the LPIPS of other papers."
    ),
    source="Chen et al., CVPR 2023, published test script",
)
