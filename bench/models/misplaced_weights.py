"""Advice for a weights file, or a name of weights, given where a model spec is expected."""

from __future__ import annotations

import os
from pathlib import Path

from baselines.weights_io import recognition
from bench.models import cards, groups, published

ENDINGS = (".pth", ".pt", ".ckpt", ".safetensors", ".mat", ".bin", ".pth.tar", ".tar", ".h5", ".keras", ".onnx", ".npz",
           ".npy", ".pb", ".tflite", ".pkl", ".pdparams", ".safetensors.index.json")  # fmt: skip


def advice(text: str) -> str:
    """One line on what a weights file or name is, and the spec to write instead; '' for a model spec."""
    name = text.strip().strip("'\"")
    if "(" in name or ":" in name or name in cards.names() or name in groups.GROUPS or groups.is_weights_name(name):
        return ""
    if known := cards.card(name):
        return f"expected a model, got the weights {name}: write {cards.with_weights(known['model'], name)}"
    if not is_file(name):
        return ""
    file = Path(name).expanduser()
    if not os.path.isfile(file):
        return (
            f"expected a model, got the weights file {name}, which does not exist: check the path, and write it as "
            f"dncnn(weights='{name}')"
        )
    try:
        tensors = recognition.read(file).tensors
    except ValueError as error:
        return f"expected a model such as dncnn(weights='file.pth'), got a file; {error}"
    matches = [
        match
        for match in recognition.find_matches(tensors)
        if match.share == 1 and recognition.is_supported(match.parameters)
    ]
    if not matches:
        return (
            f"expected a model, got the weights file {name}, whose {len(tensors)} tensors fit none of the networks "
            f"({', '.join(cards.networks())}): name the file and class of yours, path/to/file.py:Net(weights='{name}')"
        )
    choices = " or ".join(f"{match.name}(weights='{name}')" for match in matches)
    return f"expected a model, got the weights file {name} ({matches[0]}): write {choices}"


def is_weights(name: str) -> bool:
    """Whether a name is that of a weights file, or of shipped, imported or published weights."""
    return is_file(name) or name in cards.cards() or name in cards.imported() or name in published.weights()


def is_file(name: str) -> bool:
    """Whether a name has the suffix of a weights file, or is a file other than Python source."""
    if name.lower().endswith(ENDINGS):
        return True
    return os.path.isfile(os.path.expanduser(name)) and not name.endswith(".py")
