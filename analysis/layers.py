"""The layers of a network: which run, in which order, what they give; and how to name some of them.

A layer's name is its module's path, `layers.0.conv`, as in the keys of its weights. A module that runs several times
in one pass has a layer for each, `block#1`, `block#2`, ...

A pattern names several layers: `*` stands for anything up to the next dot, and `:Class` behind it keeps the modules
of that class: `layers.*`, `model.*:ReLU`.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Layer:
    """A module that ran: name, class, and the shape of its output for one image; `run` counts from 1."""

    path: str
    kind: str
    shape: tuple[int, ...]
    run: int
    runs: int

    @property
    def name(self) -> str:
        return self.path if self.runs == 1 else f"{self.path}#{self.run}"


@torch.inference_mode()
def trace(model: nn.Module, x: Tensor, **options) -> list[Layer]:
    """The layers that run on `x`, (B, C, H, W), in the order in which they end; `options` go to the model's forward.

    Modules whose output is no floating point tensor with a row or more an image are left out.
    """
    ended: list[tuple[str, str, tuple[int, ...]]] = []

    def note(path):
        def hook(module, inputs, output):
            if isinstance(output, Tensor) and output.is_floating_point() and output.dim() and len(output) % len(x) == 0:
                several = len(output) // len(x)
                shape = tuple(output.shape[1:]) if several == 1 else (several, *output.shape[1:])
                ended.append((path, type(module).__name__, shape))

        return hook

    handles = [module.register_forward_hook(note(path)) for path, module in model.named_modules() if path]
    try:
        model(x, **options)
    finally:
        for handle in handles:
            handle.remove()
    runs, run = Counter(path for path, _, _ in ended), Counter()
    found = []
    for path, kind, shape in ended:
        run[path] += 1
        found.append(Layer(path, kind, shape, run[path], runs[path]))
    return found


def choose(layers: Sequence[Layer], patterns: Iterable[str], modules: Container[str] = ()) -> list[Layer]:
    """The layers that any of the patterns names, in the order in which they run. Raises ValueError for an idle one.

    `modules` has the names of all that the network is made of, so that the error tells idle ones from misspelt ones.
    """
    chosen = set()
    for pattern in patterns:
        matching = {layer for layer in layers if matches(layer, pattern)}
        if not matching and pattern in modules:
            raise ValueError(f"layer {pattern!r} is there, and did not run or gave no floating point tensor")
        if not matching:
            raise ValueError(f"no layer that runs is called {pattern!r}{near(pattern, [one.name for one in layers])}")
        chosen |= matching
    return [layer for layer in layers if layer in chosen]


def matches(layer: Layer, pattern: str) -> bool:
    """Whether a pattern names the layer; without `#` it names all runs of a module."""
    path, _, kind = pattern.partition(":")
    wanted, given = path.split("."), (layer.name if "#" in path else layer.path).split(".")
    alike = len(wanted) == len(given) and all(map(fnmatchcase, given, wanted))
    return alike and kind in ("", layer.kind)


def stages(layers: Sequence[Layer], shape: Sequence[int]) -> list[Layer]:
    """A guess at the main stages of an unknown network, for images of the given shape (C, H, W).

    They are the outermost modules that ran; a network that is one module in a wrapper is opened. Images are not
    features, so outputs of the image's own shape are left out, unless nothing else is there.
    """
    outer = list(layers)
    while True:
        paths = {layer.path for layer in outer}
        top = [one for one in outer if not any(one.path.startswith(f"{path}.") for path in paths - {one.path})]
        inside = [layer for layer in outer if layer not in top]
        features = [layer for layer in top if layer.shape != tuple(shape)]
        if len({layer.path for layer in features}) > 1 or not inside:
            return features or top
        outer = inside


def near(name: str, names: Iterable[str]) -> str:
    """'; did you mean a or b?', or '' where nothing is like it."""
    found = difflib.get_close_matches(name.partition(":")[0], list(names), n=2, cutoff=0.5)
    return f"; did you mean {' or '.join(map(repr, found))}?" if found else ""
