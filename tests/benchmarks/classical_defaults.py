"""Choose the defaults of the classical methods: grids on Gaussian 15, and on nothing else, as networks are trained.

    python -m tests.benchmarks.classical_defaults FOLDER_OF_BSDS400     (3 minutes of one core)

Images are 256x256 centre crops of the 20 that `bench train` holds out of the folder, noise is stored in 8 bits, the
noise level is estimated. Prints the mean PSNR of every setting; each grid has 30. Expected to be best:

    nlm      30.61  patch_size=3, patch_distance=6, h=0.5 noise levels
    tv       29.50  weight=0.6 noise levels
    wavelet  30.72  sym8, 4 levels, BayesShrink
"""

import sys
from itertools import product
from pathlib import Path

import numpy as np
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle, denoise_wavelet

from baselines.layers.classical import noise_level
from bench import datasets
from bench.metrics import psnr
from bench.noise import noises
from bench.noise.picture import noisy_version
from bench.protocols import to_bytes
from bench.training.train import HELD_OUT


def held_out(folder: Path) -> list[np.ndarray]:
    """The images that `bench train` keeps for choices: uint8 (256, 256, 3)."""
    images = datasets.load_dataset(folder).images
    chosen = images[:: max(5, len(images) // HELD_OUT)]
    return [datasets.centre_crop(np.rint(image.read() * 255).astype(np.uint8), 256, image.name) for image in chosen]


def nlm(patch_size, patch_distance, factor):
    return lambda x, s: denoise_nl_means(x, patch_size, patch_distance, factor * s, sigma=s, channel_axis=-1)


def tv(factor):
    return lambda x, s: denoise_tv_chambolle(x, factor * s, channel_axis=-1)


def wavelet(name, levels, method, colours=True):
    return lambda x, s: denoise_wavelet(x, s, name, "soft", levels, colours, method, channel_axis=-1)


GRIDS = {
    nlm: product((3, 5, 7), (6, 11), (0.4, 0.5, 0.6, 0.7, 0.8)),
    tv: [(factor / 20,) for factor in range(4, 34)],
    wavelet: [
        *product(("db1", "db2", "sym4", "sym8", "coif2"), (2, 3, 4), ("BayesShrink", "VisuShrink")),
        ("db1", None, "BayesShrink", False),
    ],  # the last is the library's own
}


def main(folder: Path) -> None:
    noise = noises.load_noise("gaussian(sigma=15)")
    pairs = []
    for pixels in held_out(folder):
        found = noisy_version(pixels, noise)
        given, clean = found.stored, found.target
        pairs.append((given / 255, clean, noise_level(given / 255)))
    for method, grid in GRIDS.items():
        for setting in grid:
            denoise = method(*setting)
            mean = np.mean([psnr.score(to_bytes(denoise(given, level)), clean) for given, clean, level in pairs])
            print(f"{method.__name__:8}{mean:.3f}  {setting}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
