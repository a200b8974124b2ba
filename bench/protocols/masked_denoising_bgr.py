"""The convention of the published test script of masked image training, including its LPIPS on BGR."""

from bench.protocols import Protocol

PROTOCOL = Protocol(
    name="masked-denoising-bgr",
    border=1,
    lpips_order="BGR",
    definition=(
        "As masked-denoising, but LPIPS gets BGR as in the published script: only for comparison with its LPIPS, "
        "which is not the LPIPS of other papers."
    ),
    source="Chen et al., CVPR 2023, published test script",
)
