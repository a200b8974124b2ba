"""Train a denoiser on clean images: crops, flips, Gaussian noise and masks are drawn on the device, in the step.

Every random number comes from one generator (of each process) whose state is in the checkpoint, so that a resumed
training equals an uninterrupted one bit for bit on the same machine.
"""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from baselines.crops import MASKED_VALUE, Crops, hidden_pixels
from baselines.precision import fastest
from baselines.processes import ALONE, Processes
from baselines.recipe import Recipe

COMPILERS = ("g++", "clang++")
INTERVAL = 2.0  # seconds between two reports, about
_STATE = {"network", "average", "optimizer", "generator", "iteration", "seconds", "recipe"}
_NO_CHECKPOINT = "it is damaged, or none of a training. Move it away, and the training begins again"


class Trainer:
    """One training: network, optimizer, moving average, random stream. `state` and `restore` are its checkpoint."""

    def __init__(self, network: nn.Module, images: list[np.ndarray], recipe: Recipe, device: torch.device, about=None,
                 processes: Processes = ALONE, foreign: bool = False):  # fmt: skip
        self.about = json.dumps(about or {})  # what else must be the same when the training goes on
        self.network, self.recipe, self.device = network.to(device).train(), recipe, device
        self.foreign = foreign  # a network that knows nothing of what is asked of ours below, but for its forward
        self.chooses_precision = recipe.precision == "auto"
        self._compute_in(fastest(network, device) if self.chooses_precision else recipe.precision)
        self.processes, self.batch = processes, processes.share(recipe.batch)
        tokens = recipe.input_mask is not None and recipe.mask_on == "tokens"
        mask_token = None if foreign else getattr(network, "mask_token", None)
        if tokens and (foreign or not hasattr(network, "mask_token")):
            raise ValueError(f"{type(network).__name__} has no tokens that could be masked: set mask_on=pixels")
        if not tokens and mask_token is not None:
            raise ValueError("mask_token is 'learned', but no token is ever masked: set mask_on=tokens too")
        self.crops = Crops(images, recipe.crop, device)
        self.generator = torch.Generator(device).manual_seed(processes.seed(recipe.seed))
        if not foreign and hasattr(network, "generator"):  # a network that draws in training draws from the same stream
            network.generator = self.generator
        if recipe.compile:
            if self.device.type == "cpu" and not any(map(shutil.which, COMPILERS)):
                raise ValueError(f"compile=True needs one of {', '.join(COMPILERS)}: install it, or set compile=False")
            network.compile()
        self.replica = processes.replica(network, some_idle=foreign)
        self.optimizer = torch.optim.Adam(network.parameters(), recipe.lr, recipe.betas, fused=True)
        self.average = {k: v.clone() for k, v in network.state_dict().items()} if recipe.ema else None
        self.iteration, self.seconds = 0, 0.0

    def _compute_in(self, precision: str) -> None:
        """Settle the precision, and the layout of images in memory that goes with it.

        On the CPU convolutions of channels-last input are up to 1.6 times as fast; but the gradients of dilated ones
        in bfloat16 are NaN (oneDNN), and a foreign network may want what it can `view`.
        """
        self.recipe = replace(self.recipe, precision=precision)
        last = self.device.type == "cpu" and precision == "float32" and not self.foreign
        self.layout = torch.channels_last if last else torch.contiguous_format
        self.network.to(memory_format=self.layout)

    def step(self) -> Tensor:
        """One iteration; returns its loss, a scalar on the device."""
        if not self.foreign:
            return self._step()
        seed = torch.randint(2**63 - 1, (), device=self.device, generator=self.generator)
        with seeded(int(seed), self.device):
            return self._step()

    def _step(self) -> Tensor:
        recipe = self.recipe
        clean = self.crops(self.batch, self.generator)
        given = self._spoil(clean)
        for group in self.optimizer.param_groups:
            group["lr"] = recipe.rate(self.iteration)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            output = self.replica(*given)
        loss = (output.float() - clean).abs().mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.iteration += 1
        if self.average is not None:
            self._update_average()
        return loss.detach()

    def _spoil(self, clean: Tensor) -> tuple[Tensor, ...]:
        """What the network is given for (B, C, H, W): noisy, with masked pixels; or noisy, and which tokens to hide."""
        recipe = self.recipe
        noise = torch.randn(clean.shape, device=self.device, generator=self.generator)
        noisy = clean + recipe.sigma / 255 * noise
        if recipe.clip_noisy:
            noisy = noisy.clamp(0, 1)
        if recipe.input_mask is None:
            return (noisy.contiguous(memory_format=self.layout),)
        hidden = hidden_pixels(noisy, recipe.input_mask, self.generator)
        if recipe.mask_on == "tokens":
            return noisy, hidden
        return (torch.where(hidden, MASKED_VALUE, noisy).contiguous(memory_format=self.layout),)

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
        """The checkpoint; of several processes all have to call it."""
        streams = self.processes.gather(self.generator.get_state())
        return {
            "network": self.network.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "generator": streams[0],
            **({"generators": streams} if len(streams) > 1 else {}),
            "iteration": self.iteration,
            "device": self.device.type,
            "seconds": self.seconds,
            "recipe": json.dumps(asdict(self.recipe)),
            "about": self.about,
        }

    def restore(self, state: dict) -> None:
        """Go on from a checkpoint; recipe, `about`, device and the number of processes must be the same, or ValueError.

        So it is for what is no checkpoint of a training. A precision that was not asked for is that of the checkpoint.
        """
        lacking = _STATE - state.keys() if isinstance(state, dict) else _STATE
        if lacking:
            raise ValueError(f"checkpoint.pt lacks {', '.join(sorted(lacking))}: {_NO_CHECKPOINT}")
        if (began_on := state.get("device", self.device.type)) != self.device.type:
            raise ValueError(f"this training began on {began_on} and cannot go on on {self.device.type}: set --device")
        try:
            stored_recipe, stored = dict(json.loads(state["recipe"])), dict(json.loads(state.get("about", self.about)))
        except (TypeError, ValueError) as error:
            raise ValueError(f"checkpoint.pt has no recipe that can be read: {_NO_CHECKPOINT}") from error
        if self.chooses_precision:
            self._compute_in(stored_recipe.get("precision", self.recipe.precision))
        if differing := self.recipe.differences(stored_recipe):
            raise ValueError(f"this training began with another recipe: {'; '.join(differing)}")
        own = json.loads(self.about)
        differing = [f"{key} was {stored.get(key)} and is {own[key]}" for key in own if stored.get(key) != own[key]]
        if differing:
            raise ValueError(f"this training began with something else: {'; '.join(differing)}")
        streams = state.get("generators", state["generator"][None]).cpu()
        if len(streams) != self.processes.count:
            came = f"this training began with {len(streams)} processes and goes on with {self.processes.count}"
            raise ValueError(f"{came}: start as many")
        try:
            self.network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.generator.set_state(streams[self.processes.rank].clone())  # of its own memory, or torch crashes
        except (RuntimeError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"checkpoint.pt does not fit this network: {_NO_CHECKPOINT}") from error
        self.average, self.iteration, self.seconds = state["average"], state["iteration"], state["seconds"]


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Draw from the streams of torch, NumPy and Python as if each had just been seeded; then they are as before."""
    kept = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            torch.manual_seed(seed)
            np.random.seed(seed % 2**32)
            random.seed(seed)
            yield
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])


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
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Progress]:
    """Run to the end of the recipe, for so many minutes, or until `stopped`; yields `Progress` about every 2 seconds.

    Writes `checkpoint.pt` (whole files only, at most `save_seconds` old) and `log.jsonl` into `out`, and goes on from
    them where they are there. Leaving the iterator early, or a kill, loses at most what came after the checkpoint;
    `stopped`, which is asked after each iteration (of several processes: after each interval), loses nothing.
    Raises ValueError for a checkpoint that cannot be gone on from, and OSError where nothing can be written.
    """
    checkpoint = out / "checkpoint.pt"
    if checkpoint.exists():
        trainer.restore(_load(checkpoint, trainer.device))
    if len(set(trainer.processes.gather(torch.tensor([trainer.iteration])).flatten().tolist())) > 1:
        raise ValueError("not every process finds the same checkpoint.pt here: all need one folder that they share")
    if trainer.processes.rank == 0:
        _cut_log(out / "log.jsonl", trainer.iteration)
    return _run(trainer, out, validate, validate_every, save_seconds, minutes, stopped)


def _run(trainer: Trainer, out: Path, validate, validate_every, save_seconds, minutes, stopped) -> Iterator[Progress]:
    """The iterations of `train`, from where the trainer is."""
    first_process = trainer.processes.rank == 0
    began = saved = time.monotonic()
    done, steps = trainer.iteration >= trainer.recipe.iterations, 4
    while not done:
        interval, first, losses = time.monotonic(), trainer.iteration, []
        end = min(first + steps, trainer.recipe.iterations, first - first % validate_every + validate_every)
        while trainer.iteration < end and not (losses and trainer.processes.count == 1 and stopped()):
            losses.append(trainer.step())
        loss = float(torch.stack(losses).mean())
        now = time.monotonic()
        trainer.seconds += now - interval
        speed = len(losses) / (now - interval)
        out_of_time = stopped() or (minutes is not None and now - began > 60 * minutes)
        own = [loss, max(1, min(4 * steps, round(speed * INTERVAL))), out_of_time, now - saved > save_seconds]
        said = trainer.processes.gather(torch.tensor(own, dtype=torch.float64))
        loss, steps = float(said[:, 0].mean()), int(said[0, 1])  # the same in every process
        out_of_time, time_to_save = bool(said[:, 2].any()), bool(said[0, 3])
        if not math.isfinite(loss):
            raise FloatingPointError(
                f"the loss is {loss} at iteration {trainer.iteration}: the training has diverged, a lower lr may help"
            )
        done = trainer.iteration >= trainer.recipe.iterations
        due = validate is not None and (done or trainer.iteration % validate_every == 0)
        scores = validate(trainer.weights()) if due and first_process else None
        progress = Progress(trainer.iteration, trainer.recipe.iterations, loss,
                            trainer.recipe.rate(trainer.iteration - 1), speed, scores)  # fmt: skip
        if first_process:
            with (out / "log.jsonl").open("a") as file:
                file.write(json.dumps(asdict(progress)) + "\n")
        if done or out_of_time or time_to_save:
            state = trainer.state()
            if first_process:
                save_atomically(state, out / "checkpoint.pt")
            trainer.processes.wait()
            saved = time.monotonic()
        yield progress
        if out_of_time:
            return


def _load(checkpoint: Path, device: torch.device) -> Any:
    """What a file has. Raises ValueError where that cannot be read."""
    try:
        return torch.load(checkpoint, map_location=device, weights_only=True)
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # a damaged file may raise anything
        raise ValueError(f"checkpoint.pt cannot be read: {getattr(error, 'strerror', '') or _NO_CHECKPOINT}") from error


def save_atomically(state: dict, path: Path) -> None:
    """torch.save into a neighbour, then rename: a kill leaves the old file or the new one, never half of one.

    Raises OSError, and leaves the old file, where there is no room or no leave.
    """
    part = path.with_suffix(".part")
    try:
        with part.open("wb") as file:  # which says what is wrong; torch's own writer only that something is
            torch.save(state, file)
        os.replace(part, path)
    except (OSError, RuntimeError) as error:
        with suppress(OSError):
            part.unlink()
        if isinstance(error, RuntimeError) and isinstance(error.__context__, OSError):  # torch's word for it
            raise error.__context__ from None
        raise


def _cut_log(log: Path, iteration: int) -> None:
    """Drop what was logged after the checkpoint: it will be done, and logged, again. A kill leaves the whole file.

    So is what is no line of a log.
    """
    if not log.exists():
        return
    lines = log.read_text().splitlines(keepends=True)
    whole = [line for line in lines if line.startswith('{"iteration": ') and line.endswith("}\n")]
    part = log.with_suffix(".part")
    part.write_text("".join(line for line in whole if json.loads(line)["iteration"] <= iteration))
    os.replace(part, log)
