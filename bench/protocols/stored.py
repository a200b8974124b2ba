"""The default: noisy images as they would be stored in 8-bit files."""

from bench.protocols import Protocol

PROTOCOL = Protocol(
    name="stored",
    border=0,
    definition=(
        "The noisy image is clipped to [0, 1] and rounded to 8 bits before the network gets it, as in a PNG file. "
        "The output is clipped and rounded to 8 bits. PSNR over all pixels and channels jointly, SSIM as the "
        "mean over the channels (11x11 Gaussian window, standard deviation 1.5, valid region), without cropping a "
        "border; scores are per image, then averaged."
    ),
    source="MaskBench; noise stored as in the test sets of Chen et al., CVPR 2023",
)
