"""How fast the zoo is, against the plain formulas (legacy generator, float64) and scikit-image's random_noise.

    python -m tests.benchmarks.noise [--rounds 30] [--side 512]

All three take turns in one process on the same photograph, so that a busy machine slows all of them. Printed are the
median megapixels (of three channels) a second and the median ratio of the turns, with its quartiles. About a minute.

Wanted: 2x. Of Gaussian noise NumPy's own sampler takes 97% of the time, so that 1.7x to scikit-image at 512x512 (2.1x
at 400x400, 2.4x at 256x256) is what one stream of this generator gives.
"""

import argparse
import time

import numpy as np
from skimage.util import random_noise

from bench.datasets import builtin
from noise_zoo.correlated import Correlated
from noise_zoo.gaussian import Gaussian
from noise_zoo.isp import Isp
from noise_zoo.mixture import Mixture
from noise_zoo.poisson import Poisson
from noise_zoo.salt_pepper import SaltPepper
from noise_zoo.speckle import Speckle
from tests.noise_zoo import plain

# noise, its plain formula, what scikit-image calls it (None: it has nothing alike)
CASES = [
    (Gaussian(25), lambda x, random: plain.gaussian(x, random, 25), {"mode": "gaussian", "var": (25 / 255) ** 2}),
    (Speckle(0.03), lambda x, random: plain.speckle(x, random, 0.03), {"mode": "speckle", "var": 0.03}),
    (Poisson(2), lambda x, random: plain.poisson(x, random, 2), {"mode": "poisson"}),
    (Correlated(45), lambda x, random: plain.correlated(x, random, 45), None),
    (SaltPepper(0.01), lambda x, random: plain.salt_pepper(x, random, 0.01), {"mode": "s&p", "amount": 0.01}),
    (Mixture(2), lambda x, random: plain.mixture(x, random, 2), None),
    (Isp(), lambda x, random: plain.isp(x, random), None),
]


def photograph(side):
    """A square of the installation's photographs, uint8 (side, side, 3)."""
    crops = [builtin.read_crop(photo) for photo in builtin.PHOTOGRAPHS[:4]]
    whole = np.concatenate([np.concatenate(crops[:2], 1), np.concatenate(crops[2:], 1)])
    return np.tile(whole, (-(-side // len(whole)),) * 2 + (1,))[:side, :side]


def seconds(function):
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def race(noise, formula, theirs, pixels, rounds):
    """Return seconds (rounds, 3) of the zoo, the plain formula and scikit-image (NaN where it has nothing alike)."""
    single, double = pixels.astype(np.float32) / 255, pixels / 255.0
    turns = [
        lambda seed: noise(single, np.random.Generator(np.random.SFC64(seed))),
        lambda seed: formula(double, np.random.RandomState(seed)),
        lambda seed: random_noise(double, rng=seed, clip=False, **theirs),
    ][: 3 if theirs else 2]
    for turn in turns:  # tables are made at the first call
        turn(0)
    times = np.full((rounds, 3), np.nan)
    for index in range(rounds):
        for column, turn in enumerate(turns):
            times[index, column] = seconds(lambda turn=turn, index=index: turn(index))
    return times


def ratio_text(ours, others):
    if np.isnan(others).all():
        return ""
    low, middle, high = np.quantile(others / ours, [0.25, 0.5, 0.75])
    return f"{middle:.1f}x ({low:.1f}-{high:.1f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--side", type=int, default=512)
    options = parser.parse_args()
    pixels = photograph(options.side)
    megapixels = pixels.shape[0] * pixels.shape[1] / 1e6
    print(f"{options.side}x{options.side} pixels, {options.rounds} rounds; MP/s: megapixels a second, median")
    print(f"{'noise':<28}{'zoo MP/s':>9}{'plain':>8}{'skimage':>9}   {'to plain':<18}{'to skimage':<18}")
    for noise, formula, theirs in CASES:
        times = race(noise, formula, theirs, pixels, options.rounds)
        speeds = [f"{megapixels / middle:.1f}" if middle == middle else "-" for middle in np.median(times, axis=0)]
        to_plain, to_skimage = (ratio_text(times[:, 0], times[:, column]) for column in (1, 2))
        name = str(noise) if len(str(noise)) < 28 else type(noise).__name__
        print(f"{name:<28}{speeds[0]:>9}{speeds[1]:>8}{speeds[2]:>9}   {to_plain:<18}{to_skimage:<18}")


if __name__ == "__main__":
    main()
