"""CKA of all pairs of layers: time here against the plain ways, in turns in one process.

    python tests/benchmarks/cka.py [--layers default|blocks|every] [--patches 16] [--side 128] [--turns 5]

* stored: from stored features; plain is each pair of layers by itself, a function cka(X, Y) over the batches, float64;
* images: from images; plain is the way of the packages: hooks keep the outputs of both networks for a batch, then for
  each pair of layers two Gram matrices and three HSICs. In float64, which gives the same numbers, and in float32, as
  the packages have it. The networks' forward passes are in the times, and beside them the ratio without them.

Prints for each the seconds of both sides (medians) and the ratio of each turn: median, smallest, largest. Seconds are
of the processor, all threads together, so that what else runs disturbs them little. Set OMP_NUM_THREADS. `every` takes
minutes a turn: choose a smaller --side and --turns 1.

Measured with one thread, how many times as fast as the plain way:

    layers                         stored     hooks, float64 (without passes)   hooks, float32 (without passes)
    3 x 3                             8.0      1.3 (5.3)                         1.1 (0.8), and wrong by up to 0.001
    11 x 11                          25        2.4 (15)                          1.1 (2.4), and wrong by up to 0.003
    60 x 60, --side 32               43        7.7 (17)                          2.7 (5.3), and wrong by up to 0.001

With three layers a side the forward passes, which both ways need, are three quarters of the plain way's time: nothing
that is done to the features could make the whole more than 1.4 times as fast.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import torch
from torch import Tensor, nn

from analysis.cka import Cka
from analysis.layers import choose, trace
from bench import load_model
from bench.analyses.core.feature_extractor import FeatureExtractor, extractor_of
from bench.analyses.core.patches import batches, cut
from bench.datasets import load_dataset
from bench.models.model_specs import resolve
from bench.noise.noises import load_noise
from bench.protocols import load_protocol

BATCH = 16
NETWORKS = ("baseline", "swinir")
DEFAULT = ("layers.*", "conv_after_body")
PATTERNS = {
    "default": DEFAULT,  # what `bench cka` uses: 3 x 3
    "blocks": ("conv_first", "layers.*.residual_group.blocks.*", "layers.*.conv", "norm", *DEFAULT),  # 11 x 11
    "every": tuple(".".join("*" * depth) for depth in range(1, 8)),  # 60 x 60
}
Names = tuple[list[str], list[str]]


def hsic(k: Tensor, m: Tensor) -> float:
    """HSIC_1 of Song et al. as it is written, of Gram matrices (n, n) whose diagonal is zero."""
    n = len(k)
    ones = torch.ones(n, 1, dtype=k.dtype)
    product = k @ m
    total = torch.trace(product) + (ones.T @ k @ ones).item() * (ones.T @ m @ ones).item() / ((n - 1) * (n - 2))
    return (total.item() - (ones.T @ product @ ones).item() * 2 / (n - 2)) / (n * (n - 3))


def gram(features: Tensor) -> Tensor:
    """(n, D) -> (n, n) without its diagonal."""
    return (features @ features.T).fill_diagonal_(0)


def one_pair(x: list[Tensor], y: list[Tensor]) -> float:
    """CKA of two layers from their batches of stored features, in float64."""
    cross = left = right = 0.0
    for a, b in zip(x, y, strict=True):
        k, m = gram(a.double()), gram(b.double())
        cross, left, right = cross + hsic(k, m), left + hsic(k, k), right + hsic(m, m)
    return cross / (left * right) ** 0.5


def pair_by_pair(names: Names, stored) -> list:
    first, second = names
    return [[one_pair([one[a] for one, _ in stored], [other[b] for _, other in stored]) for b in second] for a in first]


def here_from_stored(names: Names, stored) -> list:
    measured = Cka(*names)
    for batch in stored:
        measured.add(*batch)
    return measured.result().value.tolist()


def hooked(network: nn.Module, layers: list[str], x: Tensor) -> list[Tensor]:
    """Outputs (n, D) of layers by plain hooks, the batch whole."""
    outputs, modules = {}, dict(network.named_modules())
    handles = [
        modules[name].register_forward_hook(lambda module, inputs, output, name=name: outputs.update({name: +output}))
        for name in layers
    ]
    with torch.inference_mode():
        network(x)
    for handle in handles:
        handle.remove()
    return [outputs[name].reshape(len(x), -1) for name in layers]  # windows are rows of some layers


def plain_from_images(names: Names, networks, images, precision: torch.dtype = torch.float64) -> list:
    sums = torch.zeros(3, len(names[0]), len(names[1]), dtype=torch.float64)
    for x in images:
        first, second = (hooked(network, layers, x) for network, layers in zip(networks, names, strict=True))
        for i, a in enumerate(first):
            k = gram(a.to(precision))
            for j, b in enumerate(second):
                m = gram(b.to(precision))
                sums[:, i, j] += torch.tensor([hsic(k, m), hsic(k, k), hsic(m, m)], dtype=torch.float64)
    return (sums[0] / (sums[1] * sums[2]).sqrt()).tolist()


def float32_from_images(names: Names, networks, images) -> list:
    return plain_from_images(names, networks, images, torch.float32)


def plain_passes(names: Names, networks, images) -> None:
    for x in images:
        for network, layers in zip(networks, names, strict=True):
            hooked(network, layers, x)


def here_from_images(names: Names, networks, images) -> list:
    probes = extractors_of(names, networks)
    measured = Cka(*names)
    for x in images:
        measured.add(*(one(x, range(len(x))) for one in probes))
    return measured.result().value.tolist()


def here_passes(names: Names, networks, images) -> None:
    for x in images:
        for one in extractors_of(names, networks):
            one(x, range(len(x)))


def extractors_of(names: Names, networks) -> list[FeatureExtractor]:
    models, device = (resolve(name) for name in NETWORKS), torch.device("cpu")
    return [extractor_of(*each, device, layers) for *each, layers in zip(models, networks, names, strict=True)]


def seconds(function, arguments, values: dict) -> float:
    began = time.process_time()
    values[function] = function(*arguments)
    return time.process_time() - began


def spread(ratios: list[float]) -> str:
    return f"{median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"


def compare(title: str, plain, here, arguments, turns: int, passes=()) -> None:
    """Time two functions in turns; `passes` are the same two without what comes after the forward passes."""
    times, values = {function: [] for function in (plain, here, *passes)}, {}
    for turn in range(turns):
        for function in times if turn % 2 == 0 else reversed(times):
            times[function].append(seconds(function, arguments, values))
    apart = (torch.tensor(values[plain], dtype=torch.float64) - torch.tensor(values[here], dtype=torch.float64)).abs()
    ratios = [slow / fast for slow, fast in zip(times[plain], times[here], strict=True)]
    line = f"{title}: plain {median(times[plain]):.2f} s, here {median(times[here]):.2f} s, ratio {spread(ratios)}"
    if passes:
        rest = [
            [whole - passed for whole, passed in zip(times[one], times[other], strict=True)]
            for one, other in zip((plain, here), passes, strict=True)
        ]
        slow, fast = map(median, rest)
        line += f"; without forward passes {slow:.2f} s, {fast:.2f} s, ratio {slow / fast:.1f}"
    print(f"{line}; largest difference {apart.max().item():.1e}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", choices=tuple(PATTERNS), default="default")
    parser.add_argument("--patches", type=int, default=16)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--turns", type=int, default=5)
    given = parser.parse_args()
    networks = [load_model(name) for name in NETWORKS]
    patches = cut([load_dataset("builtin")], given.patches, given.side)
    noise, protocol = load_noise("gaussian(sigma=15)"), load_protocol("stored")
    images = [batch.noisy for batch in batches(patches, noise, 0, protocol, BATCH, 4)]
    names = tuple(
        [layer.name for layer in choose(trace(network, images[0][:1]), PATTERNS[given.layers])] for network in networks
    )
    print(
        f"{patches.words}; {len(names[0])} x {len(names[1])} layers, batches of {BATCH}, "
        f"{torch.get_num_threads()} threads"
    )
    stored = [tuple(one(x, range(len(x))) for one in extractors_of(names, networks)) for x in images]
    compare("stored, each pair by itself", pair_by_pair, here_from_stored, (names, stored), given.turns)
    del stored
    arguments, passes = (names, networks, images), (plain_passes, here_passes)
    compare("images, hooks, float64", plain_from_images, here_from_images, arguments, given.turns, passes)
    compare("images, hooks, float32", float32_from_images, here_from_images, arguments, given.turns, passes)


if __name__ == "__main__":
    main()
