"""What `bench noise identify` makes of sets that `bench noise apply` wrote: specs found and levels, one line per noise.

    python -m tests.benchmarks.identify [--noise paper] [--datasets builtin,made,CBSD68] [--limit 20]

Each line has the noise, the spec found, the share of samples that its law explains, the error of the level, and by
how much mean and standard deviation differ, in eight classes of brightness, where the spec found is drawn again.
`made` is a smooth picture, a dark one and one of grain. A data set that is not on this machine is skipped.
"""

import argparse
from collections import Counter

import numpy as np

from bench import datasets
from bench.core.errors import BadInput
from bench.noise import noises
from bench.noise.identification_report import parts
from bench.protocols import to_bytes
from noise_zoo.identification import identify


def pixels_of(name, limit):
    """The images of a data set, uint8 (H, W, 3)."""
    images = datasets.load_dataset(name).images[:limit]
    return [np.rint(image.read() * 255).astype(np.uint8) for image in images]


def pair(pixels, noise, seed):
    """(noisy, clean) as `bench noise apply` stores them."""
    clean = pixels.astype(np.float32) / 255
    noisy, target = noises.apply(noise, clean, noises.generator(noises.pixel_hash(clean), noise, seed))
    return to_bytes(noisy), to_bytes(target)


def line(noise, images, seed):
    """Identify one noise; print what came out, and return (its name, the name found)."""
    found = identify(pair(pixels, noise, seed) for pixels in images)
    name = noises.noise_name(noise)
    found_as = noises.canonical(found.noise) if found.noise else "(described)"
    if found.noise:
        noises.load_noise(found_as)  # it can be run
        level = f"{away(noise, found.noise)}  {agreement(noise, found.noise, images, seed)}"
    else:
        level = found.problem or ", ".join(
            f"{kind} {level.value:.3g} ± {level.error:.2g}" for kind, level in parts(found)
        )
    print(f"{noises.canonical(noise):<52}{found_as:<60}{found.explained:>8.2%}  {level}", flush=True)
    return name, found.name or "(described)"


def away(noise, found):
    """How far the level found is from the true one, '+0.10%'; of chains that of each part."""
    pairs = zip(*(getattr(one, "parts", (one,)) for one in (noise, found)), strict=False)
    known = [(noises.level(one), noises.level(other)) for one, other in pairs if type(one) is type(other)]
    return ", ".join(f"{100 * (level / truth - 1):+.2f}%" for truth, level in known if truth and level)


def agreement(noise, found, images, seed):
    """The largest difference of statistics of both noises on the same images, in grey values: mean, deviation by class.

    The noise found is drawn anew by another seed. Classes of the clean value are eight.
    """
    most = 0.0
    given, again = ([pair(pixels, one, key) for pixels in images] for one, key in ((noise, seed), (found, seed + 1000)))
    clean = np.concatenate([pixels.ravel() for _, pixels in given]) // 32
    residuals = [
        np.concatenate([noisy.ravel().astype(float) - pixels.ravel() for noisy, pixels in one])
        for one in (given, again)
    ]
    for value in np.unique(clean):
        here = clean == value
        if np.count_nonzero(here) >= 2000:
            (mean, other_mean), (spread, other_spread) = (
                [statistic(residual[here]) for residual in residuals] for statistic in (np.mean, np.std)
            )
            most = max(most, abs(mean - other_mean), abs(spread - other_spread))
    return f"differs by {most:.2f} of 255"


def confusion(pairs):
    """A table of true names down and found names across, as text."""
    counts = Counter(pairs)
    across = sorted({found for _, found in pairs})
    width = max(map(len, across)) + 2
    head = f"{'':<18}" + "".join(f"{name:>{width}}" for name in across)
    down = dict.fromkeys(name for name, _ in pairs)
    rows = [f"{name:<18}" + "".join(f"{counts[name, found] or '.':>{width}}" for found in across) for name in down]
    return "\n".join([head, *rows])


def smooth():
    """A picture without details, uint8 (160, 190, 3)."""
    row, column, channel = np.indices((160, 190, 3)) / 30.0
    wave = np.sin(row + channel) + np.cos(2 * column - row)
    return np.rint(255 * (wave - wave.min()) / np.ptp(wave)).astype(np.uint8)


def sets(names, limit):
    """(name, images) of data sets, and of `made`: a smooth picture, a dark one and one of grain."""
    for name in names.split(","):
        if name == "made":
            grain = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
            yield "smooth", [smooth()]
            yield "dark", [pixels_of("builtin", 1)[0] // 6]
            yield "grain", [grain]
            continue
        try:
            yield name, pixels_of(name, limit)
        except BadInput as error:
            print(f"{name} skipped: {error}\n")


MORE = (  # besides the levels of the literature
    "gaussian(1.5), gaussian(100), poisson(0.5), poisson(1), poisson_gaussian(10, 0), poisson_gaussian(60, 0), "
    "poisson_gaussian(60, 1), poisson_gaussian(60, 5), poisson_gaussian(4, 10), poisson_gaussian(1000, 10), "
    "poisson_gaussian(256, 0), speckle(0.04, 'gaussian'), colour_gaussian(25, 1), banding(10, 'columns'), "
    "jpeg(50, '4:4:4'), quantization(1), isp(truth='untouched'), chain(gaussian(10), salt_pepper(0.02)), "
    "chain(poisson_gaussian(60, 5), salt_pepper(0.01)), chain(speckle(0.02, 'gaussian'), gaussian(10)), "
    "chain(speckle(0.02), gaussian(10)), chain(poisson(2), gaussian(10)), chain(gaussian(15), jpeg(50)), "
    "chain(gaussian(15), jpeg(95, '4:4:4')), chain(correlated(45), salt_pepper(0.01)), "
    "chain(banding(10), gaussian(10))"
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--noise", default=f"paper,extras,{MORE}")
    parser.add_argument("--datasets", default="builtin,made")
    parser.add_argument("--limit", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chosen = noises.expand(options.noise)
    for name, images in sets(options.datasets, options.limit):
        print(f"{name}, {len(images)} images, seed {options.seed}\n{'noise':<52}{'found':<60}{'explained':>8}  level")
        print(f"\n{confusion([line(noise, images, options.seed) for noise in chosen])}\n")


if __name__ == "__main__":
    main()
