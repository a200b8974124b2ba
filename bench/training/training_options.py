"""Parse `bench train --set`: `input_mask=75-85`, `attention_mask=off`, `lr=5e-4`, `embed_dim=32`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from importlib import import_module
from typing import Any

from baselines.layers.classical import ESTIMATED
from baselines.train.recipe import PRESETS, Recipe, with_settings
from bench import spec
from bench.core.errors import BadInput, unknown
from bench.models import cards, model_specs
from bench.models.groups import parse, wrapped_spec
from bench.models.model import Model
from bench.noise import training_noise
from bench.noise.training_noise import NUMBER
from noise_zoo.gaussian import Gaussian

SIZE_OF_PRESET = {"small": "small", "paper": "full", "official": "full"}


def untrained(text: str, preset: str) -> Model:
    """The untrained network: one of this installation by name, or a user-defined one, `net.py:Net(width=32)`.

    Raises BadInput for parameters of the former, for weights, and for a model that cannot be trained.
    """
    if preset not in PRESETS:
        raise unknown("preset", preset, PRESETS)
    parsed = parse(text)
    wrapper = parsed.name if parsed.name in cards.wrappers() else ""
    if wrapper and not cards.trained_inside(wrapper):
        raise BadInput(f"expected a network, got {text}: train the network itself, which is used in {wrapper}")
    if wrapper:
        parsed = wrapped_spec(parsed)
    name, own = parsed.name, parsed.name in cards.networks()
    if name in cards.classical():
        raise BadInput(f"expected a network ({', '.join(cards.networks())}), got {name}, a method without weights")
    if own and not parsed.bare:
        alone = cards.wrapped(wrapper, name)
        raise BadInput(f"expected the name only, {alone}, got {text}: set its parameters with --set NAME=VALUE")
    untrained_spec = cards.wrapped(wrapper, f"{name}(weights=None, size='{SIZE_OF_PRESET[preset]}')")
    model = model_specs.resolve(untrained_spec if own else text)
    if model.file is not None:
        raise BadInput(f"expected an untrained network, got weights in {text}: remove them")
    if model.level not in (None, ESTIMATED):
        raise BadInput(f"expected no level, which training draws itself, got {text}: remove it")
    if not own and "weights" in spec.parameters_of(model.factory):
        raise BadInput(f"{name}: its parameter 'weights' conflicts with the trained weights: rename it")
    return model


def configure(
    model: Model, preset: str, settings: Mapping[str, str], iterations: int | None
) -> tuple[Recipe, dict[str, Any]]:
    """(recipe, parameters of the network): a preset, then the network's own recipe, then the settings override.

    Raises BadInput.
    """
    of_recipe, of_network = sort_settings(model, settings)
    own = {} if model.user_defined else getattr(import_module(f"baselines.{model.name}"), "RECIPE", {})
    if "noise" in of_recipe:
        of_recipe = _with_noise(of_recipe)
    changes = {**own.get(preset, {}), **of_recipe}
    if iterations is not None:
        changes["iterations"] = iterations
    try:
        recipe = with_settings(PRESETS[preset], **changes)
    except (ValueError, TypeError) as error:
        raise BadInput(str(error)) from error
    return recipe, {**model.parameters, **of_network}


def sort_settings(model: Model, settings: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(settings of the recipe, parameters of the network), parsed. Raises BadInput for an unknown one."""
    of_recipe, of_network = {}, {}
    recipe_fields = {field.name: field.default for field in fields(Recipe)}
    network_fields = {key: parameter.default for key, parameter in spec.parameters_of(model.factory).items()}
    for key, text in settings.items():
        if key in recipe_fields:
            of_recipe[key] = _of_recipe(key, text, recipe_fields[key])
        elif key in network_fields:
            off = key == "attention_mask" and _is_off(text)
            of_network[key] = 0 if off else spec.parse_setting(key, text, network_fields[key])
        else:
            raise unknown(f"setting of the recipe or parameter of {model.name}", key, [*recipe_fields, *network_fields])
    return of_recipe, of_network


def _with_noise(of_recipe: dict[str, Any]) -> dict[str, Any]:
    """The settings with the canonical specs of the noise; Gaussian noise alone becomes `sigma`. Raises BadInput."""
    if "sigma" in of_recipe:
        raise BadInput("expected sigma or noise, got both: write noise='gaussian(sigma=0-55), poisson(alpha=1-3)'")
    noise = training_noise.parse(of_recipe.pop("noise"))
    if not noise.known:
        raise BadInput("noise: expected noise specs such as poisson(alpha=1-3), got none")
    minimum, maximum = noise.ranges[0]
    if len(noise.ranges) == 1 and type(minimum) is Gaussian:  # which is drawn on the device
        return {**of_recipe, "sigma": _sigma(minimum.sigma, maximum.sigma)}
    return {**of_recipe, "noise": noise.text}


def _sigma(low: float, high: float) -> float | tuple[float, float]:
    return low if low == high else (low, high)


def _of_recipe(key: str, text: str, default: Any) -> Any:
    if key == "input_mask":
        return _range(text)
    if key == "noise":
        return text
    if key == "sigma" and (match := re.fullmatch(rf"({NUMBER})\s*-\s*({NUMBER})", text.strip())):
        return _sigma(float(match[1]), float(match[2]))
    if key == "ema" and _is_off(text):
        return None
    value = spec.parse_setting(key, text, default)
    if key in ("betas", "milestones"):  # a single number becomes a tuple
        return tuple(value) if isinstance(value, list) else (value,) if isinstance(value, int | float) else value
    return value


def _is_off(text: str) -> bool:
    return text.strip().lower() in ("off", "none", "0")


def _range(text: str) -> tuple[int, int] | None:
    """'75-85' -> (75, 85), '75' -> (75, 75), 'off' -> None."""
    if _is_off(text):
        return None
    match = re.fullmatch(r"([0-9]{1,3})(?:-([0-9]{1,3}))?", text.strip())
    if not match:
        raise BadInput(f"input_mask: expected percentages such as 75-85, or off, got {text!r}")
    return int(match[1]), int(match[2] or match[1])
