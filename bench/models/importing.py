"""`bench models import`: copy published weights to the user's folder, as safetensors with a card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from baselines.weights_io import checkpoints, recognition
from bench import spec
from bench.core.errors import BadInput, as_bad_input, unknown
from bench.models import adapters, cards, complexity, display_names, groups, published, trial, weights
from bench.noise import training_noise

TRAINING_PARAMETERS = ("drop_path_rate", "dropout", "mask_token")  # without effect in evaluation


def import_weights(
    file: Path,
    name: str,
    arch: str | None = None,
    licence: str = "unknown",
    replace: bool = False,
    settings: Mapping[str, str] | None = None,
    trained_on: str = "",
    data: str = "",
    part: str = "",
) -> dict[str, Any]:
    """Copy the weights in a file to the user's folder, and return their card.

    arch        the network; by default recognized from names and shapes of the tensors
    licence     text for the card
    settings    parameters of the network that tensors do not show, as text: {'attention_mask': '10'}
    trained_on  specs of the training noise; a number may be a range: 'gaussian(sigma=0-55)'
    data        name of the training images, for the card
    part        one of several sets of tensors in the file

    The network is run on one image (`trial`), and the result stored in the card. Raises BadInput.
    """
    _check_name(name, replace)
    try:
        noise = training_noise.parse(trained_on)
    except BadInput as error:
        raise BadInput(f"{error}. Name training images with --training-data") from error
    known = {**({"noise": noise.specs} if noise.known else {}), **({"data": data} if data else {})}
    if arch in cards.classical():
        raise BadInput(
            f"--arch: expected a network ({', '.join(cards.networks())}), got {arch}, a method without weights"
        )
    if arch is not None and arch not in cards.networks():
        raise unknown("network", arch, cards.networks())
    with as_bad_input():
        contents = recognition.read(file, part)
    tensors = contents.tensors
    arch = arch or recognize(tensors, file.name)
    module = import_module(f"baselines.{arch}")
    found = recognition.infer(module, tensors) or {}
    size = next((size for size, own in module.SIZES.items() if _equal(found, module, own)), "full")
    found |= _settings(settings or {}, arch, found, file.name)
    not_shown = recognition.published_parameters(module, found)
    assumed = {**recognition.defaults(module.network), **module.SIZES[size], **not_shown}
    parameters = {**module.SIZES[size], **not_shown, **found}
    with as_bad_input(file.name):
        network = module.network(**parameters)
    with as_bad_input():
        recognition.load_or_explain(network, tensors, file.name)
    if not recognition.is_supported(parameters):
        inputs, outputs = recognition.input_channels(parameters), recognition.output_channels(parameters)
        caveat = recognition.caveat(module, parameters)
        raise BadInput(
            f"{file.name}: expected 3 (colour) or 1 (greyscale) channels in and out, got {inputs} in and {outputs} out"
            f"{': ' * bool(caveat)}{caveat}"
        )
    with as_bad_input(file.name):
        flops = complexity.flops_per_pixel(adapters.adapt(network, parameters).eval())
        tried = trial.run_trial(module, parameters, network, known, contents.others)
    digest = checkpoints.file_hash(file)
    card = {
        "name": name,
        "model": arch,
        "size": size,
        "title": module.TITLE,
        "paper": module.PAPER,
        "licence": licence,
        "parameters": complexity.count_parameters(network),
        "flops_per_pixel": flops,
        "receptive_field": complexity.receptive_field(arch, parameters),
        "network": weights.plain({**not_shown, **found}),
        "assumed": weights.plain({k: v for k, v in assumed.items() if k not in found and not _unimportant(k, v)}),
        "doubt": "; ".join(filter(None, (recognition.caveat(module, parameters), published.input_note(digest)))),
        **({"trained_on": known} if known else {}),
        "trial": tried.card,
        "origin": {
            "file": file.name,
            "bytes": file.stat().st_size,
            "sha256": digest,
            **({"part": contents.part, "others": list(contents.others)} if contents.part else {}),
            **({"remark": remark} if (remark := contents.summary()) else {}),
        },
        "imported_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    path = cards.imported_folder() / f"{name}.safetensors"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        checkpoints.write_weights(network.state_dict(), path, card, half=False)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror or error})") from error
    return json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


def _unimportant(parameter: str, value: Any) -> bool:
    """Whether an assumed value need not be reported: it acts in training only, or the trial confirms it."""
    return parameter in TRAINING_PARAMETERS or (parameter in trial.RANGE_PARAMETERS and value == 1)


def recognize(tensors: dict, file: str) -> str:
    """The network whose names and shapes of tensors match a file exactly. Raises BadInput for none, and for several."""
    matches = recognition.find_matches(tensors)
    exact = [match.name for match in matches if match.share == 1]
    if len(exact) == 1:
        return exact[0]
    if exact:
        choices = " or ".join(f"--arch {name}" for name in exact)
        raise BadInput(
            f"{file}: expected weights of one network, got tensors that fit {', '.join(exact)}: add {choices}"
        )
    if not matches:
        first = ", ".join(list(tensors)[:3])
        raise BadInput(
            f"{file}: expected weights of {', '.join(cards.networks())}, got {len(tensors)} tensors of another network "
            f"({first}, ...): run yours with --models \"path/to/file.py:Net(weights='{file}')\""
        )
    try:
        checkpoints.load_strictly(matches[0].network, tensors, file)
    except ValueError as error:
        raise BadInput(f"{error}; the closest network is {matches[0].name}, {matches[0]}") from error
    return matches[0].name


def summary(card: dict[str, Any]) -> str:
    """Description of imported weights: 'a DnCNN of 17 layers for greyscale images, 556,097 parameters'."""
    module = import_module(f"baselines.{card['model']}")
    return f"{recognition.describe(module, card['network'])}, {card['parameters']:,} parameters"


def _settings(settings: Mapping[str, str], arch: str, found: Mapping[str, Any], file: str) -> dict[str, Any]:
    """Parse parameters of a network. Raises BadInput for an unknown one, or one that contradicts the tensors."""
    own = spec.parameters_of(import_module(f"baselines.{arch}").network)
    values = {}
    for key, text in settings.items():
        if key not in own:
            raise unknown(f"parameter of {arch}", key, own)
        values[key] = spec.parse_setting(key, text, own[key].default)
        if found.get(key, values[key]) != values[key]:
            raise BadInput(
                f"--set {key}: expected {spec.format_value(found[key])}, which the tensors of {file} show, got {text}: "
                "remove it"
            )
    return values


def remove(name: str) -> None:
    """Delete imported weights and their card, or fetched ones. Raises BadInput if there are none of that name."""
    known = sorted(path.stem for path in cards.imported_folder().glob("*.json"))
    if name not in known and name in published.fetched():
        published.weights()[name].remove()
        return
    if name not in known:
        raise unknown("name of imported or fetched weights", name, [*known, *published.fetched()])
    for ending in (".safetensors", ".json"):
        (cards.imported_folder() / f"{name}{ending}").unlink(missing_ok=True)


def _check_name(name: str, replace: bool) -> None:
    """Raise BadInput for an invalid, reserved or used name."""
    weights.check_name(name)
    reserved = {f"{model}-{size}" for model in cards.networks() for size in cards.SIZES} | {"default"}
    if cards.card(name) or name in reserved:
        raise BadInput(f"name of weights: {name!r} is reserved for shipped weights: choose another name")
    if name in {*cards.models(), *groups.ALIASES, *groups.GROUPS, *display_names.RESERVED}:
        raise BadInput(f"name of weights: {name!r} already names a model or a group of models: choose another name")
    known = cards.imported().get(name)
    if name in published.weights() and not known:
        raise BadInput(
            f"name of weights: {name!r} is reserved for published weights, bench models fetch {name}: choose another"
        )
    if known and not replace:
        raise BadInput(
            f"name of weights: {name!r} is already in use, imported from {known['origin']['file']}: choose another, or "
            "add --replace"
        )


def _equal(found: dict[str, Any], module, own: dict[str, Any]) -> bool:
    """Whether the parameters found equal those of a size of the network."""
    usual = {**recognition.defaults(module.network), **own}
    return all(usual[key] == value for key, value in found.items())
