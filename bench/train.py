"""Train a network on a folder of clean images and write its weights with a card.

The leaf `baselines.training` does the work; here it meets data sets, noises for its test curves, and the user.
"""

from __future__ import annotations

import hashlib
import platform
import re
import shlex
import sys
from dataclasses import asdict, fields
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch

from baselines import checkpoints, training
from bench import cards, cost, datasets, noises, protocols, spec
from bench.errors import BadInput, unknown
from bench.machine import device_of
from bench.metrics import psnr
from bench.model import initialized
from bench.progress import progress

HELD_OUT = 20  # images of the training folder that are kept for choices and for test curves
WATCHED = ("gaussian(sigma=15)", "gaussian(sigma=50)", "mixture(level=2)", "salt_pepper(density=0.02)",
           "correlated(sigma=50)", "speckle(var=0.04)", "poisson(alpha=3)")  # fmt: skip
SIZE_OF_PRESET = {"small": "small", "paper": "full"}


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
) -> Path | None:
    """Train, or go on with a training in `out`; returns the weights' file, None if `minutes` ended it before.

    `settings` changes fields of the recipe (`input_mask='75-85'`) or of the network (`attention_mask='75'`).
    """
    if name in cards.classical():
        raise BadInput(f"{name} has no weights to train; networks are {', '.join(cards.networks())}")
    if name not in cards.networks():
        raise unknown("model", name, cards.networks())
    if preset not in SIZE_OF_PRESET:
        raise unknown("preset", preset, SIZE_OF_PRESET)
    module, size = import_module(f"baselines.{name}"), SIZE_OF_PRESET[preset]
    of_recipe, of_network = sort_settings(name, module, settings or {})
    recipe = training.PRESETS[preset]
    try:
        changes = {**getattr(module, "RECIPE", {}).get(size, {}), "seed": seed, **of_recipe}
        if iterations is not None:
            changes["iterations"] = iterations
        recipe = training.with_settings(recipe, **changes)
    except (ValueError, TypeError) as error:
        raise BadInput(str(error)) from error
    parameters = {**module.SIZES[size], **of_network}
    torch_device = device_of(device)
    dataset = datasets.load_dataset(Path(data) if Path(data).is_dir() else data)
    train_images, held_out, data_hash = _read(dataset)
    try:
        network = initialized(module.network, parameters, recipe.seed)
    except (ValueError, TypeError, RuntimeError) as error:
        shown = ", ".join(f"{key}={value!r}" for key, value in of_network.items())
        raise BadInput(f"network {name}({shown}): {error}") from error
    about = {"model": name, "network": _plain(parameters), "images": data_hash}
    try:
        trainer = training.Trainer(network, train_images, recipe, torch_device, about)
    except ValueError as error:
        raise BadInput(f"data set {dataset.name}: {error}") from error
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{out} cannot be made a folder: {error.strerror}") from error
    evaluation = module.network(**parameters)
    validate = test_curves(evaluation, held_out, trainer.device)
    scores: dict[str, float] = {}
    try:
        running = training.train(trainer, out, validate=validate, validate_every=validate_every, minutes=minutes)
        with progress(f"train {name}", recipe.iterations, trainer.iteration) as bar:
            for state in running:
                bar.advance(
                    state.iteration - bar.done, f"loss {state.loss:.4f}, {state.iterations_per_second:.2f} it/s"
                )
                if state.scores:
                    scores = state.scores
                    shown = "  ".join(f"{noise} {value:.2f}" for noise, value in scores.items())
                    bar.say(f"iteration {state.iteration}, PSNR on held-out images: {shown}")
    except (ValueError, FloatingPointError) as error:
        raise BadInput(f"{out}: {error}") from error
    if trainer.iteration < recipe.iterations:
        print(f"stopped at iteration {trainer.iteration} of {recipe.iterations}: the same command goes on")
        return None
    file = out / f"{name}-{size}.safetensors"
    if not file.exists() or scores:
        card = {
            "name": file.stem,
            "model": name,
            "size": size,
            "title": module.TITLE,
            "paper": module.PAPER,
            "licence": "MIT; the training photographs belong to their owners (research use)",
            "parameters": cost.count_parameters(network),
            "network": _plain(parameters),
            "recipe": _plain(asdict(recipe)),
            "trained_on": {
                "data": dataset.name,
                "images": len(train_images),
                "held_out": len(held_out),
                "pixels_sha256": data_hash,
                "noise": f"Gaussian, sigma {spec.format_value(recipe.sigma)} of 255",
            },
            "command": "bench " + " ".join(shlex.quote(word) for word in sys.argv[1:]),
            "seconds": round(trainer.seconds),
            "machine": f"{platform.machine()}, {trainer.device}, {torch.get_num_threads()} threads, "
            f"torch {torch.__version__}",
            "psnr_held_out": {noise: round(value, 3) for noise, value in scores.items()},
        }
        checkpoints.write_weights(trainer.weights(), file, card)
    return file


def sort_settings(name: str, module, settings: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings of the recipe and of the network, as values. Raises BadInput for one that is neither's."""
    of_recipe, of_network = {}, {}
    recipe_fields = {field.name for field in fields(training.Recipe)}
    network_fields = spec.parameters_of(module.network)
    for key, text in settings.items():
        if key in recipe_fields:
            of_recipe[key] = _range(text) if key == "input_mask" else spec.literal(text)
        elif key in network_fields:
            of_network[key] = spec.literal(text)
        else:
            raise unknown(f"setting of the recipe or of {name}", key, [*recipe_fields, *network_fields])
    return of_recipe, of_network


def _range(text: str) -> tuple[int, int] | None:
    """'75-85' -> (75, 85), '75' -> (75, 75), 'off' -> None."""
    if text.lower() in ("off", "none", "0"):
        return None
    found = re.fullmatch(r"([0-9]+)(?:-([0-9]+))?", text)
    if not found:
        raise BadInput(f"input_mask is {text!r}, wanted percentages such as 75-85, or off")
    return int(found[1]), int(found[2] or found[1])


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}


def _read(dataset: datasets.Dataset) -> tuple[list[np.ndarray], dict[str, np.ndarray], str]:
    """(uint8 training images, held-out images by name, hash of all pixels): every n-th image is held out."""
    step = max(5, len(dataset.images) // HELD_OUT)
    train_images, held_out, digest = [], {}, hashlib.sha256()
    try:
        for place, image in enumerate(dataset.images):
            pixels = np.rint(image.read() * 255).astype(np.uint8)
            digest.update(pixels.tobytes())
            if place % step == 0 and len(dataset.images) > HELD_OUT:
                held_out[image.name] = pixels
            else:
                train_images.append(pixels)
    except ValueError as error:
        raise BadInput(f"data set {dataset.name}: {error}") from error
    return train_images, held_out, digest.hexdigest()


def test_curves(network: torch.nn.Module, images: dict[str, np.ndarray], device: torch.device):
    """A function weights -> mean PSNR by noise, on 128x128 centre crops of images, `stored` protocol."""
    protocol = protocols.load_protocol("stored")
    cases = []
    for name, pixels in images.items():
        if min(pixels.shape[:2]) < 128:
            continue
        clean = datasets.centre_crop(pixels, 128, name).astype(np.float32) / 255
        digest = noises.pixel_hash(clean)
        for noise in map(noises.load_noise, WATCHED):
            noisy, target = noise(clean, noises.generator(digest, noise, 0))
            x = torch.from_numpy(protocol.noisy_input(noisy)).permute(2, 0, 1)[None].contiguous()
            key = noises.mask_key(digest, noise, 0)
            cases.append((noises.canonical(noise), x, protocols.to_bytes(target), key))
    if not cases:
        return None

    @torch.inference_mode()
    def validate(weights: dict[str, torch.Tensor]) -> dict[str, float]:
        network.load_state_dict(weights)
        network.to(device).eval()
        scores: dict[str, list[float]] = {}
        for noise, x, target, key in cases:
            keys = {"keys": [key]} if getattr(network, "takes_keys", False) else {}
            output = network(x.to(device), **keys)[0].permute(1, 2, 0).float().cpu().numpy()
            scores.setdefault(noise, []).append(psnr.score(protocols.to_bytes(output), target))
        return {noise: float(np.mean(values)) for noise, values in scores.items()}

    return validate
