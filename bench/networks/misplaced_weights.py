"""What was written where a model is expected and is none: a file of weights, or the name of imported weights."""

from __future__ import annotations

import os
from pathlib import Path

from baselines import recognition
from bench.networks import cards, groups

ENDINGS = (".pth", ".pt", ".ckpt", ".safetensors", ".mat", ".bin", ".pth.tar", ".tar", ".h5", ".keras", ".onnx", ".npz",
           ".npy", ".pb", ".tflite", ".pkl", ".pdparams", ".safetensors.index.json")  # fmt: skip


def advice(text: str) -> str:
    """What a file or a name of weights in the place of a model spec is, and what to write; '' for a spec."""
    name = text.strip().strip("'\"")
    if "(" in name or ":" in name or name in cards.names() or name in groups.GROUPS:
        return ""
    for known in (cards.cards(), cards.imported()):
        if name in known:
            return f"{name} names weights, expected a model: write {known[name]['model']}(weights='{name}')"
    if not is_file(name):
        return ""
    file = Path(name).expanduser()
    if not os.path.isfile(file):
        return f"there is no file {name}; a file of weights goes into a model's spec: dncnn(weights='{name}')"
    try:
        tensors = recognition.read(file).tensors
    except ValueError as error:
        return f"{name} is a file, expected a model such as dncnn(weights='file.pth'): {error}"
    alike = [
        like
        for like in recognition.find_matches(tensors)
        if like.share == 1 and recognition.is_supported(like.parameters)
    ]
    if not alike:
        return (
            f"{name} is weights, expected a model; its {len(tensors)} tensors are of no network that is here: give the "
            f"file and class of the network, path/to/file.py:Net(weights='{name}')"
        )
    choices = " or ".join(f"{like.name}(weights='{name}')" for like in alike)
    return f"{name} is weights ({alike[0]}), expected a model: write {choices}"


def is_weights(name: str) -> bool:
    """Whether a name is that of weights: of a file, of shipped or of imported ones."""
    return is_file(name) or name in cards.cards() or name in cards.imported()


def is_file(name: str) -> bool:
    """Whether a name has an ending of weights, or is that of a file that is no source."""
    if name.lower().endswith(ENDINGS):
        return True
    return os.path.isfile(os.path.expanduser(name)) and not name.endswith(".py")
