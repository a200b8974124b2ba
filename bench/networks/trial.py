"""A trial of weights from elsewhere on one small picture: is the output better than its input, and what would be?

Tensors do not show which white, which order of channels or which of several sets a network was made for, and a wrong
choice gives pictures that look like results. So weights are tried at their own noise, and the usual alternatives too.
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

from baselines import checkpoints, recognition
from bench import spec
from bench.datasets import builtin
from bench.errors import BadInput
from bench.metrics import psnr
from bench.networks import adapters
from bench.networks.mask_keys import keyed
from bench.noise import noises
from bench.protocols import to_bytes

IMAGE, SIDE, CORNER = "astronaut", 96, 64  # of the built-in picture a square, whose upper left corner is this far in
RANGE_PARAMETERS = ("rgb_range", "img_range")  # how networks call the white of their input
MIN_GAIN = 1.0  # dB; a change that gives so much more is said; the order of the channels alone gives 0.1 for most
OTHER_LEVELS = (25, 50)  # of Gaussian noise, tried where the noise of the training is not known
MAX_PARTS = 4


@dataclass(frozen=True)
class Trial:
    """PSNR in dB of a small picture with noise, and of a network's output for it.

    better  what would change the output for the better -> its PSNR in dB
    """

    noise: str
    picture: str
    psnr_noisy: float
    psnr: float
    better: dict[str, float] = field(default_factory=dict)

    @property
    def card(self) -> dict[str, Any]:
        return asdict(self)

    def words(self) -> str:
        """'tried on astronaut, 96x96, with gaussian(sigma=15): 24.76 dB before, 32.51 dB after'"""
        return (
            f"tried on {self.picture} with {self.noise}: PSNR of the input {self.psnr_noisy:.2f} dB, of the output "
            f"{self.psnr:.2f} dB"
        )

    def warning(self, importing: bool = False) -> str:
        """What is wrong and what to try, as options of an import or parameters of a spec; '' for nothing known."""
        better = [f"{_option(what) if importing else what} it is {value:.2f} dB" for what, value in self.better.items()]
        if self.psnr > self.psnr_noisy:
            return f"the output has {self.psnr:.2f} dB; {', '.join(better)}" if better else ""
        advice = ", ".join(better) or (
            "check the network (arch), the white of its input (1 or 255), which set of tensors was taken (part), and "
            "the noise of its training (trained_on)"
        )
        return f"the output is worse than its input ({self.psnr:.2f} dB, input {self.psnr_noisy:.2f} dB); {advice}"


def _option(what: str) -> str:
    """'with img_range=255' -> 'with --set img_range=255'"""
    return re.sub(rf"(?=\b(?:{'|'.join(RANGE_PARAMETERS)})=)", "--set ", what).replace("part=", "--part ")


def from_card(known: Mapping[str, Any]) -> Trial:
    """The trial that a card tells of."""
    return Trial(**known)


@torch.inference_mode()
def run_trial(
    module: ModuleType,
    parameters: Mapping[str, Any],
    network: nn.Module,
    trained_on: object = None,
    others: Mapping[str, Mapping[str, Tensor]] | None = None,
) -> Trial:
    """Run a filled network of this installation on one picture at the noise of its training, Gaussian 15 if unknown.

    `others` are the sets of tensors that could have been taken instead, by name.
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
        return lambda x: adapted(x, **keyed(adapted, (1,)))

    as_is = runs(network.eval(), {})
    noisy, found = psnr.score(target, _bytes(given)), score(as_is)
    worse = found <= noisy
    tried = {
        f"with part={spec.format_value(name)}": score(runs(one, {}))
        for name, one in _other_parts(network, others or {})
    }
    for what, changed in _other_ranges(module, parameters, network):
        tried[what] = score(runs(changed[0], changed[1]))
    if channels == 3:
        tried["with channels in the order BGR, which is not a setting here,"] = score(
            lambda x: as_is(x.flip(1)).flip(1)
        )
    if worse:
        tried |= {
            "with values from -1 to 1, which is not a setting here,": score(lambda x: (as_is(2 * x - 1) + 1) / 2),
            "with the residual of the opposite sign, which is not a setting here,": score(lambda x: 2 * x - as_is(x)),
            "without the skip from input to output, which is not a setting here,": max(
                score(lambda x: x - as_is(x)), score(lambda x: as_is(x) - x)
            ),
        }
    better = {what: value for what, value in tried.items() if value > max(found + MIN_GAIN, noisy)}
    if worse and known is None and not better:
        for sigma in OTHER_LEVELS:
            other_given, other_target = _pair(text := f"gaussian(sigma={sigma})", channels, side)
            value = score(as_is, other_given, other_target)
            if value > psnr.score(other_target, _bytes(other_given)) + MIN_GAIN:
                better[f"with {text}, for which it may have been trained,"] = value
    ranked = sorted(better.items(), key=lambda item: -item[1])
    return Trial(noise, f"{IMAGE}, {side}x{side}", round(noisy, 3), round(found, 3),
                 {what: round(value, 3) for what, value in ranked})  # fmt: skip


def own_noise(trained_on: object) -> str | None:
    """The noise in what a card says of the training, of a range its middle: 'DIV2K, Gaussian, sigma 0-50' is 25.

    None where it says none that is known.
    """
    if isinstance(trained_on, Mapping):
        trained_on = trained_on.get("noise")
    if isinstance(trained_on, list):
        trained_on = ", ".join(trained_on)
    if not isinstance(trained_on, str):
        return None
    number = r"(\d+(?:\.\d+)?)"
    middled = re.sub(rf"{number}\s*(?:-|\N{{EN DASH}}|to)\s*{number}",
                     lambda found: f"{(float(found[1]) + float(found[2])) / 2:g}", trained_on)  # fmt: skip
    for text in re.findall(r"\w+\([^()]*\)", middled):
        try:
            return noises.canonical(noises.load_noise(text))
        except BadInput:  # other words in brackets
            continue
    sigma = re.search(rf"gaussian\D*{number}", middled, re.IGNORECASE)
    return noises.canonical(noises.load_noise(f"gaussian(sigma={sigma[1]})")) if sigma and float(sigma[1]) else None


@cache
def _pair(noise: str, channels: int, side: int) -> tuple[Tensor, np.ndarray]:
    """The picture with noise as stored in 8 bits, (1, C, H, W) in [0, 1], and the target, uint8 (H, W, C)."""
    photo = next(photo for photo in builtin.PHOTOGRAPHS if photo.name == IMAGE)
    clean = builtin.read_crop(photo)[CORNER : CORNER + side, CORNER : CORNER + side].astype(np.float32) / 255
    if channels == 1:
        clean = clean @ np.array([[0.299], [0.587], [0.114]], np.float32)
    loaded = noises.load_noise(noise)
    noisy, target = noises.apply(loaded, clean, noises.generator("trial", loaded, 0))
    given = torch.from_numpy(to_bytes(noisy).astype(np.float32) / 255).permute(2, 0, 1)[None].contiguous()
    return given, to_bytes(target)


def _bytes(x: Tensor) -> np.ndarray:
    """(1, C, H, W) in [0, 1] -> uint8 (H, W, C)"""
    return to_bytes(x[0].permute(1, 2, 0).float().numpy())


def _other_parts(network: nn.Module, others: Mapping[str, Mapping[str, Tensor]]) -> Iterator[tuple[str, nn.Module]]:
    """The network with other sets of tensors, those that fit it."""
    for name, tensors in list(others.items())[:MAX_PARTS]:
        if any(checkpoints.differences(network, tensors)):
            continue
        filled = copy.deepcopy(network)
        try:
            checkpoints.load_strictly(filled, tensors, name)
        except ValueError:  # values that are no weights
            continue
        yield name, filled.eval()


def _other_ranges(
    module: ModuleType, parameters: Mapping[str, Any], network: nn.Module
) -> Iterator[tuple[str, tuple[nn.Module, dict[str, Any]]]]:
    """The network with another white, where its tensors do not show that, and the parameter that changed."""
    own = [key for key in RANGE_PARAMETERS if key in parameters]
    shown = recognition.infer(module, network.state_dict()) or {}
    for key in own:
        if key not in shown:
            changed = {key: 1 if parameters[key] != 1 else 255}
            other = module.network(**{**parameters, **changed})
            other.load_state_dict(network.state_dict())
            yield f"with {key}={changed[key]}", (other.eval(), changed)
    if not own:
        yield "with white at 255, which is not a setting here,", (adapters.RangeAdapter(network, 255), {})
