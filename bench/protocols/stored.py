"""The default: images and noise as they are stored in 8-bit files."""

from bench.protocols import Protocol

PROTOCOL = Protocol(
    name="stored",
    store_noise=True,
    border=0,
    definition=(
        "The noisy image is clipped to [0, 1] and rounded to 8 bits before the network sees it, as in a PNG file. "
        "The output is clipped and rounded to 8 bits. PSNR over all pixels and channels jointly, SSIM as the "
        "mean over the channels (11x11 Gaussian window, deviation 1.5, valid region), no border left out; "
        "each score is per image, then averaged."
    ),
    source="MaskBench; noise stored as in the test sets of Chen et al., CVPR 2023",
)
