"""Trial of imported weights on one small noisy image: does the network denoise it, and would an alternative do better?

Tensors do not show the value range or the channel order of a network's input, nor which of several sets is the right
one, and a wrong choice gives plausible but worse outputs. So weights are run at their training noise, and compared with
the usual alternatives.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from baselines.weights_io import checkpoints, recognition
from bench import spec
from bench.core.errors import BadInput
from bench.datasets import builtin
from bench.metrics import psnr
from bench.models import adapters, inference
from bench.noise import noises
from bench.protocols import load_protocol, to_bytes

IMAGE, SIDE, CORNER = "astronaut", 96, 64  # built-in image; side and upper left corner of the crop, pixels
RANGE_PARAMETERS = ("rgb_range", "img_range")  # the maximum of a network's input values
MIN_GAIN = 1.0  # dB; alternatives with a smaller gain are not reported (channel order alone gives about 0.1)
OTHER_LEVELS = (25, 50)  # Gaussian sigma, tried if the training noise is unknown
MAX_PARTS = 4


@dataclass(frozen=True)
class Trial:
    """PSNR in dB of a small noisy image, and of a network's output for it.

    better  PSNR in dB of alternatives that do better, by description
    """

    noise: str
    picture: str
    psnr_noisy: float
    psnr: float
    better: dict[str, float] = field(default_factory=dict)

    @property
    def card(self) -> dict[str, Any]:
        """The trial as stored in the card of weights."""
        return asdict(self)

    def summary(self) -> str:
        """'trial on astronaut, 96x96, gaussian(sigma=15): PSNR 24.76 dB noisy, 32.51 dB denoised'"""
        return (
            f"trial on {self.picture}, {self.noise}: PSNR {self.psnr_noisy:.2f} dB noisy, {self.psnr:.2f} dB denoised"
        )

    def warning(self, importing: bool = False) -> str:
        """What is wrong and what to try, as options of `import` or parameters of a spec; '' if nothing is known."""
        better = [f"{value:.2f} dB {_as_option(what) if importing else what}" for what, value in self.better.items()]
        if self.psnr > self.psnr_noisy:
            return f"trial: PSNR {self.psnr:.2f} dB; {', '.join(better)}" if better else ""
        advice = ", ".join(better) or (
            "check the network (arch), its input range (1 or 255), the set of tensors (part) and the training noise "
            "(trained_on)"
        )
        return f"trial: PSNR {self.psnr:.2f} dB, lower than the noisy image's {self.psnr_noisy:.2f} dB; {advice}"


def _as_option(what: str) -> str:
    """'with img_range=255' -> 'with --set img_range=255'"""
    return re.sub(rf"(?=\b(?:{'|'.join(RANGE_PARAMETERS)})=)", "--set ", what).replace("part=", "--part ")


def from_card(known: Mapping[str, Any]) -> Trial:
    """The trial stored in a card."""
    return Trial(**known)


@torch.inference_mode()
def run_trial(
    module: ModuleType,
    parameters: Mapping[str, Any],
    network: nn.Module,
    trained_on: object = None,
    others: Mapping[str, Mapping[str, Tensor]] | None = None,
) -> Trial:
    """Run a network of this installation on one image at its training noise, Gaussian 15 if that is unknown.

    `others`: further sets of tensors in the file, by name.
    """
    parameters = {**recognition.defaults(module.network), **parameters}
    channels, side = recognition.input_channels(parameters), getattr(module, "TILE", SIDE)
    known = own_noise(trained_on)
    noise = known or noises.REFERENCE
    given, target = _pair(noise, channels, side)

    def score(denoise: Callable[[Tensor], Tensor], given=given, target=target) -> float:
        y = denoise(given.clone())
        return psnr.score(target, _bytes(y)) if y.isfinite().all() else 0.0

    def runs(one: nn.Module, changed: Mapping[str, Any]) -> Callable[[Tensor], Tensor]:
        adapted = adapters.adapt(one, {**parameters, **changed}).eval()
        return lambda x: inference.run(adapted, x, [1], torch.device("cpu"))

    as_is = runs(network.eval(), {})
    noisy, denoised = psnr.score(target, _bytes(given)), score(as_is)
    worse = denoised <= noisy
    tried = {
        f"with part={spec.format_value(name)}": score(runs(one, {}))
        for name, one in _other_parts(network, others or {})
    }
    for what, changed in _other_ranges(module, parameters, network):
        tried[what] = score(runs(changed[0], changed[1]))
    if channels == 3:
        tried["with channels in BGR order (not supported)"] = score(lambda x: as_is(x.flip(1)).flip(1))
    if worse:
        tried |= {
            "with input values in [-1, 1] (not supported)": score(lambda x: (as_is(2 * x - 1) + 1) / 2),
            "with the residual of opposite sign (not supported)": score(lambda x: 2 * x - as_is(x)),
            "without the skip connection from input to output (not supported)": max(
                score(lambda x: x - as_is(x)), score(lambda x: as_is(x) - x)
            ),
        }
    better = {what: value for what, value in tried.items() if value > max(denoised + MIN_GAIN, noisy)}
    if worse and known is None and not better:
        for sigma in OTHER_LEVELS:
            other_given, other_target = _pair(text := f"gaussian(sigma={sigma})", channels, side)
            value = score(as_is, other_given, other_target)
            if value > psnr.score(other_target, _bytes(other_given)) + MIN_GAIN:
                better[f"with {text}, possibly its training noise"] = value
    ranked = sorted(better.items(), key=lambda item: -item[1])
    return Trial(
        noise,
        f"{IMAGE}, {side}x{side}",
        round(noisy, 3),
        round(denoised, 3),
        {what: round(value, 3) for what, value in ranked},
    )


def own_noise(trained_on: object) -> str | None:
    """The training noise in the text of a card, the middle of a range: 'DIV2K, Gaussian, sigma 0-50' is sigma 25.

    None if it names no known noise.
    """
    if isinstance(trained_on, Mapping):
        trained_on = trained_on.get("noise")
    if isinstance(trained_on, list):
        trained_on = ", ".join(trained_on)
    if not isinstance(trained_on, str):
        return None
    number = r"(\d+(?:\.\d+)?)"
    middled = re.sub(
        rf"{number}\s*(?:-|\N{{EN DASH}}|to)\s*{number}",
        lambda match: f"{(float(match[1]) + float(match[2])) / 2:g}",
        trained_on,
    )
    for text in re.findall(r"\w+\([^()]*\)", middled):
        try:
            return noises.canonical(noises.load_noise(text))
        except BadInput:  # other text in brackets
            continue
    sigma = re.search(rf"gaussian\D*{number}", middled, re.IGNORECASE)
    return noises.canonical(noises.load_noise(f"gaussian(sigma={sigma[1]})")) if sigma and float(sigma[1]) else None


@cache
def _pair(noise: str, channels: int, side: int) -> tuple[Tensor, np.ndarray]:
    """(noisy image, target): (1, C, H, W) in [0, 1], rounded to 8 bits, and uint8 (H, W, C)."""
    photo = next(photo for photo in builtin.PHOTOGRAPHS if photo.name == IMAGE)
    clean = builtin.read_crop(photo)[CORNER : CORNER + side, CORNER : CORNER + side].astype(np.float32) / 255
    if channels == 1:
        clean = clean @ np.array([[0.299], [0.587], [0.114]], np.float32)
    loaded = noises.load_noise(noise)
    noisy, target = noises.network_input(loaded, clean, 0, load_protocol("stored"), "trial")
    return inference.to_batch(noisy), to_bytes(target)


def _bytes(x: Tensor) -> np.ndarray:
    """(1, C, H, W) in [0, 1] -> uint8 (H, W, C)"""
    return to_bytes(x[0].permute(1, 2, 0).float().numpy())


def _other_parts(network: nn.Module, others: Mapping[str, Mapping[str, Tensor]]) -> Iterator[tuple[str, nn.Module]]:
    """Copies of the network with other sets of tensors, by name, as far as they fit."""
    for name, tensors in list(others.items())[:MAX_PARTS]:
        if any(checkpoints.differences(network, tensors)):
            continue
        filled = copy.deepcopy(network)
        try:
            checkpoints.load_strictly(filled, tensors, name)
        except ValueError:  # not weights
            continue
        yield name, filled.eval()


def _other_ranges(
    module: ModuleType, parameters: Mapping[str, Any], network: nn.Module
) -> Iterator[tuple[str, tuple[nn.Module, dict[str, Any]]]]:
    """The network with another input range, and the changed parameter, if the tensors do not show the range."""
    own = [key for key in RANGE_PARAMETERS if key in parameters]
    shown = recognition.infer(module, network.state_dict()) or {}
    for key in own:
        if key not in shown:
            changed = {key: 1 if parameters[key] != 1 else 255}
            other = module.network(**{**parameters, **changed})
            other.load_state_dict(network.state_dict())
            yield f"with {key}={changed[key]}", (other.eval(), changed)
    if not own:
        yield "with input values in [0, 255] (not supported)", (adapters.RangeAdapter(network, 255), {})
