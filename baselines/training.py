"""Train a denoiser on clean images: crops, flips, Gaussian noise and masks are drawn on the device, in the step.

Images come as a list of uint8 arrays (H, W, 3) and are kept as they are in the device's memory; nothing is loaded or
decoded again. Every random number comes from one generator whose state is in the checkpoint, so that a resumed
training equals an uninterrupted one bit for bit on the same machine.

`paper` is the recipe of Chen et al., CVPR 2023: sigma 15, 64x64 crops, batch 64, 200,000 iterations, Adam (0.9, 0.99),
L1, 1e-4 halved at 100,000 and 150,000. `small` is its twin scaled to two CPU cores.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

COMPILERS = ("g++", "clang++")
MASKED_VALUE = -0.1  # what the official code puts at a masked input pixel


@dataclass(frozen=True)
class Recipe:
    """Everything that determines a training, but for the network and the images.

    sigma       deviation of the Gaussian noise, of 255
    input_mask  None, or the range of percentages of input pixels that are masked; one integer is drawn for each sample
    schedule    'one-cycle' (Smith & Topin 2019: up to lr, down to nothing) or 'steps' (halved at milestones)
    ema         decay of the moving average of the weights that is kept and evaluated; None for the weights themselves
    clip_noisy  clip the noisy crop to [0, 1], as the official configuration does
    precision   'bfloat16' (autocast) or 'float32'
    compile     torch.compile makes the kernels: needs a C++ compiler, differs by rounding
    """

    iterations: int
    batch: int
    crop: int
    lr: float
    schedule: str
    sigma: float = 15.0
    milestones: tuple[int, ...] = ()
    betas: tuple[float, float] = (0.9, 0.99)
    input_mask: tuple[int, int] | None = None
    ema: float | None = None
    clip_noisy: bool = False
    precision: str = "float32"
    compile: bool = False
    seed: int = 0

    def __post_init__(self):
        for field in ("iterations", "batch", "crop"):
            if not isinstance(getattr(self, field), int) or getattr(self, field) < 1:
                raise ValueError(f"{field} is {getattr(self, field)!r}, wanted a whole number from 1")
        for field in ("lr", "sigma"):
            if not isinstance(getattr(self, field), int | float):
                raise ValueError(f"{field} is {getattr(self, field)!r}, wanted a number")
        wanted = {"schedule": ("one-cycle", "steps"), "precision": ("float32", "bfloat16")}
        for field, values in wanted.items():
            if getattr(self, field) not in values:
                raise ValueError(f"{field} is {getattr(self, field)!r}, wanted one of {', '.join(values)}")
        if self.input_mask is not None and not 0 <= self.input_mask[0] <= self.input_mask[1] <= 100:
            raise ValueError(f"input_mask is {self.input_mask}, wanted percentages such as 75-85")

    def rate(self, iteration: int) -> float:
        """Learning rate of an iteration, counted from 0."""
        if self.schedule == "steps":
            return self.lr * 0.5 ** sum(iteration >= milestone for milestone in self.milestones)
        peak = 0.1 * self.iterations  # a tenth of the way up, then down along a cosine
        if iteration < peak:
            return self.lr * (0.04 + 0.96 * (iteration + 1) / peak)
        return self.lr * 0.5 * (1 + math.cos(math.pi * (iteration - peak) / (self.iterations - peak)))


PRESETS = {
    "paper": Recipe(iterations=200_000, batch=64, crop=64, lr=1e-4, schedule="steps", milestones=(100_000, 150_000)),
    "small": Recipe(iterations=8_000, batch=8, crop=48, lr=1e-3, schedule="one-cycle", ema=0.999, precision="bfloat16"),
}


class Crops:
    """Random crops of images in memory, (B, 3, crop, crop) in [0, 1], each flipped and turned in one of 8 ways."""

    def __init__(self, images: list[np.ndarray], crop: int, device: torch.device):
        self.crop = crop
        large = [image for image in images if min(image.shape[:2]) >= crop]
        if not large:
            raise ValueError(f"none of the {len(images)} images is as large as a crop of {crop}x{crop} pixels")
        sizes = torch.tensor([image.shape[:2] for image in large])
        pixels = torch.cat([torch.from_numpy(np.array(image)).reshape(-1, 3) for image in large])
        self.pixels = pixels.to(device)  # (P, 3)
        self.start = torch.cat([torch.zeros(1, dtype=torch.long), sizes.prod(1).cumsum(0)[:-1]]).to(device)
        self.height, self.width = sizes.to(device).unbind(1)

    def __call__(self, batch: int, generator: torch.Generator) -> Tensor:
        device, last = self.pixels.device, self.crop - 1
        which = torch.randint(len(self.start), (batch,), device=device, generator=generator)
        place = torch.rand(2, batch, device=device, generator=generator, dtype=torch.float64)
        flips = torch.randint(2, (3, batch, 1, 1), device=device, generator=generator, dtype=torch.bool)
        top = (place[0] * (self.height[which] - last)).long()
        left = (place[1] * (self.width[which] - last)).long()
        side = torch.arange(self.crop, device=device)
        row, column = side[:, None].expand(batch, -1, self.crop), side[None, :].expand(batch, self.crop, -1)
        row, column = torch.where(flips[0], column, row), torch.where(flips[0], row, column)
        row, column = torch.where(flips[1], last - row, row), torch.where(flips[2], last - column, column)
        at = self.start[which].view(-1, 1, 1) + (top.view(-1, 1, 1) + row) * self.width[which].view(-1, 1, 1)
        crops = self.pixels[at + left.view(-1, 1, 1) + column].permute(0, 3, 1, 2)  # (B, 3, crop, crop)
        # contiguous: channels-last input gives NaN gradients of dilated bfloat16 convolutions on the CPU (oneDNN)
        return crops.contiguous().float() / 255


def mask_input(x: Tensor, percentages: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Put -0.1 at randomly chosen pixels of (B, C, H, W), all channels together (the official input mask)."""
    low, high = percentages
    percent = torch.randint(low, high + 1, (len(x), 1, 1, 1), device=x.device, generator=generator)
    drawn = torch.rand(len(x), 1, *x.shape[-2:], device=x.device, generator=generator)
    return torch.where(drawn < percent / 100, MASKED_VALUE, x)


class Trainer:
    """One training: network, optimizer, moving average, random stream. `state` and `restore` are its checkpoint."""

    def __init__(self, network: nn.Module, images: list[np.ndarray], recipe: Recipe, device: torch.device, about=None):
        self.about = json.dumps(about or {})  # what else must be the same when the training goes on
        self.network, self.recipe, self.device = network.to(device).train(), recipe, device
        self.crops = Crops(images, recipe.crop, device)
        self.generator = torch.Generator(device).manual_seed(recipe.seed)
        if hasattr(network, "generator"):  # a network that draws in training draws from the same stream
            network.generator = self.generator
        if recipe.compile:
            if self.device.type == "cpu" and not any(map(shutil.which, COMPILERS)):
                raise ValueError(f"compile=True needs one of {', '.join(COMPILERS)}: install it, or set compile=False")
            network.compile()
        self.optimizer = torch.optim.Adam(network.parameters(), recipe.lr, recipe.betas, fused=True)
        self.average = {k: v.clone() for k, v in network.state_dict().items()} if recipe.ema else None
        self.iteration, self.seconds = 0, 0.0

    def step(self) -> Tensor:
        """One iteration; returns its loss, a scalar on the device."""
        recipe, generator = self.recipe, self.generator
        clean = self.crops(recipe.batch, generator)
        noise = torch.randn(clean.shape, device=self.device, generator=generator)
        noisy = clean + recipe.sigma / 255 * noise
        if recipe.clip_noisy:
            noisy = noisy.clamp(0, 1)
        if recipe.input_mask is not None:
            noisy = mask_input(noisy, recipe.input_mask, generator)
        for group in self.optimizer.param_groups:
            group["lr"] = recipe.rate(self.iteration)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            output = self.network(noisy)
        loss = (output.float() - clean).abs().mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.iteration += 1
        if self.average is not None:
            self._update_average()
        return loss.detach()

    @torch.no_grad()
    def _update_average(self) -> None:
        # a short memory at first (Adam-like), so that the random start is forgotten
        decay = min(self.recipe.ema, (1 + self.iteration) / (10 + self.iteration))
        for key, value in self.network.state_dict().items():
            if value.is_floating_point():
                self.average[key].lerp_(value, 1 - decay)
            else:
                self.average[key].copy_(value)

    def weights(self) -> dict[str, Tensor]:
        """The weights to evaluate and to export: the moving average where there is one."""
        return self.average if self.average is not None else self.network.state_dict()

    def state(self) -> dict:
        return {
            "network": self.network.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "iteration": self.iteration,
            "seconds": self.seconds,
            "recipe": json.dumps(asdict(self.recipe)),
            "about": self.about,
        }

    def restore(self, state: dict) -> None:
        """Go on from a checkpoint; the recipe must be the same."""
        stored, own = json.loads(state["recipe"]), json.loads(json.dumps(asdict(self.recipe)))
        differing = [f"{key} was {stored.get(key)} and is {own[key]}" for key in own if stored.get(key) != own[key]]
        if differing:
            raise ValueError(f"this training began with another recipe: {'; '.join(differing)}")
        stored, own = json.loads(state.get("about", self.about)), json.loads(self.about)
        differing = [f"{key} was {stored.get(key)} and is {own[key]}" for key in own if stored.get(key) != own[key]]
        if differing:
            raise ValueError(f"this training began with something else: {'; '.join(differing)}")
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"].cpu())
        self.average, self.iteration, self.seconds = state["average"], state["iteration"], state["seconds"]


@dataclass(frozen=True)
class Progress:
    """What a training says of itself: after an interval, or a validation."""

    iteration: int
    iterations: int
    loss: float
    rate: float
    iterations_per_second: float
    scores: dict[str, float] | None = None


def train(
    trainer: Trainer,
    out: Path,
    *,
    validate: Callable[[dict[str, Tensor]], dict[str, float]] | None = None,
    validate_every: int = 1_000,
    save_seconds: float = 60.0,
    minutes: float | None = None,
) -> Iterator[Progress]:
    """Run to the end of the recipe, or for so many minutes; yields `Progress` about every 2 seconds.

    Writes `checkpoint.pt` (whole files only, at most `save_seconds` old) and `log.jsonl` into `out`, and goes on from
    them where they are there. Leaving the iterator early, or a kill, loses at most what came after the checkpoint.
    """
    checkpoint, log = out / "checkpoint.pt", out / "log.jsonl"
    if checkpoint.exists():
        trainer.restore(torch.load(checkpoint, map_location=trainer.device, weights_only=True))
    _cut_log(log, trainer.iteration)
    began = saved = time.monotonic()
    done = trainer.iteration >= trainer.recipe.iterations
    while not done:
        interval, first, losses = time.monotonic(), trainer.iteration, []
        while not done and time.monotonic() - interval < 2.0:
            losses.append(trainer.step())
            done = trainer.iteration >= trainer.recipe.iterations
            if done or trainer.iteration % validate_every == 0:
                break
        loss = float(torch.stack(losses).mean())
        if not math.isfinite(loss):
            raise FloatingPointError(
                f"the loss is {loss} at iteration {trainer.iteration}: the training has diverged, a lower lr may help"
            )
        now = time.monotonic()
        trainer.seconds += now - interval
        speed = (trainer.iteration - first) / (now - interval)
        due = validate is not None and (done or trainer.iteration % validate_every == 0)
        scores = validate(trainer.weights()) if due else None
        progress = Progress(trainer.iteration, trainer.recipe.iterations, loss,
                            trainer.recipe.rate(trainer.iteration - 1), speed, scores)  # fmt: skip
        with log.open("a") as file:
            file.write(json.dumps(asdict(progress)) + "\n")
        out_of_time = minutes is not None and time.monotonic() - began > 60 * minutes
        if done or out_of_time or time.monotonic() - saved > save_seconds:
            save_atomically(trainer.state(), checkpoint)
            saved = time.monotonic()
        yield progress
        if out_of_time:
            return


def save_atomically(state: dict, path: Path) -> None:
    """torch.save into a neighbour, then rename: a kill leaves the old file or the new one, never half of one."""
    part = path.with_suffix(".part")
    torch.save(state, part)
    os.replace(part, path)


def _cut_log(log: Path, iteration: int) -> None:
    """Drop what was logged after the checkpoint: it will be done, and logged, again."""
    if not log.exists():
        return
    lines = log.read_text().splitlines(keepends=True)
    whole = [line for line in lines if line.startswith("{") and line.endswith("}\n")]
    log.write_text("".join(line for line in whole if json.loads(line)["iteration"] <= iteration))


def with_settings(recipe: Recipe, **settings) -> Recipe:
    """The recipe with some fields changed; `iterations` scales milestones along."""
    if "iterations" in settings and "milestones" not in settings:
        factor = settings["iterations"] / recipe.iterations
        settings["milestones"] = tuple(round(milestone * factor) for milestone in recipe.milestones)
    return replace(recipe, **settings)
