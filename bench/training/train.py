"""Train a network on clean images and write its weights with a card.

`baselines.train.training` is the training loop; this module adds data sets, test curves, checks and messages.
"""

from __future__ import annotations

import platform
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from baselines.train import distributed, training
from baselines.weights_io import checkpoints, shards
from baselines.weights_io.recognition import INPUT_CHANNEL_NAMES
from bench import spec
from bench.core.environment import device_of, is_out_of_memory
from bench.core.errors import BadInput, described
from bench.core.interruption import graceful_shutdown
from bench.core.lock import WriterLock
from bench.core.progress import Progress, progress
from bench.models import complexity, contract, tiling, weights
from bench.models.adapters import RangeAdapter
from bench.models.model import Model
from bench.noise.level_check import weak_noise_warnings
from bench.training import curves, held_out, noise_sampler, training_images
from bench.training.tensorboard import events
from bench.training.training_images import TrainingImages
from bench.training.training_options import configure, untrained
from noise_zoo.gaussian import Gaussian

RESUME_ADVICE = "run the same command again to resume"


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
    extend: int | None = None,
    called: str | None = None,
    in_parts: bool = False,
    tensorboard: bool = False,
) -> Path | None:
    """Train a network, or resume the training in `out`; returns the weights file, None if stopped after `minutes`.

    name         a network of this installation, or a user-defined one: `path/to/file.py:Net(width=32)`
    data         a folder, or data sets: 'DIV2K,WED'
    settings     fields of the recipe (`input_mask='75-85'`) or parameters of the network (`attention_mask='75'`)
    resume       require an existing checkpoint
    extend       resume a training, finished or not, up to this number of iterations in total
    called       name of the weights, by default that of network and size, `ours-small`
    in_parts     write the weights in several files below 16 MiB
    tensorboard  also write losses and test curves for TensorBoard

    An interruption saves a checkpoint and raises KeyboardInterrupt. Raises BadInput.
    """
    model = untrained(name, preset)
    settings = {"seed": str(seed), **(settings or {})}
    if seed and settings["seed"] != str(seed):
        raise BadInput(f"expected one seed, got {seed} and {settings['seed']}: remove one")
    recipe, parameters = configure(model, preset, settings, iterations)
    if extend is not None:
        try:
            recipe = recipe.extended(extend)
        except ValueError as error:
            raise BadInput(f"--extend: {error}") from error
    model = model.changed(parameters)
    usual = model.name if model.user_defined else f"{model.name}-{model.size}"
    file = out / f"{weights.check_name(called or usual)}.safetensors"
    if (resume or extend is not None) and not (out / training.CHECKPOINT).is_file():
        option = "--resume" if resume else "--extend"
        raise BadInput(f"{option}: expected a checkpoint in {out}, got none: start the training without {option}")
    group, torch_device = _join(device)
    images = training_images.load(data)
    for remark in images.remarks if group.rank == 0 else ():
        print(f"note: {remark}")
    network = model.untrained(recipe.seed)
    _check_input(model, network, images)
    if images.channels == 3 and images.grey and group.rank == 0:
        print(f"note: {images.grey} images of {images.name} are greyscale: used as three equal channels")
    about = {"model": model.name, "network": weights.plain(parameters), "images": images.sha256}
    if model.user_defined:
        about["source"] = model.source_hash
        model.checked(torch_device)
        _check_state(model, network)
    noise = noise_sampler.noise_of(recipe)
    draw_noise = noise_sampler.sampler_of(recipe, images.channels, model.level is not None)
    if draw_noise:
        about["noise_versions"] = draw_noise.versions
    try:
        trainer = training.Trainer(
            network,
            images.train,
            recipe,
            torch_device,
            about,
            group,
            model.user_defined,
            extends=extend is not None,
            draw_noise=draw_noise,
        )
    except ValueError as error:
        raise BadInput(f"{model.name} on {images.name}: {error}") from error
    if model.user_defined:
        contract.check_training(
            model.untrained().to(torch_device), model.label, torch_device, trainer.recipe, images.channels
        )
        if images.held_out and not tiling.own(model):
            contract.check_size(model.load(torch_device), model.label, torch_device, held_out.CROP_SIDE)
    reports = group.rank == 0
    strongest = [maximum for _, maximum in noise.ranges if maximum != Gaussian(0)]
    for sentence in weak_noise_warnings(strongest) if reports else ():
        print(f"warning: training noise: {sentence}", file=sys.stderr)
    score = held_out.scorer(model.untrained(), images.held_out, torch_device, tiling.own(model), model.channels)
    with _locked(out, group):
        for_tensorboard = events(out / "tensorboard") if tensorboard and reports else nullcontext()
        with graceful_shutdown() as stopped, for_tensorboard as write_event:
            options = {"validate": score, "validate_every": validate_every, "minutes": minutes, "should_stop": stopped}
            trained = _watch(model, trainer, out, write_event, options)
            interrupted = stopped()
        if trainer.iteration < recipe.iterations:
            if reports:
                print(f"stopped at iteration {trainer.iteration} of {recipe.iterations}: {RESUME_ADVICE}")
            if interrupted:
                raise KeyboardInterrupt
            return None
        written = file.with_name(file.stem + shards.INDEX) if in_parts else file
        if reports and (trained or not (written.exists() and checkpoints.card_beside(written).exists())):
            scores = _final_scores(score, held_out.halved(trainer.weights())) if score else {}
            card = _card(file.stem, model, trainer, images, scores) | {"curve": curves.for_card(out)}
            try:
                checkpoints.write_weights(trainer.weights(), file, card, sharded=in_parts)
            except (OSError, ValueError) as error:
                raise BadInput(f"{written}: cannot be written ({error})") from error
        return written


@contextmanager
def _locked(out: Path, group: distributed.ProcessGroup) -> Iterator[None]:
    """Create and lock the folder of a training; the first process holds the lock for all.

    Raises BadInput in every process if the folder is in use or cannot be written.
    """
    lock, refusal = WriterLock(out, str(out / "log.jsonl")), None
    try:
        if group.rank == 0:
            try:
                out.mkdir(parents=True, exist_ok=True)
                lock.acquire()
            except BadInput as error:
                refusal = error
            except OSError as error:
                refusal = BadInput(f"{out}: cannot be written ({error.strerror}): name another folder with --out")
        if group.gather(torch.tensor([refusal is not None], dtype=torch.int64)).any():
            raise refusal or BadInput(f"training in {out} failed to start: see the message of the first process")
        yield
    finally:
        lock.release()


def _join(device: str) -> tuple[distributed.ProcessGroup, torch.device]:
    """The process group of this training, and the device of this process. Raises BadInput."""
    if distributed.world_size() == 1:
        return distributed.SINGLE_PROCESS, device_of(device)
    try:
        return distributed.join(device)
    except ValueError as error:
        raise BadInput(str(error)) from error


def _check_input(model: Model, network: torch.nn.Module, images: TrainingImages) -> None:
    """Raise BadInput if a network does not take images with these channels in [0, 1]."""
    try:
        adapted = model.adapted(network)
    except ValueError as error:
        raise BadInput(f"{model.label}: {error}") from error
    if isinstance(adapted, RangeAdapter):
        raise BadInput(
            f"{model.label}: expected a network for values in [0, 1], got [0, {adapted.white}]: remove that setting"
        )
    if model.channels == images.channels:
        return
    own = [
        name for name in spec.parameters_of(model.factory) if name in (*INPUT_CHANNEL_NAMES, "out_nc", "out_channels")
    ]
    if images.channels == 1:
        advice = f": add {' '.join(f'--set {name}=1' for name in own)}, or name colour images" if own else ""
        raise BadInput(f"{model.label}: expected colour images, got greyscale ones in {images.name}{advice}")
    advice = f", or remove {' and '.join(own)}" if own else ""
    raise BadInput(
        f"{model.label}: expected greyscale images, got colour ones in {images.name}: name greyscale images{advice}"
    )


def _check_state(model: Model, network: torch.nn.Module) -> None:
    """Raise BadInput for a network without trainable parameters, or a state that cannot be stored."""
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise BadInput(f"model {model.label}: expected trainable parameters, got none")
    for key, value in network.state_dict().items():
        if not isinstance(value, torch.Tensor):
            got = f"an object of type {type(value).__name__}"
        elif value.is_complex():
            got = "a complex tensor"
        elif not value.isfinite().all():
            got = "NaN or infinity"
        else:
            continue
        raise BadInput(
            f"{key} in the state_dict of {model.label}: expected a finite real tensor, got {got}: exclude it, e.g. "
            "with register_buffer(..., persistent=False)"
        )


def _watch(model: Model, trainer: training.Trainer, out: Path, write_event, options: dict[str, Any]) -> bool:
    """Run a training to its end and report its progress; returns whether any iteration ran. Raises BadInput."""
    reports, trained, bar = trainer.processes.rank == 0, False, None
    score = options.pop("validate")

    def validate(scored: Mapping[str, torch.Tensor]) -> dict[str, float]:
        return score(scored, lambda done, total: bar.advance(0, f"scoring held-out images, {done}/{total}"))

    try:
        running = training.train(trainer, out, validate=validate if score else None, **options)
        total, done = trainer.recipe.iterations, trainer.iteration
        with progress(f"train {model.name}", total, done) if reports else nullcontext() as bar:
            for state in running:
                trained = True
                if write_event:
                    write_event(state, done)
                if bar:
                    _report_progress(bar, state)
    except (ValueError, FloatingPointError) as error:
        raise BadInput(f"{out}: {error}") from error
    except OSError as error:
        raise BadInput(f"{out}: cannot be written ({error.strerror or error}). {kept(out)}") from error
    except Exception as error:
        if is_out_of_memory(error):
            raise BadInput(
                f"out of memory: {described(error)}. Set a smaller batch or crop, e.g. --set batch=8"
            ) from error
        if not model.user_defined:
            raise
        raise BadInput(f"model {model.label}: failed in training: {described(error)}. {kept(out)}") from error
    return trained


def kept(out: Path) -> str:
    """What is left of a training that ended early: whether its folder has a checkpoint."""
    if (out / training.CHECKPOINT).is_file():
        return f"The last checkpoint is kept: {RESUME_ADVICE}"
    return "Nothing is kept: there is no checkpoint yet"


def _final_scores(score: held_out.HeldOutScorer, stored: Mapping[str, torch.Tensor]) -> dict[str, float]:
    """PSNR in dB by noise of the weights as stored, with a progress bar."""
    with progress("score held-out images", len(score)) as bar:
        return score(stored, lambda done, total: bar.advance())


def _report_progress(bar: Progress, state: training.TrainingProgress) -> None:
    bar.advance(state.iteration - bar.done, f"loss {state.loss:.4f}, {state.iterations_per_second:.2f} it/s")
    if state.scores:
        shown = "  ".join(f"{noise} {value:.2f}" for noise, value in state.scores.items())
        bar.say(f"iteration {state.iteration}, PSNR on held-out images: {shown}")


def _card(
    called: str, model: Model, trainer: training.Trainer, images: TrainingImages, scores: dict[str, float]
) -> dict[str, Any]:
    """The card of trained weights; `scores`: PSNR in dB by noise of the weights in half precision, as stored."""
    recipe, count = trainer.recipe, trainer.processes.size
    launcher = f"torchrun --nproc-per-node {count} -m " if count > 1 else ""
    several = f"{count} processes, " if count > 1 else ""
    licence = model.licence if model.user_defined else "MIT"
    source = {"source": model.source, "source_sha256": model.source_hash} if model.user_defined else {}
    return {
        "name": called,
        "model": model.name,
        "size": model.size,
        "title": model.title,
        "paper": model.paper,
        "licence": f"{licence}; training images: {', '.join(dict.fromkeys(images.terms.values()))}",
        **source,
        "parameters": complexity.count_parameters(trainer.network),
        "network": weights.plain(model.parameters),
        "recipe": weights.plain(asdict(recipe)),
        "trained_on": {
            "data": images.name,
            "images": len(images.train),
            "held_out": len(images.held_out),
            **({"greyscale": images.grey} if images.grey else {}),
            "pixels_sha256": images.sha256,
            "noise": noise_sampler.noise_of(recipe).specs,
            "terms": images.terms,
        },
        "command": f"{launcher}bench " + " ".join(shlex.quote(word) for word in sys.argv[1:]),
        "seconds": round(trainer.seconds),
        "machine": f"{platform.machine()}, {trainer.device}, {several}{torch.get_num_threads()} threads, "
        f"torch {torch.__version__}",
        "psnr_held_out": {noise: round(value, 3) for noise, value in scores.items()},
    }
