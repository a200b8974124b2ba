"""What `bench noise identify` makes of sets that `bench noise apply` wrote: names found and levels, a line a noise.

    python -m tests.benchmarks.identify [--noise paper] [--datasets builtin,CBSD68] [--limit 20]

A set that is not here is left out. About three minutes for builtin and ten for CBSD68 on one core.
"""

import argparse
from collections import Counter

import numpy as np

from bench import datasets
from bench.errors import BadInput
from bench.noise import noises
from bench.noise.verdict import parts
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
    if found.name:
        truth = noises.level(noise) if found.name == name else float("nan")
        off = f"{100 * (found.level.value / truth - 1):+.2f}%"
        level = f"{found.axis} {found.level.value:.4g} ± {found.level.error:.2g}  {off}"
    else:
        level = ", ".join(f"{kind} {level.value:.3g} ± {level.error:.2g}" for kind, level in parts(found))
    print(f"{noises.canonical(noise):<34}{found.name or '(described)':<17}{found.explained:>8.2%}  {level}", flush=True)
    return name, found.name or "(described)"


def confusion(pairs):
    """A table of true names down and found names across, as text."""
    counts = Counter(pairs)
    across = sorted({found for _, found in pairs})
    width = max(map(len, across)) + 2
    head = f"{'':<18}" + "".join(f"{name:>{width}}" for name in across)
    down = dict.fromkeys(name for name, _ in pairs)
    rows = [f"{name:<18}" + "".join(f"{counts[name, found] or '.':>{width}}" for found in across) for name in down]
    return "\n".join([head, *rows])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--noise", default="paper,extras")
    parser.add_argument("--datasets", default="builtin,CBSD68")
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chosen = noises.expand(options.noise)
    for name in options.datasets.split(","):
        try:
            images = pixels_of(name, options.limit)
        except BadInput as error:
            print(f"{name} left out: {error}\n")
            continue
        print(f"{name}, {len(images)} images, seed {options.seed}\n{'noise':<34}{'found':<17}{'explained':>8}  level")
        print(f"\n{confusion([line(noise, images, options.seed) for noise in chosen])}\n")


if __name__ == "__main__":
    main()
