"""Train a denoiser on clean images: crops, flips, Gaussian noise and masks are drawn on the device, in each step.

Other noise comes from a function, which gets each crop with a key that determines what it draws.

Every random number comes from one generator per process, whose state is in the checkpoint: a resumed training equals an
uninterrupted one bit for bit on the same machine.
"""

from __future__ import annotations

import json
import math
import random
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from baselines.layers.non_blind import level_input
from baselines.layers.validation import is_integer
from baselines.train.crops import MASKED_VALUE, Crops, hidden_pixels
from baselines.train.distributed import SINGLE_PROCESS, ProcessGroup
from baselines.train.precision import fastest
from baselines.train.recipe import Recipe

CHECKPOINT = "checkpoint.pt"  # in the folder of a training
COMPILERS = ("g++", "clang++")
REPORT_SECONDS = 2.0  # approximate time between two reports
# (clean crop, float32 (H, W, C), key) -> noisy, clean target, and the noise's standard deviation for non-blind networks
DrawNoise = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray, np.ndarray | None]]
_STATE_KEYS = {"network", "average", "optimizer", "generator", "iteration", "seconds", "recipe"}
_SAME_OR_OTHER = "Use the same options, or another --out"
_START_OVER = "it is damaged or not from a training. Move it away to start over"


class Trainer:
    """A training: network, optimizer, moving average, random stream. `state` and `restore` save and load a checkpoint.

    images        uint8 (H, W, C)
    about         what else must be equal when the training is resumed, as JSON values
    user_defined  the network is not one of ours: it gets nothing but images, and global random streams are seeded
    draw_noise    the noise of a recipe with `noise`
    extends       a checkpoint of the same recipe with fewer iterations is resumed too (`Recipe.extended`)
    """

    def __init__(
        self,
        network: nn.Module,
        images: list[np.ndarray],
        recipe: Recipe,
        device: torch.device,
        about=None,
        processes: ProcessGroup = SINGLE_PROCESS,
        user_defined: bool = False,
        extends: bool = False,
        draw_noise: DrawNoise | None = None,
    ):
        if (recipe.noise is None) != (draw_noise is None):
            raise ValueError(f"noise: expected a function that draws {recipe.noise}, got {draw_noise}")
        self.extends, self.draw_noise = extends, draw_noise
        self.about = json.dumps(about or {})
        self.network, self.recipe, self.device = network.to(device).train(), recipe, device
        self.user_defined = user_defined
        self.auto_precision = recipe.precision == "auto"
        self._set_precision(fastest(network, device) if self.auto_precision else recipe.precision)
        self.processes, self.batch = processes, processes.local_batch(recipe.batch)
        tokens = recipe.input_mask is not None and recipe.mask_on == "tokens"
        mask_token = None if user_defined else getattr(network, "mask_token", None)
        if tokens and (user_defined or not hasattr(network, "mask_token")):
            raise ValueError(f"mask_on: expected pixels for {type(network).__name__} (no tokens), got tokens")
        if not tokens and mask_token is not None:
            raise ValueError("mask_token='learned' needs masked tokens: set mask_on=tokens too")
        self.crops = Crops(images, recipe.crop, device)
        self.generator = torch.Generator(device).manual_seed(processes.seed(recipe.seed))
        if not user_defined and hasattr(network, "generator"):  # its random numbers too
            network.generator = self.generator
        if recipe.compile:
            if self.device.type == "cpu" and not any(map(shutil.which, COMPILERS)):
                raise ValueError(f"compile=True needs {' or '.join(COMPILERS)}: install one, or set compile=False")
            network.compile()
        self.replica = processes.wrap(network, find_unused_parameters=user_defined)
        self.optimizer = torch.optim.Adam(network.parameters(), recipe.lr, recipe.betas, fused=True)
        self.average = {k: v.clone() for k, v in network.state_dict().items()} if recipe.ema else None
        self.iteration, self.seconds = 0, 0.0

    def _set_precision(self, precision: str) -> None:
        """Set the precision and the memory layout of images.

        On the CPU convolutions are up to 1.6 times as fast in channels-last; but in bfloat16 the gradients of dilated
        ones are NaN (oneDNN), and a user-defined network may call `view`, which needs contiguous tensors.
        """
        self.recipe = replace(self.recipe, precision=precision)
        last = self.device.type == "cpu" and precision == "float32" and not self.user_defined
        self.layout = torch.channels_last if last else torch.contiguous_format
        self.network.to(memory_format=self.layout)

    def step(self) -> Tensor:
        """One iteration; returns its loss, a scalar on the device."""
        if not self.user_defined:
            return self._step()
        seed = torch.randint(2**63 - 1, (), device=self.device, generator=self.generator)
        with seeded(int(seed), self.device):
            return self._step()

    def _step(self) -> Tensor:
        recipe = self.recipe
        clean = self.crops(self.batch, self.generator)
        inputs, target, level = self._corrupt(clean)
        for group in self.optimizer.param_groups:
            group["lr"] = recipe.rate(self.iteration)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            output = self.replica(*inputs, **level)
        loss = (output.float() - target).abs().mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.iteration += 1
        if self.average is not None:
            self._update_average()
        return loss.detach()

    def _corrupt(self, clean: Tensor) -> tuple[tuple[Tensor, ...], Tensor, dict[str, Tensor]]:
        """(inputs of the network, target, noise level as its argument if it is non-blind) for crops (B, C, H, W).

        Inputs are the noisy crops with masked pixels; or noisy crops, and hidden tokens.
        """
        recipe = self.recipe
        noisy, target, deviation = self._gaussian(clean) if self.draw_noise is None else self._drawn(clean)
        level = {} if deviation is None else level_input(self.network, deviation)
        if recipe.clip_noisy:
            noisy = noisy.clamp(0, 1)
        if recipe.input_mask is None:
            return (noisy.contiguous(memory_format=self.layout),), target, level
        hidden = hidden_pixels(noisy, recipe.input_mask, self.generator)
        if recipe.mask_on == "tokens":
            return (noisy, hidden), target, level
        return (torch.where(hidden, MASKED_VALUE, noisy).contiguous(memory_format=self.layout),), target, level

    def _gaussian(self, clean: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(noisy, clean, standard deviation (B, 1, H, W)) with Gaussian noise at the level or range of the recipe."""
        deviation = self.recipe.sigma
        if isinstance(deviation, tuple):
            low, high = deviation
            share = torch.rand(len(clean), 1, 1, 1, device=self.device, generator=self.generator)
            deviation = low + (high - low) * share
        deviation = deviation / 255
        noise = torch.randn(clean.shape, device=self.device, generator=self.generator)
        return clean + deviation * noise, clean, torch.zeros_like(clean[:, :1]) + deviation

    def _drawn(self, clean: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """(noisy, target, standard deviation, each (B, C, H, W)) with the noise of `draw_noise`, crop by crop."""
        keys = torch.randint(2**63 - 1, (len(clean),), device=self.device, generator=self.generator).tolist()
        crops = clean.permute(0, 2, 3, 1).cpu().numpy()
        drawn = zip(*(self.draw_noise(crop, key) for crop, key in zip(crops, keys, strict=True)), strict=True)
        return tuple(None if images[0] is None else self._batch(images) for images in drawn)

    def _batch(self, images: Sequence[np.ndarray]) -> Tensor:
        """Images (H, W, C) -> (B, C, H, W) on the device."""
        return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous().to(self.device)

    @torch.no_grad()
    def _update_average(self) -> None:
        # a smaller decay at first, so that the random initialization is forgotten
        decay = min(self.recipe.ema, (1 + self.iteration) / (10 + self.iteration))
        for key, value in self.network.state_dict().items():
            if value.is_floating_point():
                self.average[key].lerp_(value, 1 - decay)
            else:
                self.average[key].copy_(value)

    def weights(self) -> dict[str, Tensor]:
        """The weights to evaluate and export: the moving average if there is one."""
        return self.average if self.average is not None else self.network.state_dict()

    def state(self) -> dict:
        """The checkpoint. Every process must call it."""
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
        """Resume from a checkpoint. With precision 'auto' the checkpoint's precision is used.

        Raises ValueError if it is not a checkpoint of a training, or if recipe, `about`, device type or the number of
        processes differ.
        """
        lacking = _STATE_KEYS - state.keys() if isinstance(state, dict) else _STATE_KEYS
        if lacking:
            raise ValueError(f"checkpoint.pt lacks {', '.join(sorted(lacking))}: {_START_OVER}")
        if (began_on := state.get("device", self.device.type)) != self.device.type:
            raise ValueError(
                f"device: expected {began_on}, as at the start, got {self.device.type}: use --device {began_on}"
            )
        try:
            stored_recipe, stored = dict(json.loads(state["recipe"])), dict(json.loads(state.get("about", self.about)))
        except (TypeError, ValueError) as error:
            raise ValueError(f"checkpoint.pt has no readable recipe: {_START_OVER}") from error
        if self.auto_precision:
            self._set_precision(stored_recipe.get("precision", self.recipe.precision))
        if self.extends and is_integer(began := stored_recipe.get("iterations")) and began < self.recipe.iterations:
            stored_recipe["iterations"] = self.recipe.iterations
        if differing := self.recipe.differences(stored_recipe):
            raise ValueError(f"this training began with another recipe: {'; '.join(differing)}. {_SAME_OR_OTHER}")
        own = json.loads(self.about)
        differing = [f"{key} (stored {stored.get(key)}, now {own[key]})" for key in own if stored.get(key) != own[key]]
        if differing:
            raise ValueError(f"this training began differently: {'; '.join(differing)}. {_SAME_OR_OTHER}")
        streams = state.get("generators", state["generator"][None]).cpu()
        if len(streams) != self.processes.size:
            raise ValueError(
                f"processes: expected {len(streams)}, as when this training began, got {self.processes.size}: "
                "start the same number"
            )
        try:
            self.network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.generator.set_state(streams[self.processes.rank].clone())  # torch crashes on a view
        except (RuntimeError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"checkpoint.pt does not fit this network: {_START_OVER}") from error
        self.average, self.iteration, self.seconds = state["average"], state["iteration"], state["seconds"]


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed the global random streams of torch, NumPy and Python inside the context; restore them afterwards."""
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
class TrainingProgress:
    """The state of a training after an interval or a validation; `loss` is the mean over the interval."""

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
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[TrainingProgress]:
    """Train to the end of the recipe, for `minutes`, or until `should_stop()`; yields progress about every 2 seconds.

    Writes `checkpoint.pt` (atomically, at most `save_seconds` old) and `log.jsonl` into `out`, and resumes from them if
    they exist. A kill, or leaving the iterator early, loses the iterations since the checkpoint; `should_stop`, called
    after each iteration (with several processes: after each interval), loses none.
    Raises ValueError if the checkpoint cannot be resumed, OSError if nothing can be written.
    """
    checkpoint = out / CHECKPOINT
    if checkpoint.exists():
        trainer.restore(_load(checkpoint, trainer.device))
    if len(set(trainer.processes.gather(torch.tensor([trainer.iteration])).flatten().tolist())) > 1:
        raise ValueError("checkpoint.pt differs between processes: use an --out that they share")
    if trainer.processes.rank == 0:
        _cut_log(out / "log.jsonl", trainer.iteration)
    return _run(trainer, out, validate, validate_every, save_seconds, minutes, should_stop)


def _run(
    trainer: Trainer, out: Path, validate, validate_every, save_seconds, minutes, should_stop
) -> Iterator[TrainingProgress]:
    """The iterations of `train`, from where the trainer is."""
    first_process = trainer.processes.rank == 0
    began = saved = time.monotonic()
    done, steps = trainer.iteration >= trainer.recipe.iterations, 4
    while not done:
        interval, first, losses = time.monotonic(), trainer.iteration, []
        end = min(first + steps, trainer.recipe.iterations, first - first % validate_every + validate_every)
        while trainer.iteration < end and not (losses and trainer.processes.size == 1 and should_stop()):
            losses.append(trainer.step())
        loss = float(torch.stack(losses).mean())
        now = time.monotonic()
        trainer.seconds += now - interval
        speed = len(losses) / (now - interval)
        out_of_time = should_stop() or (minutes is not None and now - began > 60 * minutes)
        own = [loss, max(1, min(4 * steps, round(speed * REPORT_SECONDS))), out_of_time, now - saved > save_seconds]
        gathered = trainer.processes.gather(torch.tensor(own, dtype=torch.float64))
        loss, steps = float(gathered[:, 0].mean()), int(gathered[0, 1])  # the same in every process
        out_of_time, time_to_save = bool(gathered[:, 2].any()), bool(gathered[0, 3])
        if not math.isfinite(loss):
            raise FloatingPointError(
                f"the loss is {loss} at iteration {trainer.iteration}: the training diverged, try a lower lr"
            )
        done = trainer.iteration >= trainer.recipe.iterations
        due = validate is not None and (done or trainer.iteration % validate_every == 0)
        scores = validate(trainer.weights()) if due and first_process else None
        progress = TrainingProgress(
            trainer.iteration,
            trainer.recipe.iterations,
            loss,
            trainer.recipe.rate(trainer.iteration - 1),
            speed,
            scores,
        )
        if first_process:
            with (out / "log.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(progress)) + "\n")
        if done or out_of_time or time_to_save:
            state = trainer.state()
            if first_process:
                save_atomically(state, out / CHECKPOINT)
            trainer.processes.barrier()
            saved = time.monotonic()
        yield progress
        if out_of_time:
            return


def _load(checkpoint: Path, device: torch.device) -> Any:
    """Load a checkpoint file. Raises ValueError if it cannot be read."""
    try:
        return torch.load(checkpoint, map_location=device, weights_only=True)
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # a damaged file may raise anything
        raise ValueError(f"checkpoint.pt cannot be read: {getattr(error, 'strerror', '') or _START_OVER}") from error


def save_atomically(state: dict, path: Path) -> None:
    """torch.save to a temporary file, then rename: a kill leaves the old file or the new one.

    Raises OSError, keeping the old file, if the disk is full or writing is not permitted.
    """
    part = path.with_suffix(".part")
    try:
        with part.open("wb") as file:  # its errors are specific, those of torch's writer are not
            torch.save(state, file)
        Path(part).replace(path)
    except (OSError, RuntimeError) as error:
        with suppress(OSError):
            part.unlink()
        if isinstance(error, RuntimeError) and isinstance(error.__context__, OSError):  # torch wraps it
            raise error.__context__ from None
        raise


def _cut_log(log: Path, iteration: int) -> None:
    """Drop log lines after the checkpoint (those iterations are repeated) and invalid lines. Atomic."""
    if not log.exists():
        return
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    whole = [line for line in lines if line.startswith('{"iteration": ') and line.endswith("}\n")]
    part = log.with_suffix(".part")
    part.write_text("".join(line for line in whole if json.loads(line)["iteration"] <= iteration), encoding="utf-8")
    Path(part).replace(log)
