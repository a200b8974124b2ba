"""How fast `bench train` is beside a plain training loop of the same network and batch, in turns in one process.

    python -m tests.benchmarks.training                                    # all eight, small, BSDS400
    python -m tests.benchmarks.training ours dncnn --rounds 9 --threads 2
    python -m tests.benchmarks.training ours --preset paper --device cuda

The plain loop is what published code does: a `DataLoader` with workers, in which each sample is decoded from its file,
cropped, flipped and turned, made noisy and masked with NumPy; then one eager float32 step of `torch.optim.Adam` on the
formulation of the paper's code (tests/benchmarks/plain.py; the same layers where that code is plain itself), and a
moving average of the weights where the recipe has one. Prints iterations per second of both, and the ratio with its
spread over the rounds; then the ratio of the CPU seconds, the workers' included, which hardly moves on a machine that
has other work to do. What is compiled is compiled before the clock starts.

`--set` changes the recipe of `bench train`, as its own does, and leaves the plain loop as it is.

Measured, `small`, in the precision that `auto` chooses, ratio of CPU seconds:

    processor                       ours  baseline  dncnn  ridnet  swinir
    Xeon with AMX, one thread       2.05            2.00   1.83    2.14
    Xeon without AMX, one thread    1.43  1.47      1.44   1.72    1.45
    Xeon without AMX, two threads   1.40  1.42      1.83   2.02    1.40
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
from collections.abc import Callable, Iterator
from importlib import import_module

import numpy as np
import psutil
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from baselines.train import recipe as recipes
from baselines.train import training
from baselines.train.crops import MASKED_VALUE
from bench import datasets
from bench.commands.train import pairs
from bench.models.groups import PAPER
from bench.models.model import initialized
from bench.training.training_options import sort_settings, untrained
from tests.benchmarks.plain import plain


class NoisyCrops(Dataset):
    """(noisy, clean) crops (3, side, side) float32, made anew from a file each time."""

    def __init__(self, images: tuple[datasets.CleanImage, ...], recipe: recipes.Recipe):
        self.images, self.recipe = images, recipe

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: int) -> tuple[Tensor, Tensor]:
        recipe, pixels = self.recipe, self.images[place].read_bytes()
        top, left = (np.random.randint(0, size - recipe.crop + 1) for size in pixels.shape[:2])
        crop = pixels[top : top + recipe.crop, left : left + recipe.crop]
        crop = np.rot90(crop[:, ::-1] if np.random.rand() < 0.5 else crop, np.random.randint(4))
        clean = np.float32(crop / 255.0)
        noisy = clean + np.random.normal(0, recipe.sigma / 255.0, clean.shape)
        if recipe.clip_noisy:
            noisy = np.clip(noisy, 0, 1)
        if recipe.input_mask is not None:
            low, high = recipe.input_mask
            noisy[np.random.rand(*noisy.shape[:2]) < np.random.randint(low, high + 1) / 100] = MASKED_VALUE
        return tuple(torch.from_numpy(np.float32(x).transpose(2, 0, 1).copy()) for x in (noisy, clean))


def endlessly(loader: DataLoader) -> Iterator[tuple[Tensor, Tensor]]:
    while True:
        yield from loader


def plain_loop(network: nn.Module, images, recipe: recipes.Recipe, device: torch.device, workers: int) -> Callable:
    """A function that does one iteration of the plain loop."""
    try:
        network = plain(network)
    except ValueError:  # the papers' code of the others is a chain of layers, as here
        network = copy.deepcopy(network)
    network = network.to(device).train()
    optimizer = torch.optim.Adam(network.parameters(), recipe.lr, recipe.betas)
    average = copy.deepcopy(network) if recipe.ema else None
    loader = DataLoader(
        NoisyCrops(images, recipe),
        recipe.batch,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        persistent_workers=True,
        pin_memory=device.type == "cuda",
    )
    batches = endlessly(loader)

    def step() -> None:
        noisy, clean = (x.to(device, non_blocking=True) for x in next(batches))
        optimizer.zero_grad()
        loss = nn.functional.l1_loss(network(noisy), clean)
        loss.backward()
        optimizer.step()
        if average is not None:
            with torch.no_grad():
                for kept, parameter in zip(average.parameters(), network.parameters(), strict=True):
                    kept.mul_(recipe.ema).add_(parameter, alpha=1 - recipe.ema)
        loss.item()  # for the log

    return step


def seconds(step: Callable, iterations: int, device: torch.device) -> tuple[float, float]:
    """(seconds, CPU seconds of this process and its workers) of an iteration."""
    began, cpu_began = time.perf_counter(), cpu_seconds()
    for _ in range(iterations):
        step()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - began) / iterations, (cpu_seconds() - cpu_began) / iterations


def cpu_seconds() -> float:
    """CPU seconds of this process and of those that it started and that still run."""
    here = psutil.Process()
    return sum(sum(process.cpu_times()[:2]) for process in (here, *here.children(recursive=True)))


def compare(name: str, options: argparse.Namespace) -> None:
    """Time both loops in turns, and print a line."""
    module, device = import_module(f"baselines.{name}"), torch.device(options.device)
    size = "small" if options.preset == "small" else "full"
    of_network = getattr(module, "RECIPE", {}).get(options.preset, {})
    recipe = recipes.with_settings(recipes.PRESETS[options.preset], **of_network)
    changed, _ = sort_settings(untrained(name, options.preset), pairs(None, None, options.set))
    images = datasets.load_dataset(options.data).images
    network = initialized(module.network, module.SIZES[size], 0)
    slow = plain_loop(network, images, recipe, device, options.workers)
    trainer = training.Trainer(
        network, [image.read_bytes() for image in images], recipes.with_settings(recipe, **changed), device
    )
    steps = {"plain": slow, "bench": trainer.step}
    for step in steps.values():
        seconds(step, 3, device)
    times: dict[str, list[tuple[float, float]]] = {side: [] for side in steps}
    for _ in range(options.rounds):
        for side, step in steps.items():
            times[side].append(seconds(step, options.iterations, device))
    turns = list(zip(times["plain"], times["bench"], strict=True))
    wall, cpu = (sorted(a[clock] / b[clock] for a, b in turns) for clock in (0, 1))
    speeds = {side: 1 / statistics.median(wall for wall, _ in found) for side, found in times.items()}
    print(
        f"{name:10} plain {speeds['plain']:7.2f} it/s   bench train {speeds['bench']:7.2f} it/s   "
        f"({trainer.recipe.precision})   ratio {statistics.median(wall):.2f} ({wall[0]:.2f} to {wall[-1]:.2f})   "
        f"of CPU seconds {statistics.median(cpu):.2f} ({cpu[0]:.2f} to {cpu[-1]:.2f})",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=PAPER)
    parser.add_argument("--preset", choices=recipes.PRESETS, default="small")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--data", default="BSDS400")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--iterations", type=int, default=4, help="of a round")
    parser.add_argument("--workers", type=int, default=2, help="of the plain loop's DataLoader")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"preset {options.preset}, {options.device}, {options.threads} threads, torch {torch.__version__}")
    for name in options.names:
        compare(name, options)


if __name__ == "__main__":
    main()
