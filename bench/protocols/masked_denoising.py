"""The convention of the published test script of masked image training."""

from bench.protocols import Protocol

PROTOCOL = Protocol(
    name="masked-denoising",
    store_noise=True,
    border=1,
    lpips_order="BGR",
    words=(
        "Noise is clipped and rounded to 8 bits. One pixel is left out at each side before PSNR and SSIM; LPIPS, "
        "where it is measured, is fed BGR, as the published script does."
    ),
    source="Chen et al., CVPR 2023, published test script",
)
