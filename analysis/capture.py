"""Feature extraction: copies of the outputs of named layers while a network runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from analysis.layers import near


@dataclass(frozen=True)
class Capture:
    """Features of a model in eval mode: images (B, C, H, W) -> features (B, D) by layer, its flattened output.

    Features are copies, made before a later layer can overwrite them; half precision becomes float32. Hooks exist only
    while the model runs, also when it fails. Layers are named as in `analysis.layers`. Made by `capture`.

    shapes   of each layer's output for one image, filled by the first batch
    """

    model: nn.Module
    layers: tuple[str, ...]
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)

    @torch.inference_mode()
    def __call__(self, x: Tensor, **options: Any) -> dict[str, Tensor]:
        """`options` go to the model's forward. Raises ValueError for a layer without features for each image."""
        if self.model.training:
            raise ValueError(f"expected {type(self.model).__name__} in eval mode, got training mode: call eval()")
        requested, features = set(self.layers), {}
        runs: defaultdict[str, int] = defaultdict(int)

        def keep(path: str) -> Callable[[nn.Module, Any, Any], None]:
            def hook(module: nn.Module, inputs: Any, output: Any) -> None:
                runs[path] += 1
                numbered = f"{path}#{runs[path]}"
                for name in requested & ({path, numbered} if runs[path] == 1 else {numbered}):
                    features[name] = self._features(name, output, len(x))

            return hook

        modules = dict(self.model.named_modules())
        handles = [modules[path].register_forward_hook(keep(path)) for path in dict.fromkeys(map(_path, self.layers))]
        try:
            self.model(x, **options)
        finally:
            for handle in handles:
                handle.remove()
        for name in self.layers:
            _check_ran(name, runs[_path(name)])
        return {name: features[name] for name in self.layers}

    def _features(self, name: str, output: object, images: int) -> Tensor:
        """A layer's output as (B, D), copied. Raises ValueError for an output that has no features for each image."""
        if not isinstance(output, Tensor):
            raise ValueError(f"layer {name!r}: expected a tensor, got {type(output).__name__}: name a layer inside it")
        if not output.is_floating_point():
            raise ValueError(f"layer {name!r}: expected floating-point features, got {output.dtype}")
        if not output.dim() or len(output) % images:
            shape = tuple(output.shape)
            raise ValueError(f"layer {name!r}: expected the {images} images along the first axis, got shape {shape}")
        shape = (len(output) // images, *output.shape[1:])
        before = self.shapes.setdefault(name, shape)
        if shape != before:
            expected, got = (one[1:] if one[0] == 1 else one for one in (before, shape))
            raise ValueError(f"layer {name!r}: expected {expected} per image, got {got}: use images of one size")
        if not output.sum().isfinite() and not output.isfinite().all():  # a sum is cheaper, and may overflow
            raise ValueError(f"layer {name!r}: expected finite values, got NaN or infinity")
        wide = output.dtype if output.dtype == torch.float64 else torch.float32
        return output.to(wide, copy=True, memory_format=torch.contiguous_format).view(images, -1)


def capture(model: nn.Module, layers: Sequence[str]) -> Capture:
    """A `Capture` of the named layers. Raises ValueError for a name that the model does not have.

    features = capture(network, ["layers.0", "conv_after_body"])
    features(x)["conv_after_body"]  # (B, D)
    """
    if not layers:
        raise ValueError("expected one layer or more, got none: name modules of the model")
    paths = [path for path, _ in model.named_modules() if path]
    for name in layers:
        if _path(name) not in paths:
            raise ValueError(f"expected a layer of {type(model).__name__}, got {name!r}{near(_path(name), paths)}")
        if "#" in name and not name.partition("#")[2].isdigit():
            raise ValueError(f"expected the number of a run behind #, such as {_path(name)}#1, got {name!r}")
    return Capture(model, tuple(dict.fromkeys(layers)))


def _path(name: str) -> str:
    """The module of a layer: 'block' of 'block#2'."""
    return name.partition("#")[0]


def _check_ran(name: str, runs: int) -> None:
    path, numbered, run = name.partition("#")
    if not runs:
        raise ValueError(f"layer {name!r} did not run on this input: name a layer that runs")
    if numbered and not 1 <= int(run) <= runs:
        raise ValueError(f"expected {path}#1 to {path}#{runs}, got {name!r}: the layer ran {runs} times")
    if not numbered and runs > 1:
        raise ValueError(f"layer {path!r} ran {runs} times in one pass: name one of {path}#1 to {path}#{runs}")
