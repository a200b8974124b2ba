"""Features: copies of what named layers of a network give, taken while it runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from analysis.layers import near


@dataclass(frozen=True)
class Capture:
    """Run a model in eval mode on (B, C, H, W): layer -> features (B, D), the layer's whole output for each image.

    Features are copies, made before any later layer can write over them; half precision becomes float32. The hooks
    are there only while the model runs, and go when it fails. Layers are named as in `analysis.layers`.
    Made by `capture`, which see.
    """

    model: nn.Module
    layers: tuple[str, ...]
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)  # of an image's output, as first seen

    @torch.inference_mode()
    def __call__(self, x: Tensor, **options) -> dict[str, Tensor]:
        """`options` go to the model's forward. Raises ValueError for a layer that gives no features, saying why."""
        if self.model.training:
            raise ValueError(f"{type(self.model).__name__} is in training mode: call eval() before its features")
        wanted, runs, seen = set(self.layers), defaultdict(int), {}

        def keep(path):
            def hook(module, inputs, output):
                runs[path] += 1
                numbered = f"{path}#{runs[path]}"
                for name in wanted & ({path, numbered} if runs[path] == 1 else {numbered}):
                    seen[name] = self._features(name, output, len(x))

            return hook

        modules = dict(self.model.named_modules())
        handles = [modules[path].register_forward_hook(keep(path)) for path in dict.fromkeys(map(_path, self.layers))]
        try:
            self.model(x, **options)
        finally:
            for handle in handles:
                handle.remove()
        for name in self.layers:
            _refuse_missing(name, runs[_path(name)])
        return {name: seen[name] for name in self.layers}

    def _features(self, name: str, output: object, images: int) -> Tensor:
        """A layer's output as (B, D), copied. Raises ValueError for what is no feature of these images."""
        if not isinstance(output, Tensor):
            raise ValueError(f"layer {name!r} gives a {type(output).__name__}, wanted a tensor: name a layer inside it")
        if not output.is_floating_point():
            raise ValueError(f"layer {name!r} gives {output.dtype}, wanted floating point features")
        if not output.dim() or len(output) % images:
            shape = tuple(output.shape)
            raise ValueError(
                f"layer {name!r} gives {shape} for {images} images: wanted the images along the first axis"
            )
        shape = (len(output) // images, *output.shape[1:])
        before = self.shapes.setdefault(name, shape)
        if shape != before:
            was, now = (one[1:] if one[0] == 1 else one for one in (before, shape))
            raise ValueError(
                f"layer {name!r} changed its shape from {was} to {now} an image: wanted one for images of one size"
            )
        if not output.sum().isfinite() and not output.isfinite().all():  # a sum is cheaper, and may overflow
            raise ValueError(f"layer {name!r} has values that are not finite (NaN or infinite)")
        wide = output.dtype if output.dtype == torch.float64 else torch.float32
        return output.to(wide, copy=True, memory_format=torch.contiguous_format).view(images, -1)


def capture(model: nn.Module, layers: Sequence[str]) -> Capture:
    """A `Capture` of the layers. Raises ValueError for a layer that the model does not have.

    features = capture(network, ["layers.0", "conv_after_body"])
    features(x)["conv_after_body"]  # (B, D)
    """
    if not layers:
        raise ValueError("no layer was named: name one or more of the model's modules")
    paths = [path for path, _ in model.named_modules() if path]
    for name in layers:
        if _path(name) not in paths:
            raise ValueError(f"{type(model).__name__} has no layer {name!r}{near(_path(name), paths)}")
        if "#" in name and not name.partition("#")[2].isdigit():
            raise ValueError(f"layer {name!r}: wanted the number of a run behind #, such as {_path(name)}#1")
    return Capture(model, tuple(dict.fromkeys(layers)))


def _path(name: str) -> str:
    """The module of a layer: 'block' of 'block#2'."""
    return name.partition("#")[0]


def _refuse_missing(name: str, runs: int) -> None:
    path, numbered, run = name.partition("#")
    if not runs:
        raise ValueError(f"layer {name!r} is there, and did not run on this input: name a layer that runs")
    if numbered and not 1 <= int(run) <= runs:
        raise ValueError(f"layer {path!r} ran {runs} times, so there is no {name!r}: the last is {path}#{runs}")
    if not numbered and runs > 1:
        raise ValueError(f"layer {path!r} ran {runs} times in one pass: name one, from {path}#1 to {path}#{runs}")
