"""What a training is told by text: `input_mask=75-85`, `attention_mask=off`, `lr=5e-4`, `embed_dim=32`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from importlib import import_module
from typing import Any

from baselines.recipe import PRESETS, Recipe, with_settings
from bench import spec
from bench.errors import BadInput, unknown
from bench.networks import cards, models
from bench.networks.model import Model
from bench.networks.weights import NONE

SIZE_OF_PRESET = {"small": "small", "paper": "full", "official": "full"}


def untrained(text: str, preset: str) -> Model:
    """The network that is to be trained: one of this installation by its name, or a user's, `net.py:Net(width=32)`.

    Raises BadInput.
    """
    if preset not in PRESETS:
        raise unknown("preset", preset, PRESETS)
    parsed = spec.parse(text)
    name, own = parsed.name, parsed.name in cards.networks()
    if name in cards.classical():
        raise BadInput(f"{name} has no weights to train; networks are {', '.join(cards.networks())}")
    if own and not parsed.bare:
        raise BadInput(f"{text} came, wanted the name alone, {name}: give its parameters with --set")
    model = models.resolve(f"{name}(weights=None, size='{SIZE_OF_PRESET[preset]}')" if own else text)
    if model.found is not NONE:
        raise BadInput(f"{text} came with weights, and a training begins from none: leave them out")
    if not own and "weights" in spec.parameters_of(model.factory):
        raise BadInput(f"{name} has a parameter weights of its own, which would hide what is trained: rename that one")
    return model


def configure(
    model: Model, preset: str, settings: Mapping[str, str], iterations: int | None
) -> tuple[Recipe, dict[str, Any]]:
    """(recipe, parameters of the network) of a preset, with what a network asks for, changed by settings.

    Raises BadInput.
    """
    of_recipe, of_network = sort_settings(model, settings)
    asked = {} if model.user_defined else getattr(import_module(f"baselines.{model.name}"), "RECIPE", {})
    changes = {**asked.get(preset, {}), **of_recipe}
    if iterations is not None:
        changes["iterations"] = iterations
    try:
        recipe = with_settings(PRESETS[preset], **changes)
    except (ValueError, TypeError) as error:
        raise BadInput(str(error)) from error
    return recipe, {**model.parameters, **of_network}


def sort_settings(model: Model, settings: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings of the recipe and of the network, as values. Raises BadInput for one that is neither's."""
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
            raise unknown(f"setting of the recipe or of {model.name}", key, [*recipe_fields, *network_fields])
    return of_recipe, of_network


def _of_recipe(key: str, text: str, default: Any) -> Any:
    if key == "input_mask":
        return _range(text)
    if key == "ema" and _is_off(text):
        return None
    value = spec.parse_setting(key, text, default)
    if key in ("betas", "milestones"):  # one number is a tuple of one
        return tuple(value) if isinstance(value, list) else (value,) if isinstance(value, int | float) else value
    return value


def _is_off(text: str) -> bool:
    return text.strip().lower() in ("off", "none", "0")


def _range(text: str) -> tuple[int, int] | None:
    """'75-85' -> (75, 85), '75' -> (75, 75), 'off' -> None."""
    if _is_off(text):
        return None
    found = re.fullmatch(r"([0-9]{1,3})(?:-([0-9]{1,3}))?", text.strip())
    if not found:
        raise BadInput(f"input_mask is {text!r}, wanted percentages such as 75-85, or off")
    return int(found[1]), int(found[2] or found[1])
