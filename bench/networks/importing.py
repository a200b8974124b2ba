"""`bench models import`: weights from anywhere, copied under a name as safetensors with a card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from baselines import checkpoints, recognition
from bench import spec
from bench.errors import BadInput, told, unknown
from bench.networks import adapters, cards, complexity, trial, weights
from bench.noise import training_noise

UNUSED = ("drop_path_rate", "dropout", "mask_token")  # act in training only


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
    """Copy the weights in a file into the user's folder, and return their card. Raises BadInput.

    `arch` names the network; without it the network is recognized by the names and shapes of the tensors.
    `settings` are parameters of the network that tensors do not show, as text: {'attention_mask': '10'}. `licence` and
    `data`, the training images, are words for the card; `trained_on` are the specs of the training noise, in which a
    number may be a range: 'gaussian(sigma=0-55)'. `part` names one of several sets of tensors in the file. The network
    is tried on one picture, and the card tells of that.
    """
    _check_name(name, replace)
    try:
        noise = training_noise.parse(trained_on)
    except BadInput as error:
        raise BadInput(f"{error}. The training images are named with --training-data") from error
    known = {**({"noise": noise.specs} if noise.known else {}), **({"data": data} if data else {})}
    if arch in cards.classical():
        raise BadInput(f"{arch} has no weights that could be imported; networks are {', '.join(cards.networks())}")
    if arch is not None and arch not in cards.networks():
        raise unknown("network", arch, cards.networks())
    with told():
        contents = recognition.read(file, part)
    tensors = contents.tensors
    arch = arch or recognize(tensors, file.name)
    module = import_module(f"baselines.{arch}")
    found = recognition.infer(module, tensors) or {}
    size = next((size for size, own in module.SIZES.items() if _equal(found, module, own)), "full")
    found |= _settings(settings or {}, arch, found, file.name)
    published = recognition.published_parameters(module, found)
    assumed = {**recognition.defaults(module.network), **module.SIZES[size], **published}
    parameters = {**module.SIZES[size], **published, **found}
    with told(file.name):
        network = module.network(**parameters)
    with told():
        recognition.load_or_explain(network, tensors, file.name)
    if not recognition.is_supported(parameters):
        channels = (
            f"{recognition.input_channels(parameters)} channels in, {recognition.output_channels(parameters)} out"
        )
        doubt = recognition.caveat(module, parameters)
        raise BadInput(f"{file.name}: {channels}, expected 3 (colour) or 1 (grey) of both{'; ' * bool(doubt)}{doubt}")
    with told(file.name):
        flops = complexity.flops_per_pixel(adapters.adapt(network, parameters).eval())
        tried = trial.run_trial(module, parameters, network, known, contents.others)
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
        "network": weights.plain({**published, **found}),
        "assumed": weights.plain({k: v for k, v in assumed.items() if k not in found and not _unimportant(k, v)}),
        "doubt": recognition.caveat(module, parameters),
        **({"trained_on": known} if known else {}),
        "trial": tried.card,
        "origin": {
            "file": file.name,
            "bytes": file.stat().st_size,
            "sha256": checkpoints.file_hash(file),
            **({"part": contents.part, "others": list(contents.others)} if contents.part else {}),
            **({"remark": remark} if (remark := contents.words()) else {}),
        },
        "imported_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    path = cards.imported_folder() / f"{name}.safetensors"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        checkpoints.write_weights(network.state_dict(), path, card, half=False)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror or error}") from error
    return json.loads(path.with_suffix(".json").read_text())


def _unimportant(parameter: str, value: Any) -> bool:
    """Whether an assumption need not be said: it acts in training only, or the trial of the weights confirms it."""
    return parameter in UNUSED or (parameter in trial.RANGE_PARAMETERS and value == 1)


def recognize(tensors: dict, file: str) -> str:
    """The network that fits the tensors of a file exactly. Raises BadInput for none, and for several."""
    alike = recognition.find_matches(tensors)
    exact = [like.name for like in alike if like.share == 1]
    if len(exact) == 1:
        return exact[0]
    if exact:
        choices = " or ".join(f"--arch {name}" for name in exact)
        raise BadInput(f"{file} fits {', '.join(exact)}, whose tensors have the same names: add {choices}")
    if not alike:
        first = ", ".join(list(tensors)[:3])
        raise BadInput(
            f"{file} is of no network that is here ({', '.join(cards.networks())}): its {len(tensors)} tensors begin "
            f"with {first}"
        )
    try:
        checkpoints.load_strictly(alike[0].network, tensors, file)
    except ValueError as error:
        raise BadInput(f"{error}; of the networks here it looks most like {alike[0]}") from error
    return alike[0].name


def summary(card: dict[str, Any]) -> str:
    """What was imported, in words: 'a DnCNN of 17 layers for grey images, 556,097 parameters'."""
    module = import_module(f"baselines.{card['model']}")
    return f"{recognition.describe(module, card['network'])}, {card['parameters']:,} parameters"


def _settings(settings: Mapping[str, str], arch: str, found: Mapping[str, Any], file: str) -> dict[str, Any]:
    """Parameters of a network from text. Raises BadInput for what it has not, or its tensors show to be otherwise."""
    own = spec.parameters_of(import_module(f"baselines.{arch}").network)
    values = {}
    for key, text in settings.items():
        if key not in own:
            raise unknown(f"parameter of {arch}", key, own)
        values[key] = spec.parse_setting(key, text, own[key].default)
        if found.get(key, values[key]) != values[key]:
            raise BadInput(f"{key} is {spec.format_value(found[key])} by the tensors of {file}: leave --set {key} out")
    return values


def _check_name(name: str, replace: bool) -> None:
    weights.check_name(name)
    reserved = {f"{model}-{size}" for model in cards.networks() for size in cards.SIZES} | {"default"}
    if cards.card(name) or name in reserved:
        raise BadInput(f"{name!r} is kept for weights that ship: choose another name")
    known = cards.imported().get(name)
    if known and not replace:
        raise BadInput(
            f"{name!r} is imported already, from {known['origin']['file']}: choose another name, or add --replace"
        )


def _equal(found: dict[str, Any], module, own: dict[str, Any]) -> bool:
    """Whether what was found is what a size of the network has."""
    usual = {**recognition.defaults(module.network), **own}
    return all(usual[key] == value for key, value in found.items())
