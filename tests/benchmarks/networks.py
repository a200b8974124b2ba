"""How fast the shipped networks are beside the formulation of their papers' code, in turns in one process.

    python -m tests.benchmarks.networks                              # baseline, swinir, restormer at 256x256
    python -m tests.benchmarks.networks baseline --rounds 20 --threads 2
    python -m tests.benchmarks.networks baseline --precision bfloat16

Prints the fastest of each in milliseconds and their ratio, the median of the rounds' ratios with their spread, the
rate of the shipped one, and the largest difference of the outputs.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from bench.models.complexity import flops_per_pixel
from bench.models.model_specs import resolve
from bench.models.precisions import cast
from tests.benchmarks.plain import plain


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=["baseline", "swinir", "restormer"])
    parser.add_argument("--size", default="full")
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"{options.side}x{options.side}, {options.threads} threads, {options.precision}, torch {torch.__version__}")
    for name in options.names:
        compare(name, options)


@torch.inference_mode()
def compare(name: str, options: argparse.Namespace) -> None:
    """Time the plain and the shipped network in turns, and print a line."""
    shipped = resolve(f"{name}(weights=None, size={options.size!r})").load()
    reference, shipped = plain(shipped), cast(shipped, options.precision)
    x = torch.rand(1, 3, options.side, options.side, generator=torch.Generator().manual_seed(0))
    difference = (reference(x) - shipped(x)).abs().max().item()
    seconds: dict[str, list[float]] = {"plain": [], "shipped": []}
    for _ in range(options.rounds):
        for side, network in (("plain", reference), ("shipped", shipped)):
            began = time.perf_counter()
            network(x)
            seconds[side].append(time.perf_counter() - began)
    ratios = sorted(a / b for a, b in zip(seconds["plain"], seconds["shipped"], strict=True))
    fastest = min(seconds["shipped"])
    rate = flops_per_pixel(shipped) * x[0, 0].numel() / fastest / 1e9
    print(
        f"{name:10} plain {1e3 * min(seconds['plain']):8.0f} ms   shipped {1e3 * fastest:8.0f} ms   "
        f"ratio {min(seconds['plain']) / fastest:.2f}, "
        f"median {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})   "
        f"{rate:6.0f} GFLOP/s   difference {difference:.1e}",
        flush=True,
    )


if __name__ == "__main__":
    main()
