"""The layers of a network that run, in order, with their output shapes; and patterns that name some of them.

A layer's name is its module's path, `layers.0.conv`, as in the keys of the weights. A module that runs several times
in one pass is several layers, `block#1`, `block#2`, ...

A pattern names several layers: `*` matches anything up to the next dot, and `:Class` at the end selects the
modules of that class: `layers.*`, `model.*:ReLU`.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class LayerRun:
    """One run of a module: path, class name, and output shape for one image.

    run, runs   the index of this run in the pass, from 1, and how many there are
    """

    path: str
    kind: str
    shape: tuple[int, ...]
    run: int
    runs: int

    @property
    def name(self) -> str:
        """The layer's name: its path, with `#run` if the module runs several times."""
        return self.path if self.runs == 1 else f"{self.path}#{self.run}"


@torch.inference_mode()
def trace(model: nn.Module, x: Tensor, **options: Any) -> list[LayerRun]:
    """The layers that run on images (B, C, H, W), in the order in which they end; `options` go to the model's forward.

    Modules are skipped whose output is not a floating-point tensor with one row or more per image.
    """
    ended: list[tuple[str, str, tuple[int, ...]]] = []

    def record(path: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.is_floating_point() and output.dim() and len(output) % len(x) == 0:
                several = len(output) // len(x)
                shape = tuple(output.shape[1:]) if several == 1 else (several, *output.shape[1:])
                ended.append((path, type(module).__name__, shape))

        return hook

    handles = [module.register_forward_hook(record(path)) for path, module in model.named_modules() if path]
    try:
        model(x, **options)
    finally:
        for handle in handles:
            handle.remove()
    runs = Counter(path for path, _, _ in ended)
    run: Counter[str] = Counter()
    layers = []
    for path, kind, shape in ended:
        run[path] += 1
        layers.append(LayerRun(path, kind, shape, run[path], runs[path]))
    return layers


def choose(layers: Sequence[LayerRun], patterns: Iterable[str], modules: Container[str] = ()) -> list[LayerRun]:
    """The layers that match any of the patterns, in the order in which they run.

    modules   names of all modules of the network, to distinguish modules that did not run from unknown names

    Raises ValueError for a pattern that matches nothing.
    """
    chosen = set()
    for pattern in patterns:
        matching = {layer for layer in layers if matches(layer, pattern)}
        if not matching and pattern in modules:
            raise ValueError(f"layer {pattern!r} did not run, or gave no floating-point tensor: name another layer")
        if not matching:
            names = [layer.name for layer in layers]
            raise ValueError(f"expected a layer that runs, got {pattern!r}{near(pattern, names)}")
        chosen |= matching
    return [layer for layer in layers if layer in chosen]


def matches(layer: LayerRun, pattern: str) -> bool:
    """Whether a pattern matches the layer; without `#` it matches all runs of a module."""
    path, _, kind = pattern.partition(":")
    pattern_parts, parts = path.split("."), (layer.name if "#" in path else layer.path).split(".")
    same_path = len(pattern_parts) == len(parts) and all(map(fnmatchcase, parts, pattern_parts))
    return same_path and kind in ("", layer.kind)


def stages(layers: Sequence[LayerRun], shape: Sequence[int]) -> list[LayerRun]:
    """Default layers of an unknown network for images of the given shape (C, H, W): its outermost modules that ran.

    A module that wraps all others is replaced by what it contains. Outputs of the image's own shape are skipped, since
    images are not features, unless there is nothing else.
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
    """'; did you mean a or b?', or '' without a similar name."""
    similar = difflib.get_close_matches(name.partition(":")[0], list(names), n=2, cutoff=0.5)
    return f"; did you mean {' or '.join(map(repr, similar))}?" if similar else ""
