"""Train a network on clean images and write its weights with a card.

The leaf `baselines.training` does the work; here it meets data sets, noises for its test curves, and the user.
"""

from __future__ import annotations

import platform
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from baselines import checkpoints, distributed, parts, training
from baselines.checkpoints import first_line
from baselines.recognition import CHANNELS
from bench import spec
from bench.errors import BadInput, described
from bench.interruption import wishes
from bench.lock import WriterLock
from bench.machine import device_of, is_out_of_memory
from bench.networks import contract, cost, tiling, weights
from bench.networks.adapters import White
from bench.networks.model import Model
from bench.noise import noises
from bench.noise.level_check import weak_noise_warnings
from bench.progress import Progress, progress
from bench.training import curves, held_out, training_images
from bench.training.tensorboard import events
from bench.training.training_images import TrainingImages
from bench.training.training_settings import choose, untrained
from noise_zoo.gaussian import Gaussian

KEPT = "The last checkpoint there is kept, and the same command goes on from it"


def train_model(
    name: str,
    data: str,
    out: Path,
    *,
    preset: str = "small",
    settings: dict[str, str] | None = None,
    iterations: int | None = None,
    seed: int = 0,
    minutes: float | None = None,
    device: str = "auto",
    validate_every: int = 1_000,
    resume: bool = False,
    called: str | None = None,
    in_parts: bool = False,
    tensorboard: bool = False,
) -> Path | None:
    """Train, or go on with a training in `out`; returns the weights' file, None if `minutes` ended it before.

    `name` is a network of this installation, or a user's: `path/to/file.py:Net(width=32)`. `data` is a folder or data
    sets, 'DIV2K,WED'. `settings` changes fields of the recipe (`input_mask='75-85'`) or of the network
    (`attention_mask='75'`). `resume` insists that there is something to go on with. `called` is the name of the
    weights, `ours-small` where none is given; `in_parts` writes them in files below 16 MiB; `tensorboard` writes
    losses and test curves for it too. An interruption saves and raises KeyboardInterrupt.
    """
    model = untrained(name, preset)
    settings = {"seed": str(seed), **(settings or {})}
    if seed and settings["seed"] != str(seed):
        raise BadInput(f"the seed came twice, {seed} and {settings['seed']}: give one")
    recipe, parameters = choose(model, preset, settings, iterations)
    model = model.changed(parameters)
    usual = model.name if model.outside else f"{model.name}-{model.size}"
    file = out / f"{weights.check_name(called or usual)}.safetensors"
    if resume and not (out / "checkpoint.pt").is_file():
        raise BadInput(f"there is nothing to resume in {out}: without --resume a training begins there")
    group, torch_device = _join(device)
    images = training_images.load(data)
    for remark in images.remarks if group.rank == 0 else ():
        print(f"note: {remark}")
    network = model.untrained(recipe.seed)
    _check_input(model, network, images)
    if images.channels == 3 and images.grey and group.rank == 0:
        print(f"note: {images.grey} images of {images.name} are greyscale: they are trained on as three equal channels")
    about = {"model": model.name, "network": weights.plain(parameters), "images": images.sha256}
    if model.outside:
        about["source"] = model.source_hash
        model.checked(torch_device)
        _check_state(model, network)
    try:
        trainer = training.Trainer(network, images.train, recipe, torch_device, about, group, model.outside)
    except ValueError as error:
        raise BadInput(f"{model.name} on {images.name}: {error}") from error
    if model.outside:
        contract.check_training(
            model.untrained().to(torch_device), model.label, torch_device, trainer.recipe, images.channels
        )
        if images.held_out and not tiling.own(model):
            contract.check_size(model.load(torch_device), model.label, torch_device, held_out.SIDE)
    speaks = group.rank == 0
    for sentence in weak_noise_warnings([Gaussian(recipe.sigma)]) if speaks and recipe.sigma else ():
        print(f"warning: training noise: {sentence}", file=sys.stderr)
    score = held_out.scorer(model.untrained(), images.held_out, torch_device, tiling.own(model), model.channels)
    with _locked(out, group):
        for_tensorboard = events(out / "tensorboard") if tensorboard and speaks else nullcontext()
        with wishes() as stopped, for_tensorboard as write_event:
            options = {"validate": score, "validate_every": validate_every, "minutes": minutes, "should_stop": stopped}
            went_on = _watch(model, trainer, out, write_event, options)
            interrupted = stopped()
        if trainer.iteration < recipe.iterations:
            if speaks:
                print(f"stopped at iteration {trainer.iteration} of {recipe.iterations}: the same command goes on")
            if interrupted:
                raise KeyboardInterrupt
            return None
        written = file.with_name(file.stem + parts.INDEX) if in_parts else file
        if speaks and (went_on or not (written.exists() and checkpoints.card_beside(written).exists())):
            scores = score(held_out.halved(trainer.weights())) if score else {}
            card = _card(file.stem, model, trainer, images, scores) | {"curve": curves.for_card(out)}
            try:
                checkpoints.write_weights(trainer.weights(), file, card, in_parts=in_parts)
            except (OSError, ValueError) as error:
                raise BadInput(f"{written} cannot be written: {error}") from error
        return written


@contextmanager
def _locked(out: Path, group: distributed.ProcessGroup) -> Iterator[None]:
    """A folder, made where there is none, in which nobody else trains; the first process has the lock for all.

    Raises BadInput, in every process.
    """
    lock, refusal = WriterLock(out, str(out / "log.jsonl")), None
    try:
        if group.rank == 0:
            try:
                out.mkdir(parents=True, exist_ok=True)
                lock.take()
            except BadInput as error:
                refusal = error
            except OSError as error:
                refusal = BadInput(f"{out} cannot be written: {error.strerror}. Name another folder with --out")
        if group.gather(torch.tensor([refusal is not None], dtype=torch.int64)).any():
            raise refusal or BadInput(f"there is no training in {out}: the first process says why")
        yield
    finally:
        lock.give_back()


def _join(device: str) -> tuple[distributed.ProcessGroup, torch.device]:
    """The processes of this training, and this one's device."""
    if distributed.world_size() == 1:
        return distributed.SINGLE_PROCESS, device_of(device)
    try:
        return distributed.join(device)
    except ValueError as error:
        raise BadInput(str(error)) from error


def _check_input(model: Model, network: torch.nn.Module, images: TrainingImages) -> None:
    """Refuse a network whose input is not what crops of these images are."""
    try:
        adapted = model.adapted(network)
    except ValueError as error:
        raise BadInput(f"{model.label}: {error}") from error
    if isinstance(adapted, White):
        raise BadInput(f"{model.label} takes white at {adapted.white}, expected images in [0, 1]: leave it out")
    if model.channels == images.channels:
        return
    own = [name for name in spec.parameters_of(model.factory) if name in (*CHANNELS, "out_nc", "out_channels")]
    if images.channels == 1:
        how = f": give {' '.join(f'--set {name}=1' for name in own)}, or name colour images" if own else ""
        raise BadInput(f"{images.name} is greyscale, and {model.label} is for colour images{how}")
    how = f", or leave {' and '.join(own)} out" if own else ""
    raise BadInput(
        f"{model.label} is for greyscale images, and {images.name} has colour ones: name greyscale ones{how}"
    )


def _check_state(model: Model, network: torch.nn.Module) -> None:
    """Refuse a user's network without parameters, or with what a file of weights cannot give back."""
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise BadInput(f"model {model.label} has no parameters that could be trained")
    for key, value in network.state_dict().items():
        if not isinstance(value, torch.Tensor):
            came = f"of type {type(value).__name__}"
        elif value.is_complex():
            came = "complex"
        elif not value.isfinite().all():
            came = "not finite"
        else:
            continue
        raise BadInput(f"{key} in the state_dict of {model.label} is {came}, wanted finite real tensors: keep it out "
                       "of what is saved (register_buffer has persistent=False)")  # fmt: skip


def _watch(model: Model, trainer: training.Trainer, out: Path, write_event, options: dict[str, Any]) -> bool:
    """Run a training to its end, and say how it goes; whether there was anything to do. Raises BadInput."""
    speaks, went_on = trainer.processes.rank == 0, False
    try:
        running = training.train(trainer, out, **options)
        total, done = trainer.recipe.iterations, trainer.iteration
        with progress(f"train {model.name}", total, done) if speaks else nullcontext() as bar:
            for state in running:
                went_on = True
                if write_event:
                    write_event(state, done)
                if bar:
                    _say(bar, state)
    except (ValueError, FloatingPointError) as error:
        raise BadInput(f"{out}: {error}") from error
    except OSError as error:
        raise BadInput(f"{out} cannot be written: {error.strerror or error}. {KEPT}") from error
    except Exception as error:
        if is_out_of_memory(error):
            raise BadInput(f"the memory does not suffice: {first_line(error)}. Set a smaller batch or crop") from error
        if not model.outside:
            raise
        raise BadInput(f"model {model.label} fails in training: {described(error)}. {KEPT}") from error
    return went_on


def _say(bar: Progress, state: training.TrainingProgress) -> None:
    bar.advance(state.iteration - bar.done, f"loss {state.loss:.4f}, {state.iterations_per_second:.2f} it/s")
    if state.scores:
        shown = "  ".join(f"{noise} {value:.2f}" for noise, value in state.scores.items())
        bar.say(f"iteration {state.iteration}, PSNR on held-out images: {shown}")


def _card(called: str, model: Model, trainer: training.Trainer, images: TrainingImages,
          scores: dict[str, float]) -> dict[str, Any]:  # fmt: skip
    """What is known of trained weights; `scores` are those of the weights in half precision, as they are written."""
    recipe, count = trainer.recipe, trainer.processes.size
    launcher = f"torchrun --nproc-per-node {count} -m " if count > 1 else ""
    several = f"{count} processes, " if count > 1 else ""
    licence = model.licence if model.outside else "MIT"
    source = {"source": model.source, "source_sha256": model.source_hash} if model.outside else {}
    return {
        "name": called,
        "model": model.name,
        "size": model.size,
        "title": model.title,
        "paper": model.paper,
        "licence": f"{licence}; training images: {', '.join(dict.fromkeys(images.terms.values()))}",
        **source,
        "parameters": cost.count_parameters(trainer.network),
        "network": weights.plain(model.parameters),
        "recipe": weights.plain(asdict(recipe)),
        "trained_on": {
            "data": images.name,
            "images": len(images.train),
            "held_out": len(images.held_out),
            **({"greyscale": images.grey} if images.grey else {}),
            "pixels_sha256": images.sha256,
            "noise": noises.canonical(Gaussian(recipe.sigma)),
            "terms": images.terms,
        },
        "command": f"{launcher}bench " + " ".join(shlex.quote(word) for word in sys.argv[1:]),
        "seconds": round(trainer.seconds),
        "machine": f"{platform.machine()}, {trainer.device}, {several}{torch.get_num_threads()} threads, "
        f"torch {torch.__version__}",
        "psnr_held_out": {noise: round(value, 3) for noise, value in scores.items()},
    }
