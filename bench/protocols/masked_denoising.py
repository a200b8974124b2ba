"""The convention of the published test script of masked image training."""

from bench.protocols import Protocol

PROTOCOL = Protocol(
    name="masked-denoising",
    border=1,
    definition=(
        "Noise is clipped and rounded to 8 bits. A border of one pixel is cropped before PSNR and SSIM, and none "
        "before LPIPS, which gets RGB (the published script gives it BGR: that is masked-denoising-bgr)."
    ),
    source="Chen et al., CVPR 2023, published test script",
)
